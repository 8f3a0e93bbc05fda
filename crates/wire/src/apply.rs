//! Remembering that a run's result was used.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /v1/runs/{id}/apply`; it may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyRun {
    /// Who applied it; the credential's user if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What to remember with it, for example a record of yours.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}
