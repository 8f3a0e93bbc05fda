//! Notices in the log of an open run.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use run::Command;
use store::Right;
use wire::{NOTICE_BYTES, RunBody, SendNotice};

use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::Error;
use crate::query::RunPath;
use crate::shown;

/// `POST /v1/runs/{run}/notices`
pub(crate) async fn notify(
    State(app): State<App>,
    caller: Caller,
    RunPath(run): RunPath,
    Body(body): Body<SendNotice>,
) -> Result<(StatusCode, Json<RunBody>), Error> {
    caller.may_or_is_child(Right::Input)?;
    caller.reach(&app, run).await?;
    let n_bytes = body.text.len();
    if body.text.trim().is_empty() {
        return Err(Error::invalid("text", "is empty"));
    }
    if n_bytes > NOTICE_BYTES {
        let message = format!("has {n_bytes} bytes, at most {NOTICE_BYTES} fit");
        return Err(Error::invalid("text", message));
    }
    let command = Command::Notify {
        level: body.level,
        text: body.text,
        by: caller.by(),
    };
    let commanded = app.store.command(&caller.scope, run, command).await?;
    Ok((StatusCode::CREATED, Json(shown::run_body(commanded.run))))
}
