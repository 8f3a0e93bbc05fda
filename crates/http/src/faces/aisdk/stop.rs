//! Stopping the run of a chat: what a client's own stop does not do, which only closes its connection.

use axum::Json;
use axum::extract::State;
use run::ThreadId;
use store::{ReadError, Right};
use wire::StopAnswer;
use wire::faces::aisdk::StopChat;

use crate::App;
use crate::auth::Caller;
use crate::body::OptionalBody;
use crate::error::Error;
use crate::query::ChatPath;
use crate::runs::{bounded_why, stop_run};

/// `POST /aisdk/{agent}/{chat}/stop`
pub(crate) async fn stop(
    State(app): State<App>,
    caller: Caller,
    ChatPath(chat): ChatPath,
    OptionalBody(body): OptionalBody<StopChat>,
) -> Result<Json<StopAnswer>, Error> {
    caller.may(Right::Stop)?;
    let thread = ThreadId::parse(chat)?;
    bounded_why("why", body.why.as_deref())?;
    let named = if let Some(run) = body.run {
        let run = app.store.run(&caller.scope, run).await?;
        if run.thread != thread || !caller.reaches(&run) {
            return Err(Error::not_found());
        }
        Some(run.id)
    } else {
        // The run is resolved first and stopped by its id, so that this cannot cut a run that begins meanwhile.
        caller.reach_thread(&thread)?;
        match app.store.thread(&caller.scope, &thread).await {
            Ok(thread) => thread.current_run,
            Err(ReadError::Unknown) => None,
            Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
        }
    };
    match named {
        Some(run) => stop_run(&app, &caller, run, body.why).await.map(Json),
        None => Ok(Json(StopAnswer {
            stopped: false,
            run: None,
        })),
    }
}
