//! Stopping whatever is current on a thread.

use axum::Json;
use axum::extract::State;
use store::Right;
use wire::{StopAnswer, StopRun};

use crate::App;
use crate::auth::Caller;
use crate::body::OptionalBody;
use crate::error::Error;
use crate::query::ThreadPath;
use crate::runs::{bounded_why, stop_run};

/// `POST /v1/threads/{thread}/stop`
pub(crate) async fn stop(
    State(app): State<App>,
    caller: Caller,
    ThreadPath(id): ThreadPath,
    OptionalBody(body): OptionalBody<StopRun>,
) -> Result<Json<StopAnswer>, Error> {
    caller.may(Right::Stop)?;
    caller.reach_thread(&id)?;
    bounded_why("why", body.why.as_deref())?;
    // The run is resolved first and stopped by its id, so that this cannot cut a run that begins meanwhile.
    match app.store.thread(&caller.scope, &id).await?.current_run {
        Some(run) => stop_run(&app, &caller, run, body.why).await.map(Json),
        None => Ok(Json(StopAnswer {
            stopped: false,
            run: None,
        })),
    }
}
