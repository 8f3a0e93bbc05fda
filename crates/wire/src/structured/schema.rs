//! JSON Schema 2020-12, compiled. Nothing is ever fetched, and patterns run in linear time.

use std::fmt;

use jsonschema::{Draft, PatternOptions, Validator};
use run::{MAX_SCHEMA_BYTES, MAX_VALUE_DEPTH, bounded_text, depth};
use serde_json::Value;

use super::find::Opening;
use super::meter::{KEYWORD, Meter, metered};
use crate::limits::{PATTERN_BYTES, SCHEMA_PATTERNS, VIOLATION_BYTES};

/// A schema that answers are checked against.
pub struct Schema {
    pub(super) validator: Validator,
    pub(super) opening: Opening,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

/// What is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {reason}", if path.is_empty() { "the schema" } else { path })]
pub struct SchemaProblem {
    /// Where in the schema, as a JSON pointer; empty for the whole.
    pub path: String,
    /// Why, as a fragment.
    pub reason: String,
}

impl Schema {
    /// Compiles a schema. An error is whatever keeps it from being used: it is no schema, it refers to another
    /// document, it is too large.
    pub fn new(schema: &Value) -> Result<Self, SchemaProblem> {
        let problem = |path: &str, reason: String| SchemaProblem {
            path: path.to_owned(),
            reason: bounded_text(reason, VIOLATION_BYTES),
        };
        if !schema.is_object() {
            return Err(problem("", "a schema of an output is an object".to_owned()));
        }
        let n_bytes = schema.to_string().len();
        if n_bytes > MAX_SCHEMA_BYTES {
            let reason = format!("has {n_bytes} bytes as JSON, at most {MAX_SCHEMA_BYTES} fit");
            return Err(problem("", reason));
        }
        if depth(schema) > MAX_VALUE_DEPTH {
            let reason = format!("nests more than {MAX_VALUE_DEPTH} levels deep");
            return Err(problem("", reason));
        }
        if let Some((path, address)) = remote(schema, "") {
            let reason =
                format!("refers to another document ({address}); put it under $defs instead");
            return Err(problem(&path, reason));
        }
        if n_patterns(schema) > SCHEMA_PATTERNS {
            let reason = format!("has more than {SCHEMA_PATTERNS} patterns");
            return Err(problem("", reason));
        }
        let (schema, price) = metered(schema);
        let build = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(PATTERN_BYTES)
                    .dfa_size_limit(PATTERN_BYTES),
            )
            .with_keyword(KEYWORD, move |_, _, _| Ok(Box::new(Meter { price })))
            .offline()
            .build(&schema);
        let validator = build.map_err(|error| {
            let path = error.instance_path().as_str().to_owned();
            problem(&path, error.to_string())
        })?;
        Ok(Self {
            validator,
            opening: Opening::of(&schema),
        })
    }
}

/// How many regular expressions a schema has, at most.
fn n_patterns(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => {
            let own = members.iter().map(|(key, value)| match value {
                Value::String(_) if key == "pattern" => 1,
                Value::Object(patterns) if key == "patternProperties" => patterns.len(),
                _ => 0,
            });
            own.sum::<usize>() + members.values().map(n_patterns).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(n_patterns).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// The first reference that leaves the document. Said before anything would look for it, in words of our own.
fn remote<'s>(schema: &'s Value, path: &str) -> Option<(String, &'s str)> {
    match schema {
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
            match value {
                Value::String(address)
                    if matches!(key.as_str(), "$ref" | "$dynamicRef")
                        && address.contains("://")
                        && !address.starts_with("https://json-schema.org/") =>
                {
                    Some((path, address.as_str()))
                }
                // Plain data, which may look like anything.
                _ if matches!(key.as_str(), "const" | "enum" | "default" | "examples") => None,
                value => remote(value, &path),
            }
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(n, item)| remote(item, &format!("{path}/{n}"))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: &Value, expected: Result<(), (&str, &str)>) {
        match (Schema::new(schema), expected) {
            (Ok(_), Ok(())) => {}
            (Err(problem), Err((path, reason))) => {
                assert_eq!(problem.path, path, "{problem}");
                assert!(problem.reason.contains(reason), "{problem}");
            }
            (found, _) => panic!("{found:?} for {schema}"),
        }
    }

    #[test]
    fn what_is_no_schema_is_told_with_its_place() {
        check(&json!({}), Ok(()));
        check(
            &json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}),
            Ok(()),
        );
        check(
            &json!({"properties": {"a": {"type": "text"}}}),
            Err(("/properties/a/type", "text")),
        );
        check(&json!({"required": "a"}), Err(("/required", "array")));
        check(&json!(true), Err(("", "object")));
        check(&json!({"$ref": "#/$defs/a", "$defs": {"a": {}}}), Ok(()));
        check(&json!({"$ref": "#/$defs/b"}), Err(("", "$defs/b")));
        check(&json!({"pattern": "("}), Err(("/pattern", "regex")));
    }

    #[test]
    fn nothing_is_fetched() {
        let remote = "https://127.0.0.1:1/schema.json";
        let expected = Err(("/items/$ref", "another document"));
        check(&json!({"items": {"$ref": remote}}), expected);
        check(&json!({"$ref": "other.json"}), Err(("", "other.json")));
        check(&json!({"const": {"$ref": remote}}), Ok(()));
    }

    #[test]
    fn a_schema_has_a_bound() {
        let long = "x".repeat(MAX_SCHEMA_BYTES);
        check(&json!({"title": long}), Err(("", "at most 65536")));
        let many: Vec<Value> = (0..=SCHEMA_PATTERNS)
            .map(|n| json!({"pattern": n.to_string()}))
            .collect();
        check(&json!({"anyOf": many}), Err(("", "patterns")));
        let large = json!({"pattern": r"^(\p{L}{1,1000}){1,1000}$"});
        check(&large, Err(("/pattern", "regex")));
        let usual = json!({"pattern": r"^[\w.-]{1,100}@\d{4}-\d{2}$"});
        check(&usual, Ok(()));
        let deep = (0..=MAX_VALUE_DEPTH).fold(json!({}), |inner, _| json!({"not": inner}));
        check(&deep, Err(("", "levels")));
    }
}
