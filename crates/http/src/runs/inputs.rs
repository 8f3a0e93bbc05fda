//! Messages to an open run.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use run::{Command, Event};
use store::Right;
use wire::{InputAnswer, InputList, SendInput};

use crate::App;
use crate::auth::Caller;
use crate::body::{Body, printed};
use crate::error::Error;
use crate::query::{InputPath, RunPath};
use crate::shown;

/// `POST /v1/runs/{run}/inputs`
pub(crate) async fn send(
    State(app): State<App>,
    caller: Caller,
    RunPath(run): RunPath,
    Body(body): Body<SendInput>,
) -> Result<(StatusCode, Json<InputAnswer>), Error> {
    caller.may(Right::Input)?;
    caller.reach(&app, run).await?;
    printed(&app, &body)?;
    let command = Command::Input {
        mode: body.mode,
        parts: body.parts,
        by: caller.by(),
    };
    let commanded = app.store.command(&caller.scope, run, command).await?;
    let input = commanded.events.into_iter().find_map(|event| match event {
        Event::InputReceived(received) => Some(received.input),
        _ => None,
    });
    let Some(input) = input else {
        tracing::error!("an input was accepted without an event");
        return Err(Error::internal());
    };
    let run = shown::run_body(commanded.run);
    Ok((StatusCode::ACCEPTED, Json(InputAnswer { input, run })))
}

/// `GET /v1/runs/{run}/inputs`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    RunPath(run): RunPath,
) -> Result<Json<InputList>, Error> {
    caller.may(Right::Read)?;
    caller.reach(&app, run).await?;
    let snapshot = app.store.snapshot(&caller.scope, run).await?;
    Ok(Json(InputList {
        inputs: snapshot.inputs,
    }))
}

/// `DELETE /v1/runs/{run}/inputs/{input}`
pub(crate) async fn take_back(
    State(app): State<App>,
    caller: Caller,
    InputPath(run, input): InputPath,
) -> Result<Json<InputAnswer>, Error> {
    caller.may(Right::Input)?;
    caller.reach(&app, run).await?;
    let command = Command::TakeBack {
        input: input.clone(),
    };
    let commanded = app.store.command(&caller.scope, run, command).await?;
    let run = shown::run_body(commanded.run);
    Ok(Json(InputAnswer { input, run }))
}
