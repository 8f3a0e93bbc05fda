//! Usage, wherever a vendor puts it.

use serde_json::Value;

use crate::Usage;
use crate::told::{Told, count};

/// Adds one report, if it is one.
pub(super) fn add(report: &Value, told: &mut Told) {
    let count = |paths: &[&str]| count(report, paths);
    // The second names are those of vendors who translate another wire.
    let input = count(&["/prompt_tokens", "/input_tokens"]);
    let output = count(&["/completion_tokens", "/output_tokens"]);
    if input.is_none() && output.is_none() {
        return;
    }
    told.spent(Usage {
        input: input.unwrap_or(0),
        output: output.unwrap_or(0),
        reasoning: count(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/reasoning_tokens",
        ])
        .unwrap_or(0),
        // The last two are DeepSeek's and Moonshot's.
        cached: count(&[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cached_tokens",
        ])
        .unwrap_or(0),
    });
}
