//! The catalogue, as far as the caller may use it.

use axum::Json;
use axum::extract::State;
use store::Right;
use wire::{AgentBody, AgentList};

use crate::App;
use crate::auth::Caller;
use crate::error::Error;

/// `GET /v1/agents`
pub(crate) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<AgentList>, Error> {
    caller.may(Right::Read)?;
    let agents = app
        .catalogue
        .agents()
        .filter(|(name, _)| caller.may_start(name))
        .map(|(name, spec)| AgentBody {
            name: name.to_owned(),
            driver: spec.driver,
            description: spec.description.clone(),
            model: spec.model.clone(),
            overridable: spec.overridable.clone(),
            takes_inputs: spec.driver.takes_inputs(),
            ephemeral: spec.ephemeral,
        })
        .collect();
    Ok(Json(AgentList { agents }))
}
