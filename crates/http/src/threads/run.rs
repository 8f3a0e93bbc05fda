//! A thread's latest run: what a page shows when it is opened.

use axum::Json;
use axum::extract::State;
use store::Right;
use wire::ThreadRun;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::ThreadPath;
use crate::{runs, shown};

/// `GET /v1/threads/{thread}/run`
pub(crate) async fn latest_run(
    State(app): State<App>,
    caller: Caller,
    ThreadPath(id): ThreadPath,
) -> Result<Json<ThreadRun>, Error> {
    caller.may(Right::Read)?;
    caller.reach_thread(&id)?;
    let Some(run) = app.store.thread_run(&caller.scope, &id).await? else {
        return Ok(Json(ThreadRun {
            run: None,
            message: None,
        }));
    };
    let snapshot = app.store.snapshot(&caller.scope, run.id).await?;
    Ok(Json(ThreadRun {
        run: Some(shown::run_body(run)),
        message: runs::last_message(snapshot),
    }))
}
