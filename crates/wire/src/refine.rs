//! Refining the result of a run.

use run::Trigger;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The body of `POST /v1/runs/{id}/refine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefineRun {
    /// What is to be different. A coding agent takes none for: review and improve what you did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schema(example = "Shorter sessions on Monday")]
    pub instruction: String,
    /// The output as a person edited it, in place of the run's own. It must fit the run's schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub output: Option<Value>,
    /// What starts it; `api` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::schema::trigger)]
    pub trigger: Option<Trigger>,
}
