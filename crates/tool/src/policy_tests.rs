//! Tables: which rule wins for which name.

use std::time::Duration;

use serde_json::{Value, json};

use super::{BadPolicy, Hints, Permission, Policy, PolicyConfig, Terms, fits};
use crate::limits;

fn policy(config: &Value) -> Policy {
    let config: PolicyConfig = serde_json::from_value(config.clone()).expect("a configuration");
    Policy::new(config).expect("a policy")
}

fn terms(permission: Permission) -> Terms {
    Terms {
        permission,
        idempotent: false,
        timeout: limits::CALL_TIMEOUT,
    }
}

/// The permission that these rules give the tool.
#[track_caller]
fn check(rules: impl Into<Value>, tool: &str, expected: Permission) {
    let mut written = json!({"rules": {}});
    for (pattern, permission) in rules.into().as_object().expect("rules") {
        written["rules"][pattern] = json!({"permission": permission});
    }
    let policy = policy(&written);
    assert_eq!(policy.terms(tool, Hints::default()), terms(expected));
}

#[test]
fn a_tool_that_no_rule_names_is_asked_for_unless_configured() {
    let unnamed = |config: Value| policy(&config).terms("x", Hints::default());
    assert_eq!(unnamed(json!({})), terms(Permission::Ask));
    assert_eq!(
        Policy::default().terms("x", Hints::default()),
        terms(Permission::Ask)
    );
    assert_eq!(unnamed(json!({"default": "deny"})), terms(Permission::Deny));
    let other = json!({"default": "allow", "rules": {"y": {"permission": "deny"}}});
    assert_eq!(unnamed(other), terms(Permission::Allow));
}

#[test]
fn an_exact_name_wins_over_every_pattern() {
    let rules = json!({"files__read": "allow", "files__rea*": "deny", "*": "deny"});
    check(rules, "files__read", Permission::Allow);
}

#[test]
fn the_longer_beginning_wins() {
    let rules = json!({"*": "deny", "files__*": "ask", "files__read_*": "allow"});
    check(rules.clone(), "files__read_text", Permission::Allow);
    check(rules.clone(), "files__write", Permission::Ask);
    check(rules, "shell", Permission::Deny);
}

#[test]
fn between_equal_beginnings_the_longer_text_wins_and_then_the_stricter() {
    let rules = json!({"files__*": "allow", "files__*_file": "deny"});
    check(rules.clone(), "files__read_file", Permission::Deny);
    check(rules, "files__read", Permission::Allow);
    let rules = json!({"f*ab": "allow", "f*b": "deny", "f*a*b": "deny"});
    check(rules, "fxab", Permission::Deny);
}

#[test]
fn each_setting_comes_from_the_most_specific_rule_that_has_it() {
    let policy = policy(&json!({"rules": {
        "*": {"timeout_ms": 5000, "idempotent": true},
        "files__*": {"permission": "allow"},
        "files__write": {"idempotent": false},
    }}));
    let expected = Terms {
        permission: Permission::Allow,
        idempotent: false,
        timeout: Duration::from_secs(5),
    };
    assert_eq!(policy.terms("files__write", Hints::default()), expected);
}

#[test]
fn hints_make_idempotent_only_where_they_are_trusted_and_never_allow() {
    let hints = Hints {
        read_only: Some(true),
        destructive: Some(false),
        idempotent: None,
    };
    let idempotent = |config: Value, hints| {
        let terms = policy(&config).terms("x", hints);
        assert_eq!(terms.permission, Permission::Ask);
        terms.idempotent
    };
    assert!(!idempotent(json!({}), hints));
    assert!(idempotent(json!({"trust_hints": true}), hints));
    let says_idempotent = Hints {
        idempotent: Some(true),
        ..Hints::default()
    };
    assert!(idempotent(json!({"trust_hints": true}), says_idempotent));
    assert!(!idempotent(json!({"trust_hints": true}), Hints::default()));
    let denied = json!({"trust_hints": true, "rules": {"x": {"idempotent": false}}});
    assert!(!idempotent(denied, hints));
}

#[test]
fn a_star_stands_for_any_text() {
    let cases: &[(&str, &str, bool)] = &[
        ("a", "a", true),
        ("a", "ab", false),
        ("*", "", true),
        ("*", "anything", true),
        ("a*", "a", true),
        ("a*c", "abc", true),
        ("a*c", "ac", true),
        ("a*a", "a", false),
        ("*b*", "abc", true),
        ("*b*", "ac", false),
        ("a**c", "abc", true),
        ("*ab*ab", "ab", false),
        ("*ab*ab", "abab", true),
        ("a*b*c", "axbxbxc", true),
        ("a*b*c", "acb", false),
    ];
    for &(pattern, name, expected) in cases {
        assert_eq!(fits(pattern, name), expected, "{pattern} on {name}");
    }
}

#[test]
fn a_policy_that_cannot_be_meant_is_refused() {
    let refused = |config: Value| {
        let config: PolicyConfig = serde_json::from_value(config).expect("a configuration");
        Policy::new(config).expect_err("refused")
    };
    for pattern in ["", "files.read", "a b", "é", &"x".repeat(65)] {
        assert_eq!(
            refused(json!({"rules": {pattern: {}}})),
            BadPolicy::Pattern(pattern.into())
        );
    }
    for timeout_ms in [0, 86_400_001] {
        let config = json!({"rules": {"a*": {"timeout_ms": timeout_ms}}});
        let expected = BadPolicy::Timeout {
            pattern: "a*".into(),
            timeout_ms,
        };
        assert_eq!(refused(config), expected);
    }
    let unknown = json!({"rules": {"a": {"allow": true}}});
    serde_json::from_value::<PolicyConfig>(unknown).expect_err("an unknown key");
}
