//! Deleting a thread and its runs.

use axum::extract::State;
use axum::http::StatusCode;
use store::Right;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::ThreadPath;

/// `DELETE /v1/threads/{thread}`
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    ThreadPath(id): ThreadPath,
) -> Result<StatusCode, Error> {
    caller.may(Right::Manage)?;
    caller.reach_thread(&id)?;
    app.store.delete_thread(&caller.scope, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
