//! Answering what a run waits for.

use axum::Json;
use axum::extract::State;
use run::Command;
use store::Right;
use wire::{RequestAnswer, RunBody};

use crate::App;
use crate::auth::Caller;
use crate::body::{Body, printed};
use crate::error::Error;
use crate::query::RequestPath;
use crate::shown;

/// `POST /v1/runs/{run}/requests/{request}`
pub(crate) async fn answer(
    State(app): State<App>,
    caller: Caller,
    RequestPath(run, request): RequestPath,
    Body(body): Body<RequestAnswer>,
) -> Result<Json<RunBody>, Error> {
    caller.may(Right::Answer)?;
    caller.reach(&app, run).await?;
    printed(&app, &body)?;
    let RequestAnswer(answer) = body;
    let command = Command::Answer {
        request,
        answer,
        by: caller.by(),
    };
    let commanded = app.store.command(&caller.scope, run, command).await?;
    Ok(Json(shown::run_body(commanded.run)))
}
