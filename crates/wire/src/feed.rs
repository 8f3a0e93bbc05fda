//! Changes of runs and threads, for boards.

use run::{RunId, Status, ThreadId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The data of an event of `GET /v1/feed`: that something changed, not what. Fetch it if you show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FeedChange {
    /// The thread.
    #[schema(value_type = String)]
    pub thread_id: ThreadId,
    /// The run, in `event: run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub run_id: Option<RunId>,
    /// Where the run is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub status: Option<Status>,
}
