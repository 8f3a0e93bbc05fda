//! Whether a JSON Schema fits a vendor's strict mode.

use serde_json::Value;

/// The keywords that strict mode surely takes (OpenAI, "Structured outputs", supported schemas).
const KNOWN: [&str; 12] = [
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "anyOf",
];

/// Whether the vendor would take this schema with `strict: true`: the root is an object, every object is closed and
/// requires all its properties, and no keyword is used that could be refused. A strict request with another schema is
/// a 400, so what is in doubt is sent as a wish and checked by us afterwards.
pub(super) fn is_strict(schema: &Value) -> bool {
    schema["type"] == "object" && schema.get("anyOf").is_none() && fits(schema)
}

fn fits(schema: &Value) -> bool {
    let Some(members) = schema.as_object() else {
        return false;
    };
    if !members.keys().all(|key| KNOWN.contains(&&**key)) {
        return false;
    }
    let is_object = match &schema["type"] {
        Value::String(one) => one == "object",
        Value::Array(several) => several.iter().any(|one| one == "object"),
        _ => members.contains_key("properties"),
    };
    if is_object && !is_closed(schema) {
        return false;
    }
    let map = |key| {
        schema
            .get(key)
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|map| map.values())
    };
    let list = schema["anyOf"].as_array().into_iter().flatten();
    map("properties")
        .chain(map("$defs"))
        .chain(list)
        .chain(schema.get("items"))
        .all(fits)
}

fn is_closed(schema: &Value) -> bool {
    let required = schema["required"].as_array();
    let is_required =
        |name: &str| required.is_some_and(|required| required.iter().any(|known| known == name));
    schema["additionalProperties"] == false
        && schema["properties"]
            .as_object()
            .is_some_and(|properties| properties.keys().all(|name| is_required(name)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_closed_schemas_of_known_keywords_are_strict() {
        let closed = json!({"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": {"type": "string"}}});
        assert!(is_strict(&closed));
        assert!(is_strict(
            &json!({"type": "object", "additionalProperties": false, "required": ["l"],
            "properties": {"l": {"type": "array", "items": closed}}})
        ));
        for change in [
            json!({"additionalProperties": true}),
            json!({"required": []}),
            json!({"oneOf": []}),
            json!({"type": "array"}),
            json!({"properties": {"a": {"type": "string", "pattern": "x"}}}),
            json!({"properties": {"a": {"type": ["object", "null"]}}}),
            json!({"properties": {"a": true}}),
        ] {
            let mut schema = closed.clone();
            for (name, value) in change.as_object().unwrap() {
                schema[name] = value.clone();
            }
            assert!(!is_strict(&schema), "{schema}");
        }
        assert!(!is_strict(&json!({})));
    }
}
