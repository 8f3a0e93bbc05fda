//! What tools a `loop` agent has and what it may do with them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

/// A tool that needs no server of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuiltinTool {
    /// Reads a page or a document at an address.
    HttpFetch,
    /// Runs a command line in the agent's directory.
    Shell,
    /// Asks the run's user questions.
    AskUser,
}

impl BuiltinTool {
    /// Its name, as the model writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HttpFetch => "http_fetch",
            Self::Shell => "shell",
            Self::AskUser => "ask_user",
        }
    }
}

impl fmt::Display for BuiltinTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a tool may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Without asking.
    Allow,
    /// When a person allows it; the run is parked until then.
    Ask,
    /// Never; the model is told so.
    Deny,
}

/// What an agent may do with the tools that a pattern matches. In configuration a plain word stands for the permission
/// alone: `"shell" = "ask"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ToolRule {
    /// Whether they may be used.
    pub permission: Permission,
    /// Whether a call may be made again when a crash leaves open whether it acted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// Milliseconds that one call may take; the agent's `timeout_ms` if missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl ToolRule {
    /// A rule that only says whether.
    pub fn new(permission: Permission) -> Self {
        Self {
            permission,
            idempotent: false,
            timeout_ms: None,
        }
    }
}

/// By hand, because serde's untagged enums say "did not match any variant" instead of what is wrong.
impl<'de> Deserialize<'de> for ToolRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            permission: Permission,
            #[serde(default)]
            idempotent: bool,
            #[serde(default)]
            timeout_ms: Option<u64>,
        }
        match Value::deserialize(deserializer)? {
            word @ Value::String(_) => serde_json::from_value(word).map(Self::new),
            table @ Value::Object(_) => serde_json::from_value(table).map(|table: Table| Self {
                permission: table.permission,
                idempotent: table.idempotent,
                timeout_ms: table.timeout_ms,
            }),
            _ => {
                let text = "expected \"allow\", \"ask\", \"deny\" or { permission = …, idempotent = …, timeout_ms = … }";
                return Err(de::Error::custom(text));
            }
        }
        .map_err(de::Error::custom)
    }
}

/// The tools of a `loop` agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// MCP servers by their names in the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mcp: Vec<String>,
    /// Tools that need no server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub builtin: Vec<BuiltinTool>,
    /// Other agents that it may start, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
    /// What it may do, by the tool's name or a pattern with `*`; the most specific one counts. A tool that none
    /// matches is asked about; `ask_user`, other agents and the client's own tools are not, unless a rule names them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, ToolRule>,
    /// Whether a server's own word that a tool may be called again is believed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trust_hints: bool,
    /// Milliseconds that one call may take.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: u64,
    /// Milliseconds after which a request to the user is not waited for any more; never if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// How many levels of agents there may be below a run that no agent started.
    #[serde(default = "default_max_depth")]
    pub max_depth: u32,
}

fn default_timeout_ms() -> u64 {
    15 * 60 * 1000
}

fn default_max_depth() -> u32 {
    3
}

impl Default for Tools {
    fn default() -> Self {
        Self {
            mcp: Vec::new(),
            builtin: Vec::new(),
            agents: Vec::new(),
            rules: BTreeMap::new(),
            trust_hints: false,
            timeout_ms: default_timeout_ms(),
            expires_ms: None,
            max_depth: default_max_depth(),
        }
    }
}

impl Tools {
    /// Whether nothing was said about tools.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Everything that is wrong with it, each as a sentence.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.timeout_ms == 0 || self.rules.values().any(|rule| rule.timeout_ms == Some(0)) {
            problems.push("tools: timeout_ms must be at least 1".to_owned());
        }
        if self.expires_ms == Some(0) {
            problems.push("tools: expires_ms must be at least 1".to_owned());
        }
        if self.rules.keys().any(String::is_empty) {
            problems.push("tools: a rule needs the name of a tool or a pattern".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: &str, expected: Result<ToolRule, &str>) {
        let read: Result<ToolRule, _> = serde_json::from_str(rule);
        match (read, expected) {
            (Ok(rule), Ok(expected)) => assert_eq!(rule, expected),
            (Err(error), Err(expected)) => {
                assert!(error.to_string().contains(expected), "{error}");
            }
            (read, _) => panic!("{rule}: {read:?}"),
        }
    }

    #[test]
    fn a_rule_is_a_word_or_a_table() {
        check(r#""allow""#, Ok(ToolRule::new(Permission::Allow)));
        let whole = ToolRule {
            permission: Permission::Ask,
            idempotent: true,
            timeout_ms: Some(5),
        };
        check(
            r#"{"permission":"ask","idempotent":true,"timeout_ms":5}"#,
            Ok(whole),
        );
        let printed = serde_json::to_string(&whole).unwrap();
        check(&printed, Ok(whole));
        check(r#""maybe""#, Err("unknown variant `maybe`"));
        check(
            r#"{"permission":"ask","idem":true}"#,
            Err("unknown field `idem`"),
        );
        check("3", Err("expected \"allow\""));
    }
}
