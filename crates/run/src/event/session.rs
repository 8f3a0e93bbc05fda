//! The native session of an agent that keeps one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The agent's own session is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// The agent's id of it.
    pub native_id: String,
    /// What reopens it later; opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_ref: Option<Value>,
    /// The model it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// The session is in another state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionChanged {
    /// The state, in the agent's word.
    pub state: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// The session's process is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionExited {
    /// How: `exited`, `killed`, `crashed`.
    pub kind: String,
    /// Whether it can be reopened.
    pub recoverable: bool,
}
