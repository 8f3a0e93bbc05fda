//! Remembering that a run's result was used.

use axum::Json;
use axum::extract::State;
use store::{Applied, Right};
use wire::{ApplyRun, RunBody};

use super::bounded_why;
use crate::App;
use crate::auth::Caller;
use crate::body::OptionalBody;
use crate::error::Error;
use crate::query::RunPath;
use crate::{fresh, shown};

/// `POST /v1/runs/{run}/apply`
pub(crate) async fn apply(
    State(app): State<App>,
    caller: Caller,
    RunPath(run): RunPath,
    OptionalBody(body): OptionalBody<ApplyRun>,
) -> Result<Json<RunBody>, Error> {
    caller.may(Right::Manage)?;
    caller.reach(&app, run).await?;
    bounded_why("by", body.by.as_deref())?;
    bounded_why("ref", body.reference.as_deref())?;
    let applied = Applied {
        at: fresh::now(),
        by: body.by.unwrap_or_else(|| caller.by().0),
        reference: body.reference,
    };
    let run = app.store.apply(&caller.scope, run, applied).await?;
    Ok(Json(shown::run_body(run)))
}
