//! How much of its thread's history a model is told.

use serde::{Deserialize, Serialize};

/// What becomes of history that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverBudget {
    /// The oldest is left out.
    #[default]
    Drop,
    /// One call of the model makes a summary of it, which is told instead.
    Summarise,
}

/// How much of its thread's history a model is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// At most so many tokens, as estimated; 0 for no history.
    pub tokens: u32,
    /// What becomes of what does not fit.
    pub over: OverBudget,
}

impl Default for History {
    fn default() -> Self {
        Self {
            tokens: 16_000,
            over: OverBudget::Drop,
        }
    }
}

/// Fewest tokens of history that leave room for a summary.
const SUMMARISED_TOKENS: u32 = 256;

impl History {
    /// What is wrong with it.
    pub(crate) fn problem(self) -> Option<String> {
        let is_short = (1..SUMMARISED_TOKENS).contains(&self.tokens);
        (is_short && self.over == OverBudget::Summarise).then(|| {
            format!("history: with over = \"summarise\" tokens must be at least {SUMMARISED_TOKENS}, or 0")
        })
    }

    /// Whether nothing was said about it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
