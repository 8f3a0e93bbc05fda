//! Deleting a run.

use axum::extract::State;
use axum::http::StatusCode;
use store::Right;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::RunPath;

/// `DELETE /v1/runs/{run}`
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    RunPath(run): RunPath,
) -> Result<StatusCode, Error> {
    caller.may(Right::Manage)?;
    caller.reach(&app, run).await?;
    app.store.delete_run(&caller.scope, run).await?;
    Ok(StatusCode::NO_CONTENT)
}
