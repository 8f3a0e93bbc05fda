//! `POST /agui/runs/{agui_run}/stop`: the protocol has no call for it, and a client that hangs up ends nothing.

use axum::Json;
use axum::extract::State;
use store::Right;
use wire::{StopAnswer, StopRun};

use super::follow::named;
use crate::App;
use crate::auth::Caller;
use crate::body::OptionalBody;
use crate::error::Error;
use crate::query::AguiRunPath;
use crate::runs;

pub(crate) async fn stop(
    State(app): State<App>,
    caller: Caller,
    AguiRunPath(id): AguiRunPath,
    OptionalBody(body): OptionalBody<StopRun>,
) -> Result<Json<StopAnswer>, Error> {
    caller.may(Right::Stop)?;
    runs::bounded_why("why", body.why.as_deref())?;
    let (run, _) = named(&app, &caller, &id).await?;
    runs::stop_run(&app, &caller, run.id, body.why)
        .await
        .map(Json)
}
