//! What a run has consumed.

use serde::{Deserialize, Serialize};

/// Tokens and cost of a step or of a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens sent to the model, cached ones included.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens written by the model, reasoning included.
    #[serde(default)]
    pub output_tokens: u64,
    /// Of the output, tokens spent on reasoning.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reasoning_tokens: u64,
    /// Of the input, tokens read from the vendor's cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cached_input_tokens: u64,
    /// Cost in US dollars, where a price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}

impl Usage {
    /// Input and output together.
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// The sum of two usages.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
            cached_input_tokens: self
                .cached_input_tokens
                .saturating_add(other.cached_input_tokens),
            cost_usd: match (known(self.cost_usd), known(other.cost_usd)) {
                (None, None) => None,
                (a, b) => Some((a.unwrap_or(0.0) + b.unwrap_or(0.0)).clamp(f64::MIN, f64::MAX)),
            },
        }
    }

    /// The totals of an outer source in place of ours; a cost that it does not know stays.
    #[must_use]
    pub fn replaced_by(&self, totals: &Self) -> Self {
        Self {
            cost_usd: known(totals.cost_usd).or(known(self.cost_usd)),
            ..*totals
        }
    }
}

/// A cost that JSON can carry; it has no word for "not a number".
fn known(cost_usd: Option<f64>) -> Option<f64> {
    cost_usd.filter(|cost| cost.is_finite())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}
