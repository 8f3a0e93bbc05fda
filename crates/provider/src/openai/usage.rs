//! Usage, wherever a vendor puts it.

use serde_json::Value;

use crate::Usage;

/// Adds one report to what is known. Vendors report once at the end, in every chunk, or zeros first: a count never
/// falls within one reply, so the largest is the last.
pub(super) fn merge(known: &mut Option<Usage>, report: &Value) {
    let Some(new) = read(report) else { return };
    let old = known.unwrap_or_default();
    *known = Some(Usage {
        input: old.input.max(new.input),
        output: old.output.max(new.output),
        reasoning: old.reasoning.max(new.reasoning),
        cached: old.cached.max(new.cached),
    });
}

fn read(report: &Value) -> Option<Usage> {
    let count = |paths: &[&str]| {
        paths
            .iter()
            .find_map(|path| report.pointer(path).and_then(number))
    };
    // The second names are those of vendors who translate another wire.
    let input = count(&["/prompt_tokens", "/input_tokens"]);
    let output = count(&["/completion_tokens", "/output_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage {
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
    })
}

/// A count; some vendors write it as a float.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked, and a fraction of a token means nothing"
)]
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|count| (0.0..1e15).contains(count))
            .map(|count| count as u64)
    })
}
