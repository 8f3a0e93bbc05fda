//! What a model can do, by its name: the wire refuses what a generation does not know.

use serde_json::{Value, json};

use crate::limits;

/// Whether a model thinks by a budget of tokens and does not know the adaptive mode: the generation 4.5 and before.
fn thinks_by_budget(model: &str) -> bool {
    is_before_schemas(model) || model.contains("-4-5")
}

/// Whether a model came before structured outputs: the generation 4.1 and before.
pub(super) fn is_before_schemas(model: &str) -> bool {
    // Behind `-4-20` is the date of a model of generation 4.
    ["claude-3", "claude-2", "-4-0", "-4-1", "-4-20"]
        .iter()
        .any(|part| model.contains(part))
}

/// How a request says how hard to think, and how many tokens the answer may have with it.
#[derive(Debug, PartialEq)]
pub(super) struct Thinking {
    pub(super) max_tokens: u32,
    pub(super) mode: Option<Value>,
    /// For `output_config`.
    pub(super) effort: Option<String>,
}

impl Thinking {
    pub(super) fn new(model: &str, effort: Option<&str>, max_tokens: Option<u32>) -> Self {
        let plain = max_tokens.unwrap_or(limits::ANTHROPIC_MAX_TOKENS);
        let mut this = Self {
            max_tokens: plain,
            mode: None,
            effort: None,
        };
        match effort {
            None => {}
            Some("none" | "off") => this.mode = Some(json!({ "type": "disabled" })),
            Some(effort) if thinks_by_budget(model) => {
                let budget = match effort {
                    "minimal" => 1024,
                    "low" => 2048,
                    "medium" => 8192,
                    _ => 24_576,
                };
                // The budget is part of the limit: what the caller asked for is kept, and half of it is for the answer.
                let budget = max_tokens.map_or(budget, |all| budget.min(all / 2));
                if max_tokens.is_none() {
                    this.max_tokens = plain + budget;
                }
                // The least that the wire takes.
                if budget >= 1024 {
                    this.mode = Some(json!({ "type": "enabled", "budget_tokens": budget }));
                }
            }
            Some(effort) => {
                // Newer models leave the text of their thoughts out unless asked for it.
                this.mode = Some(json!({ "type": "adaptive", "display": "summarized" }));
                this.effort = Some(effort.to_owned());
            }
        }
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        model: &str,
        effort: &str,
        max_tokens: Option<u32>,
        expected: (u32, Option<&str>, Option<&str>),
    ) {
        let got = Thinking::new(model, Some(effort), max_tokens);
        let (max_tokens, mode, effort) = expected;
        let expected = Thinking {
            max_tokens,
            mode: mode.map(|text| serde_json::from_str(text).unwrap()),
            effort: effort.map(str::to_owned),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn a_model_is_told_to_think_in_the_way_of_its_generation() {
        let adaptive = r#"{"type":"adaptive","display":"summarized"}"#;
        let default = limits::ANTHROPIC_MAX_TOKENS;
        for model in [
            "claude-opus-4-6",
            "claude-sonnet-5",
            "claude-haiku-5-5",
            "claude-fable-5-1",
        ] {
            check(model, "high", None, (default, Some(adaptive), Some("high")));
            check(model, "xhigh", Some(9), (9, Some(adaptive), Some("xhigh")));
        }
        for model in [
            "claude-haiku-4-5-20251001",
            "claude-sonnet-4-5",
            "claude-opus-4-20250514",
            "claude-3-7-sonnet-latest",
        ] {
            let low = r#"{"type":"enabled","budget_tokens":2048}"#;
            check(model, "low", None, (default + 2048, Some(low), None));
            let half = r#"{"type":"enabled","budget_tokens":2000}"#;
            check(model, "high", Some(4000), (4000, Some(half), None));
            check(model, "high", Some(1500), (1500, None, None));
        }
        let off = r#"{"type":"disabled"}"#;
        check("claude-opus-4-8", "none", Some(7), (7, Some(off), None));
    }
}
