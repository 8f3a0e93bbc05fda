//! Stopping a run.

use axum::Json;
use axum::extract::State;
use run::{Command, Refused, RunId};
use store::{CommandError, Right};
use wire::{StopAnswer, StopRun, WHY_BYTES};

use crate::App;
use crate::auth::Caller;
use crate::body::OptionalBody;
use crate::error::Error;
use crate::query::RunPath;
use crate::shown;

/// `POST /v1/runs/{run}/stop`
pub(crate) async fn stop(
    State(app): State<App>,
    caller: Caller,
    RunPath(run): RunPath,
    OptionalBody(body): OptionalBody<StopRun>,
) -> Result<Json<StopAnswer>, Error> {
    caller.may(Right::Stop)?;
    caller.reach(&app, run).await?;
    bounded_why("why", body.why.as_deref())?;
    stop_run(&app, &caller, run, body.why).await.map(Json)
}

/// Stops a run. One that has ended is left as it is, which is not an error: the caller has what it wants.
pub(crate) async fn stop_run(
    app: &App,
    caller: &Caller,
    run: RunId,
    why: Option<String>,
) -> Result<StopAnswer, Error> {
    let command = Command::Stop {
        by: caller.by(),
        why,
        superseded_by: None,
    };
    match app.store.command(&caller.scope, run, command).await {
        Ok(commanded) => Ok(StopAnswer {
            stopped: true,
            run: Some(shown::run_body(commanded.run)),
        }),
        Err(CommandError::Refused(Refused::Final(_))) => {
            let run = app.store.run(&caller.scope, run).await?;
            Ok(StopAnswer {
                stopped: false,
                run: Some(shown::run_body(run)),
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses a text that is too long to be remembered.
pub(crate) fn bounded_why(path: &str, why: Option<&str>) -> Result<(), Error> {
    match why {
        Some(why) if why.len() > WHY_BYTES => Err(Error::invalid(
            path,
            format!("has {} bytes, at most {WHY_BYTES} fit", why.len()),
        )),
        _ => Ok(()),
    }
}
