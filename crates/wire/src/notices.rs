//! Notices that a client leaves in a run's log.

use run::event::NoticeLevel;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /v1/runs/{run}/notices`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendNotice {
    /// Something for people to know.
    pub text: String,
    /// How much it matters: `info` (if missing), `warning` or `error`.
    #[serde(default = "info")]
    #[schema(value_type = Option<String>, example = "info")]
    pub level: NoticeLevel,
}

fn info() -> NoticeLevel {
    NoticeLevel::Info
}
