//! A JSON Schema as Anthropic's structured mode takes it.

use serde_json::{Map, Value, json};

use crate::limits;

/// What the mode takes as it is ("Structured outputs", JSON Schema limitations).
const KEPT: [&str; 8] = [
    "type",
    "title",
    "description",
    "default",
    "const",
    "enum",
    "required",
    "$ref",
];

/// The formats of strings that the mode knows.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];

/// The schema in the mode's subset, or none if it cannot be said in it. Objects are closed, and a rule that the mode
/// does not know is told to the model in the description, as the vendor's own clients do: the answer is checked against
/// the whole schema afterwards.
pub(super) fn fit(schema: &Value) -> Option<Value> {
    if is_recursive(schema) {
        return None;
    }
    fit_at(schema, 0)
}

fn fit_at(schema: &Value, depth: usize) -> Option<Value> {
    if depth > limits::SCHEMA_DEPTH {
        return None;
    }
    let members = schema.as_object()?;
    let mut fitted = Map::new();
    let mut rules = Vec::new();
    let each = |map: &Map<String, Value>| -> Option<Map<String, Value>> {
        map.iter()
            .map(|(name, value)| Some((name.clone(), fit_at(value, depth + 1)?)))
            .collect()
    };
    for (key, value) in members {
        let kept = match (&**key, value) {
            ("$schema" | "$id" | "$comment" | "examples" | "additionalProperties", _) => None,
            ("properties" | "$defs" | "definitions", Value::Object(map)) => {
                Some((&**key, each(map)?.into()))
            }
            ("items", one) => Some((&**key, fit_at(one, depth + 1)?)),
            // Of several, one that is valid is enough to write.
            ("anyOf" | "oneOf" | "allOf", Value::Array(list)) => {
                let list: Option<Vec<Value>> =
                    list.iter().map(|one| fit_at(one, depth + 1)).collect();
                Some((if key == "allOf" { "allOf" } else { "anyOf" }, list?.into()))
            }
            ("minItems", count) if matches!(count.as_u64(), Some(0 | 1)) => {
                Some((&**key, value.clone()))
            }
            ("format", Value::String(format)) if FORMATS.contains(&&**format) => {
                Some((&**key, value.clone()))
            }
            (known, _) if KEPT.contains(&known) => Some((known, value.clone())),
            (rule, _) => {
                rules.push(format!("{rule}: {value}"));
                None
            }
        };
        if let Some((key, value)) = kept {
            fitted.insert(key.to_owned(), value);
        }
    }
    let is_object = match &schema["type"] {
        Value::String(one) => one == "object",
        Value::Array(several) => several.iter().any(|one| one == "object"),
        _ => members.contains_key("properties"),
    };
    if is_object {
        let is_map = members
            .get("properties")
            .and_then(Value::as_object)
            .is_none_or(Map::is_empty)
            && schema.get("additionalProperties") != Some(&Value::Bool(false));
        // Closed, it would be an object that is always empty.
        if is_map {
            return None;
        }
        fitted.insert("additionalProperties".into(), false.into());
    }
    if !rules.is_empty() {
        let rules = format!("{{{}}}", rules.join(", "));
        let text = match fitted.get("description").and_then(Value::as_str) {
            Some(text) => format!("{text} {rules}"),
            None => rules,
        };
        fitted.insert("description".into(), json!(text));
    }
    Some(fitted.into())
}

/// Whether a reference leads back to where it stands, or out of the document.
fn is_recursive(schema: &Value) -> bool {
    fn visit(root: &Value, value: &Value, open: &mut Vec<String>) -> bool {
        if open.len() > limits::SCHEMA_DEPTH {
            return true;
        }
        match value {
            Value::Array(list) => list.iter().any(|one| visit(root, one, open)),
            Value::Object(members) => members.iter().any(|(key, value)| match (&**key, value) {
                // Looked into where they are referred to.
                ("$defs" | "definitions", _) => false,
                ("$ref", Value::String(target)) => {
                    let Some(found) = target
                        .strip_prefix('#')
                        .filter(|path| !path.is_empty())
                        .and_then(|path| root.pointer(path))
                    else {
                        return true;
                    };
                    if open.contains(target) {
                        return true;
                    }
                    open.push(target.clone());
                    let is_recursive = visit(root, found, open);
                    open.pop();
                    is_recursive
                }
                _ => visit(root, value, open),
            }),
            _ => false,
        }
    }
    visit(schema, schema, &mut Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the callers write a literal")]
    fn check(schema: Value, expected: Option<Value>) {
        assert_eq!(fit(&schema), expected);
    }

    #[test]
    fn objects_are_closed_and_rules_go_into_the_description() {
        check(
            json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["n"],
                "properties": {
                    "n": {"type": "integer", "minimum": 1, "description": "How many"},
                    "l": {"type": "array", "items": {"type": "string", "format": "date"}, "minItems": 3},
                    "o": {"oneOf": [{"type": "null"}, {"$ref": "#/$defs/p"}]},
                },
                "$defs": {"p": {"properties": {"x": {"type": "number"}}, "additionalProperties": true}},
            }),
            Some(json!({
                "type": "object", "required": ["n"], "additionalProperties": false,
                "properties": {
                    "n": {"type": "integer", "description": "How many {minimum: 1}"},
                    "l": {"type": "array", "items": {"type": "string", "format": "date"}, "description": "{minItems: 3}"},
                    "o": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/p"}]},
                },
                "$defs": {"p": {"properties": {"x": {"type": "number"}}, "additionalProperties": false}},
            })),
        );
    }

    #[test]
    fn what_the_mode_cannot_say_is_not_sent() {
        for schema in [
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {"a": true}}),
            json!({"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "properties": {"t": {"$ref": "#/$defs/t"}}}}}),
            json!({"type": "array", "items": {"$ref": "#"}}),
            json!({"$ref": "https://example.com/x"}),
            json!(true),
        ] {
            check(schema, None);
        }
    }
}
