//! State that an agent shares with its client.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The whole state; replaces the earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateSnapshot {
    /// The state.
    pub state: Value,
}

/// A change of the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateDelta {
    /// A JSON Patch (RFC 6902).
    pub patch: Vec<Value>,
}
