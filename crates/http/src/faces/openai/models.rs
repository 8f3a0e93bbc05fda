//! Agents as models.

use axum::Json;
use axum::extract::{Path, State};
use store::Right;
use wire::faces::openai::{Model, ModelList};

use crate::App;
use crate::auth::Caller;
use crate::error::Error;

/// `GET /openai/v1/models`
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<ModelList>, Error> {
    caller.may(Right::Read)?;
    let names = app.catalogue.agents().map(|(name, _)| name);
    let names = names.filter(|name| caller.may_start(name));
    Ok(Json(ModelList {
        object: "list",
        data: names.map(Model::of).collect(),
    }))
}

/// `GET /openai/v1/models/{model}`
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<Model>, Error> {
    caller.may(Right::Read)?;
    let mut names = app.catalogue.agents().map(|(name, _)| name);
    let found = names.find(|name| *name == model && caller.may_start(name));
    match found {
        Some(name) => Ok(Json(Model::of(name))),
        None => Err(Error::new(
            wire::Code::NotFound,
            "there is no such agent, or not for this caller",
        )),
    }
}
