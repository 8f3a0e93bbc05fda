//! What a UI message says of its run.

use run::event::RunFinished;
use run::{ErrorInfo, Reason, RunId, Status, ThreadId, Timestamp, Usage};
use serde::Serialize;

/// The metadata of a UI message. Each chunk has what is new; the client merges them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_id: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thread_id: Option<ThreadId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Consumed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<ErrorInfo>,
}

/// Usage in the client's words.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Consumed {
    input_tokens: u64,
    output_tokens: u64,
    total_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    reasoning_tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cached_input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl From<Usage> for Consumed {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            total_tokens: usage.total_tokens(),
            reasoning_tokens: usage.reasoning_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            cost_usd: usage.cost_usd,
        }
    }
}

/// An error as its reader sees it: what a client shows is the text, so the stable code stands at its end.
pub fn error_text(message: &str, code: &str) -> String {
    format!("{} ({code})", message.trim_end_matches('.'))
}

/// The word of the client's own for how a run has ended.
pub(super) fn finish_reason(finished: &RunFinished) -> &'static str {
    match finished.status {
        Status::Failed => return "error",
        Status::Aborted => return "other",
        Status::Queued | Status::Running | Status::Waiting | Status::Succeeded => {}
    }
    match finished.finish_reason.as_deref() {
        Some("length" | "max_tokens" | "MAX_TOKENS" | "max_output_tokens") => "length",
        Some("content_filter" | "content-filter" | "SAFETY" | "refusal") => "content-filter",
        Some(_) | None if finished.reason == Reason::Budget => "length",
        Some(_) | None => "stop",
    }
}
