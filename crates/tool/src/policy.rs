//! Which tools may be used, and on what terms. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits;

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Without asking.
    Allow,
    /// After a person has said so.
    Ask,
    /// Never.
    Deny,
}

/// What a configuration says about the tools that a pattern names. What is left out comes from a less specific rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Whether calls may be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// Whether a call of which nobody knows the end may be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
    /// How long a call may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// A policy as a configuration writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// For tools that no rule names; `ask` unless it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Permission>,
    /// Whether what a server says of its own tools may make them idempotent. It never loosens a permission.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trust_hints: bool,
    /// Rules by the name of a tool, or by a pattern in which `*` stands for any text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Rule>,
}

/// What a server says of its own tool. Nothing of it is proven.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// It may destroy something.
    pub destructive: Option<bool>,
    /// A second call with the same arguments changes nothing more.
    pub idempotent: Option<bool>,
}

/// The terms of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Whether it may be made.
    pub permission: Permission,
    /// Whether it may be made again when nobody knows its end.
    pub idempotent: bool,
    /// How long it may take.
    pub timeout: Duration,
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// No tool can have a name that the pattern fits.
    #[error(
        "the tool policy names {0:?}: a name has letters, digits, `_` and `-` (at most {max} bytes), and `*` for any text",
        max = limits::NAME_BYTES
    )]
    Pattern(String),
    /// A time that cannot be kept.
    #[error(
        "the tool policy of {pattern:?} has timeout_ms = {timeout_ms}: use 1 to {max}",
        max = limits::CALL_TIMEOUT_MAX.as_millis()
    )]
    Timeout {
        /// The rule.
        pattern: String,
        /// Its time.
        timeout_ms: u64,
    },
    /// More rules than are looked through.
    #[error("the tool policy has {0} rules, at most {max} are accepted", max = limits::POLICY_RULES)]
    Rules(usize),
}

/// Rules for the tools of an agent.
///
/// The most specific rule that fits a name wins, for each of its settings alone: an exact name before a pattern, then
/// the longer text before the first `*`, then the longer text in all. Between two that are equal the stricter one wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The most specific first.
    rules: Vec<(String, Rule)>,
    default: Permission,
    trust_hints: bool,
}

impl Default for Policy {
    /// Asks before every call.
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            default: Permission::Ask,
            trust_hints: false,
        }
    }
}

impl Policy {
    /// Checks a configuration.
    ///
    /// # Errors
    /// What [`BadPolicy`] says.
    pub fn new(config: PolicyConfig) -> Result<Self, BadPolicy> {
        if config.rules.len() > limits::POLICY_RULES {
            return Err(BadPolicy::Rules(config.rules.len()));
        }
        let max = u64::try_from(limits::CALL_TIMEOUT_MAX.as_millis()).unwrap_or(u64::MAX);
        for (pattern, rule) in &config.rules {
            if !is_possible(pattern) {
                return Err(BadPolicy::Pattern(pattern.clone()));
            }
            if let Some(timeout_ms) = rule.timeout_ms
                && !(1..=max).contains(&timeout_ms)
            {
                let pattern = pattern.clone();
                return Err(BadPolicy::Timeout {
                    pattern,
                    timeout_ms,
                });
            }
        }
        let mut rules: Vec<_> = config.rules.into_iter().collect();
        rules.sort_by_cached_key(|(pattern, rule)| {
            let prefix = pattern.find('*');
            let literal = pattern.bytes().filter(|&byte| byte != b'*').count();
            std::cmp::Reverse((
                prefix.is_none(),
                prefix.unwrap_or(pattern.len()),
                literal,
                rule.permission,
            ))
        });
        Ok(Self {
            rules,
            default: config.default.unwrap_or(Permission::Ask),
            trust_hints: config.trust_hints,
        })
    }

    /// The terms of a call of the tool that a model calls `name`, which its server describes by `hints`.
    pub fn terms(&self, name: &str, hints: Hints) -> Terms {
        let mut permission = None;
        let mut idempotent = None;
        let mut timeout_ms = None;
        let fitting = self.rules.iter().filter(|(pattern, _)| fits(pattern, name));
        for (_, rule) in fitting {
            permission = permission.or(rule.permission);
            idempotent = idempotent.or(rule.idempotent);
            timeout_ms = timeout_ms.or(rule.timeout_ms);
        }
        let is_hinted = hints.read_only == Some(true) || hints.idempotent == Some(true);
        Terms {
            permission: permission.unwrap_or(self.default),
            idempotent: idempotent.unwrap_or(self.trust_hints && is_hinted),
            timeout: timeout_ms.map_or(limits::CALL_TIMEOUT, Duration::from_millis),
        }
    }
}

/// Whether the pattern fits a name that a tool can have.
fn is_possible(pattern: &str) -> bool {
    let literal = pattern.bytes().filter(|&byte| byte != b'*');
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !pattern.is_empty()
        && pattern.len() <= 2 * limits::NAME_BYTES
        && literal.clone().all(known)
        && literal.count() <= limits::NAME_BYTES
}

/// Whether `name` is `pattern`, where `*` stands for any text. The parts between stars are found from left to right,
/// each at its first place, which needs no going back.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(prefix) else {
        return false;
    };
    let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = name.find(part) else {
            return false;
        };
        name = &name[at + part.len()..];
    }
    name.ends_with(suffix)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
