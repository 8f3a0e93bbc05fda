//! What a run may consume at most.

use serde::{Deserialize, Serialize};

use crate::{Run, Timestamp};

/// Bounds of one run; a missing one does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Input and output tokens together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Model calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// Cost in US dollars, where prices are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// Milliseconds from the run's first attempt, waiting included. Over it the run fails as `deadline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// Milliseconds without any follower. Over it the run is aborted as `unwatched`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwatched_ms: Option<u64>,
}

/// Which bound of a [`Budget`] was reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exhausted {
    /// So many tokens were allowed.
    Tokens(u64),
    /// So many model calls were allowed.
    Steps(u32),
    /// So much money was allowed, in US dollars.
    Cost(f64),
}

impl std::fmt::Display for Exhausted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tokens(n) => write!(f, "the budget of {n} tokens is used up"),
            Self::Steps(n) => write!(f, "the budget of {n} model calls is used up"),
            Self::Cost(usd) => write!(f, "the budget of ${usd} is used up"),
        }
    }
}

impl Budget {
    /// The bound that consumption has reached, if any. Time is judged by [`Budget::deadline`].
    pub fn exhausted(&self, run: &Run) -> Option<Exhausted> {
        let tokens = self
            .tokens
            .filter(|max| run.usage.total_tokens() >= *max)
            .map(Exhausted::Tokens);
        let steps = self
            .steps
            .filter(|max| run.n_steps >= *max && run.step.is_none())
            .map(Exhausted::Steps);
        let cost = self
            .cost_usd
            .filter(|max| run.usage.cost_usd.unwrap_or(0.0) >= *max)
            .map(Exhausted::Cost);
        tokens.or(steps).or(cost)
    }

    /// When the run's time is over.
    pub fn deadline(&self, run: &Run) -> Option<Timestamp> {
        Some(run.started_at?.plus_ms(self.wall_ms?))
    }

    /// The stricter of two budgets, bound by bound: what a client asks for never widens what the operator allows.
    #[must_use]
    pub fn within(&self, outer: &Self) -> Self {
        Self {
            tokens: stricter(self.tokens, outer.tokens),
            steps: stricter(self.steps, outer.steps),
            cost_usd: stricter(self.cost_usd, outer.cost_usd),
            wall_ms: stricter(self.wall_ms, outer.wall_ms),
            unwatched_ms: stricter(self.unwatched_ms, outer.unwatched_ms),
        }
    }
}

fn stricter<T: PartialOrd>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b < a { b } else { a }),
        (a, b) => a.or(b),
    }
}
