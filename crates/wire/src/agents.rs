//! The catalogue as clients see it.

use run::{DriverKind, Setting};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentBody {
    /// Its name.
    pub name: String,
    /// How its attempts are performed.
    #[schema(value_type = String, example = "model")]
    pub driver: DriverKind,
    /// A line for people.
    #[serde(default)]
    pub description: Option<String>,
    /// `vendor/model`, where it has one.
    #[serde(default)]
    pub model: Option<String>,
    /// What its runs may override.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub overridable: Vec<Setting>,
    /// Whether its runs hear steers and follow-ups.
    pub takes_inputs: bool,
    /// Whether its runs stay out of lists unless asked for.
    pub ephemeral: bool,
}

/// The agents that the caller may start, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AgentList {
    /// The agents.
    pub agents: Vec<AgentBody>,
}
