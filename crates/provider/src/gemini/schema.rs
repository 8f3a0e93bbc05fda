//! A JSON Schema as Gemini takes it.

use serde_json::{Map, Value, json};

use crate::limits;

/// The keywords that the API names for `responseJsonSchema`.
const KNOWN: [&str; 18] = [
    "$id",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "required",
    "propertyOrdering",
    "additionalProperties",
    "items",
    "prefixItems",
    "anyOf",
];

/// The schema without the keywords that the API does not name: it may refuse them, and the answer is checked against the
/// whole schema afterwards.
pub(super) fn fit(schema: &Value) -> Value {
    fit_at(schema, 0)
}

fn fit_at(schema: &Value, depth: usize) -> Value {
    let Some(members) = schema.as_object().filter(|_| depth < limits::SCHEMA_DEPTH) else {
        return schema.clone();
    };
    let list = |list: &[Value]| list.iter().map(|one| fit_at(one, depth + 1)).collect();
    let mut fitted = Map::new();
    for (key, value) in members {
        let (key, value) = match (&**key, value) {
            ("properties" | "$defs", Value::Object(map)) => {
                let each = map
                    .iter()
                    .map(|(name, one)| (name.clone(), fit_at(one, depth + 1)));
                (&**key, Value::Object(each.collect()))
            }
            ("const", one) => ("enum", json!([one])),
            ("oneOf", Value::Array(several)) => ("anyOf", list(several)),
            ("anyOf" | "prefixItems", Value::Array(several)) => (&**key, list(several)),
            ("items" | "additionalProperties", one) => (&**key, fit_at(one, depth + 1)),
            (known, _) if KNOWN.contains(&known) => (known, value.clone()),
            _ => continue,
        };
        fitted.insert(key.to_owned(), value);
    }
    fitted.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keywords_that_the_api_names_are_sent() {
        let schema = json!({
            "$schema": "x", "type": "object", "required": ["a"], "additionalProperties": false, "unevaluatedProperties": false,
            "properties": {"a": {"const": 1}, "pattern": {"type": "string", "pattern": "^a", "maxLength": 3}},
            "$defs": {"d": {"oneOf": [{"type": "null"}, {"type": "array", "items": {"not": {}}, "minItems": 2}]}},
        });
        let expected = json!({
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"enum": [1]}, "pattern": {"type": "string"}},
            "$defs": {"d": {"anyOf": [{"type": "null"}, {"type": "array", "items": {}, "minItems": 2}]}},
        });
        assert_eq!(fit(&schema), expected);
    }
}
