//! The steps of a `scripted` agent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One step of a script; exactly one of the keys that name what it does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptStep {
    /// Writes so many words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u32>,
    /// With `tokens`: how many a second; as fast as possible if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<f64>,
    /// Writes this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Reasons with this text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Calls a tool of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// With `tool`: its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    /// With `tool`: its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// With `tool`: how long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Says nothing for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<u64>,
    /// Asks for an approval with this title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// Asks this question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// With `approval` or `question`: keeps its worker while it waits, as an agent's process does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// With `approval` or `question`: nobody needs to answer after so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Fails with this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail: Option<String>,
    /// The attempt dies.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exit: bool,
}

impl ScriptStep {
    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<String> {
        let actions = [
            ("tokens", self.tokens.is_some()),
            ("text", self.text.is_some()),
            ("reason", self.reason.is_some()),
            ("tool", self.tool.is_some()),
            ("stall_ms", self.stall_ms.is_some()),
            ("approval", self.approval.is_some()),
            ("question", self.question.is_some()),
            ("fail", self.fail.is_some()),
            ("exit", self.exit),
        ];
        let given: Vec<&str> = actions
            .iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| *name)
            .collect();
        match given[..] {
            [_] => {}
            [] => {
                let names: Vec<&str> = actions.iter().map(|(name, _)| *name).collect();
                return Some(format!("needs one of {}", names.join(", ")));
            }
            _ => return Some(format!("does one thing only, not {}", given.join(" and "))),
        }
        let waits = self.approval.is_some() || self.question.is_some();
        let companions = [
            (
                "per_second",
                self.per_second.is_some(),
                self.tokens.is_some(),
                "tokens",
            ),
            ("args", self.args.is_some(), self.tool.is_some(), "tool"),
            ("result", self.result.is_some(), self.tool.is_some(), "tool"),
            (
                "delay_ms",
                self.delay_ms.is_some(),
                self.tool.is_some(),
                "tool",
            ),
            ("held", self.held, waits, "approval or question"),
            (
                "expires_ms",
                self.expires_ms.is_some(),
                waits,
                "approval or question",
            ),
        ];
        if let Some((key, _, _, with)) = companions
            .iter()
            .find(|(_, given, fits, _)| *given && !*fits)
        {
            return Some(format!("{key} goes with {with}"));
        }
        match self.per_second {
            Some(rate) if !(rate > 0.0 && rate.is_finite()) => {
                Some("per_second must be above 0".to_owned())
            }
            _ => None,
        }
    }
}
