//! The chunks of a UI message stream that this face writes.

use serde::Serialize;
use serde_json::Value;

use super::metadata::Metadata;

/// A chunk. What a member means, the package's documentation of its stream protocol says.
#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(super) enum Chunk<'a> {
    Start {
        message_id: &'a str,
        message_metadata: &'a Metadata,
    },
    StartStep,
    FinishStep,
    /// Forget the parts of the step; only in [`Dialect::V7`](super::Dialect::V7).
    ResetStep,
    TextStart {
        id: &'a str,
        provider_metadata: Origin<'a>,
    },
    TextDelta {
        id: &'a str,
        delta: &'a str,
    },
    TextEnd {
        id: &'a str,
    },
    ReasoningStart {
        id: &'a str,
        provider_metadata: Origin<'a>,
    },
    ReasoningEnd {
        id: &'a str,
    },
    SourceUrl {
        source_id: &'a str,
        url: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    File {
        url: &'a str,
        media_type: &'a str,
    },
    ToolInputStart {
        tool_call_id: &'a str,
        tool_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dynamic: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolInputDelta {
        tool_call_id: &'a str,
        input_text_delta: &'a str,
    },
    ToolInputAvailable {
        tool_call_id: &'a str,
        tool_name: &'a str,
        input: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dynamic: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolApprovalRequest {
        approval_id: &'a str,
        tool_call_id: &'a str,
    },
    /// Only in [`Dialect::V7`](super::Dialect::V7).
    ToolApprovalResponse {
        approval_id: &'a str,
        approved: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    ToolOutputAvailable {
        tool_call_id: &'a str,
        output: &'a Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
    },
    ToolOutputError {
        tool_call_id: &'a str,
        error_text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
    },
    ToolOutputDenied {
        tool_call_id: &'a str,
    },
    MessageMetadata {
        message_metadata: &'a Metadata,
    },
    Finish {
        finish_reason: &'static str,
        message_metadata: &'a Metadata,
    },
    Abort {
        reason: &'a str,
    },
    Error {
        error_text: &'a str,
    },
}

/// Where a part comes from: the message of the run, by which a page finds the parts of one that was discarded.
#[derive(Debug, Serialize)]
pub(super) struct Origin<'a> {
    pub(super) outlive: Of<'a>,
}

/// See [`Origin`].
#[derive(Debug, Serialize)]
pub(super) struct Of<'a> {
    pub(super) message: &'a str,
    /// Whether the part is the model's words for not answering.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) refusal: bool,
}

impl<'a> Origin<'a> {
    pub(super) fn of(message: &'a str) -> Self {
        Self {
            outlive: Of {
                message,
                refusal: false,
            },
        }
    }

    pub(super) fn refusal(message: &'a str) -> Self {
        Self {
            outlive: Of {
                message,
                refusal: true,
            },
        }
    }
}

/// A part of our own.
#[derive(Debug, Serialize)]
pub(super) struct Data<'a, T> {
    /// Begins with `data-`.
    pub(super) r#type: &'a str,
    /// A later part of the same type and id replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    #[serde(rename = "data")]
    pub(super) value: &'a T,
    /// Whether it is told and not kept in the message.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) transient: bool,
}
