//! One thread.

use axum::Json;
use axum::extract::State;
use store::Right;
use wire::ThreadBody;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::ThreadPath;
use crate::shown;

/// `GET /v1/threads/{thread}`
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    ThreadPath(id): ThreadPath,
) -> Result<Json<ThreadBody>, Error> {
    caller.may(Right::Read)?;
    caller.reach_thread(&id)?;
    let thread = app.store.thread(&caller.scope, &id).await?;
    Ok(Json(shown::thread_body(thread)))
}
