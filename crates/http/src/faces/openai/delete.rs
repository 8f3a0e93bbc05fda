//! Deleting a response, with all of its run.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use store::Right;

use super::log::known;
use super::named::{Named, ResponsePath};
use crate::App;
use crate::auth::Caller;
use crate::error::Error;

/// `DELETE /openai/v1/responses/{response}`
pub(crate) async fn delete(
    State(app): State<App>,
    caller: Caller,
    ResponsePath(id): ResponsePath,
) -> Result<Json<Value>, Error> {
    caller.may(Right::Manage)?;
    let named = Named::of(&app, &caller, id).await?;
    if !named.run.log_expired {
        drop(known(&app, &caller, &named).await?);
    }
    app.store.delete_run(&caller.scope, id.run).await?;
    Ok(Json(
        json!({ "id": id.to_string(), "object": "response", "deleted": true }),
    ))
}
