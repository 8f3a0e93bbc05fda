//! Cancelling a response.

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use store::Right;
use wire::faces::openai::{Phase, Translation};

use super::log::{known, waits};
use super::named::{Named, ResponsePath};
use super::stream::to_end;
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::limits::CANCEL_WAIT;
use crate::runs::stop_run;

/// `POST /openai/v1/responses/{response}/cancel`
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    ResponsePath(id): ResponsePath,
) -> Result<Json<Value>, Error> {
    caller.may(Right::Stop)?;
    let named = Named::of(&app, &caller, id).await?;
    let (mut translation, mut follower) = known(&app, &caller, &named).await?;
    if is_latest(&app, &caller, &named, &translation).await? {
        stop_run(&app, &caller, id.run, None).await?;
        let ended = to_end(&mut translation, &mut follower);
        tokio::select! {
            ended = ended => ended?,
            () = tokio::time::sleep(CANCEL_WAIT) => {}
            () = app.closing.cancelled() => {}
        }
    }
    Ok(Json(translation.response()))
}

/// Whether the run has not gone on behind the response: an old cancel does not cut a later one.
async fn is_latest(
    app: &App,
    caller: &Caller,
    named: &Named,
    translation: &Translation,
) -> Result<bool, Error> {
    if translation.phase() == Phase::Within {
        return Ok(true);
    }
    if named.run.control.is_final() || named.run.control.requests.is_empty() {
        return Ok(false);
    }
    let waits = waits(app, caller, named).await?;
    Ok(waits.found().last().map(|wait| wait.last) == translation.last_seq())
}
