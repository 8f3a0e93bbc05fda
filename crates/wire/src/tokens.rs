//! Short-lived tokens, for browsers.

use run::{RunId, ThreadId, Timestamp, User};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenRight {
    /// Start runs.
    Start,
    /// Read runs and threads.
    Read,
    /// Stop runs.
    Stop,
    /// Send inputs.
    Input,
    /// Answer requests.
    Answer,
}

/// The body of `POST /v1/tokens`. A token is for one run or one thread and its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// For this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub run_id: Option<RunId>,
    /// For this thread and its runs; it need not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub thread_id: Option<ThreadId>,
    /// What it allows, at least one.
    pub rights: Vec<TokenRight>,
    /// The user it acts as. A key that carries a user gives tokens of that user only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub user: Option<User>,
    /// The agents it may start; those of the key if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<Vec<String>>,
    /// Its life in seconds, at most a day; 15 minutes if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// A token. It is shown this once.
#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TokenBody {
    /// The secret: for `Authorization: Bearer`, or `?token=` on event routes.
    pub token: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for TokenBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenBody")
            .field("token", &"***")
            .field("expires_at", &self.expires_at)
            .finish()
    }
}
