//! Consumption, context and retries.

use serde::{Deserialize, Serialize};

use crate::{RunId, Usage};

/// The run's totals, as its source counts them; replaces what was known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UsageUpdated {
    /// Tokens in the model's context now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    /// How many the context can hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_tokens: Option<u64>,
    /// All that the run consumed so far.
    pub totals: Usage,
}

/// Older history was dropped or summarised to fit the context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContextCompacted {
    /// Tokens before.
    pub before_tokens: u64,
    /// Tokens after.
    pub after_tokens: u64,
    /// A text that stands for what was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// With `summary`: the last run of the thread that it covers, with all before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<RunId>,
}

/// A call failed and will be made again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryScheduled {
    /// After how long.
    pub delay_ms: u64,
    /// Why it failed, in the words of the other side.
    pub why: String,
}
