//! What has no other place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeLevel {
    /// Good to know.
    Info,
    /// Something is not as it should be.
    Warning,
    /// Something failed and the run goes on.
    Error,
}

/// Something for people to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// How much it matters.
    pub level: NoticeLevel,
    /// A stable word for programs.
    pub code: String,
    /// The text.
    pub text: String,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl Notice {
    /// A notice without detail.
    pub fn new(level: NoticeLevel, code: &str, text: impl Into<String>) -> Self {
        Self {
            level,
            code: code.to_owned(),
            text: text.into(),
            detail: None,
        }
    }
}

/// A frame of the agent's own protocol that has no place elsewhere; only if the agent's configuration asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raw {
    /// The protocol.
    pub source: String,
    /// The frame.
    pub payload: Value,
}

/// An event of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Custom {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
}
