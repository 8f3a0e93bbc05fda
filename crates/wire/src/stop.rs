//! Stopping a run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::RunBody;

/// The body of a stop; it may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopRun {
    /// Why, for people; at most 2 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a stop did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StopAnswer {
    /// Whether there was something to stop: `false` for a run that had ended, or a thread without a current run.
    pub stopped: bool,
    /// The run behind it. One that an agent performs ends a little later.
    #[serde(default)]
    pub run: Option<RunBody>,
}
