//! Errors as bodies: problem details (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Code;

/// The media type of an error's body.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// An error as a client reads it. Further members belong to the code, for example `run_id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A name for the kind of problem: `urn:outlive:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// A line for people, the same each time.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time.
    pub detail: String,
    /// The stable word; see the table of codes. Text and not an enum, because a later server has more of them.
    pub code: String,
    /// The run it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where in the body something is wrong, for example `settings.model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The rule that is broken there: a keyword of JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
    /// The number of the log's last event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The right that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<String>,
    /// How the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_status: Option<String>,
    /// The bound that was hit, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// A word for the cause inside the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:outlive:{code}"),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            run_id: None,
            path: None,
            rule: None,
            suggestion: None,
            last: None,
            right: None,
            run_status: None,
            max_bytes: None,
            why: None,
        }
    }

    /// The code, if this version knows it.
    pub fn known_code(&self) -> Option<Code> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == self.code)
    }

    /// Reads an error's body. One that is not ours, for example a proxy's, is told as far as it can be.
    pub fn read(status: u16, body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(body);
            let detail = text.trim().chars().take(300).collect();
            Self {
                kind: "about:blank".to_owned(),
                title: format!("status {status}"),
                status,
                detail,
                code: "unknown".to_owned(),
                ..Self::new(Code::Internal, "")
            }
        })
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.detail, self.code)
    }
}
