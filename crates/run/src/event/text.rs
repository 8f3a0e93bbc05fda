//! Messages and their text.

use serde::{Deserialize, Serialize};

use crate::{MessageId, Part, Role};

/// A message begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageStarted {
    /// Its id.
    pub message: MessageId,
    /// Who speaks.
    pub role: Role,
}

/// More text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextDelta {
    /// The message.
    pub message: MessageId,
    /// The index of the part within the message.
    pub part: u32,
    /// The text to add.
    pub text: String,
}

/// More reasoning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReasoningDelta {
    /// The message.
    pub message: MessageId,
    /// The index of the part within the message.
    pub part: u32,
    /// The text to add.
    pub text: String,
}

/// A message is done; its parts are the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageCompleted {
    /// The message.
    pub message: MessageId,
    /// All its parts. Missing where it was cut short: then what the deltas said stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Vec<Part>>,
    /// Whether it was cut short by the end of its attempt or of the run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub interrupted: bool,
}

/// A message is to be forgotten: a new attempt says it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageDiscarded {
    /// The message.
    pub message: MessageId,
    /// Why.
    pub why: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !*value
}
