//! Agents as models.

use serde::Serialize;
use utoipa::ToSchema;

/// An agent as a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OpenAiModel)]
pub struct Model {
    /// The agent's name.
    pub id: String,
    /// Always `model`.
    pub object: &'static str,
    /// Always 0: agents are written in a configuration.
    pub created: u64,
    /// Always `outlive`.
    pub owned_by: &'static str,
}

impl Model {
    /// An agent of a name.
    pub fn of(agent: &str) -> Self {
        Self {
            id: agent.to_owned(),
            object: "model",
            created: 0,
            owned_by: "outlive",
        }
    }
}

/// The agents that the caller may start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OpenAiModelList)]
pub struct ModelList {
    /// Always `list`.
    pub object: &'static str,
    /// The agents, by name.
    pub data: Vec<Model>,
}
