//! A bound on the work of a check. References make a short schema stand for an exponentially long one, and whoever may
//! start a run may bring one. So each pass through a reference costs what the schema is long, and a check whose
//! allowance is used up is broken off.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::{Keyword, ValidationError};
use serde_json::Value;

/// The keyword that is put beside each reference.
pub(super) const KEYWORD: &str = "outlive:pass";

thread_local! {
    /// What is left for the check that this thread is in.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// Thrown when nothing is left: a validator has no other way out of the middle of a check.
struct Spent;

/// Takes the price of one pass.
pub(super) struct Meter {
    pub(super) price: u64,
}

impl Meter {
    fn pass(&self) {
        match LEFT.get().checked_sub(self.price) {
            Some(left) => LEFT.set(left),
            // Not `panic!`: nothing is wrong with the program, and nothing is to be printed.
            None => resume_unwind(Box::new(Spent)),
        }
    }
}

impl<'i> Keyword<'i> for Meter {
    fn validate(&self, _: &'i Value) -> Result<(), ValidationError<'i>> {
        self.pass();
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        self.pass();
        true
    }
}

/// Does a check within an allowance; nothing when that was not enough.
pub(super) fn within<T>(allowance: u64, check: impl FnOnce() -> T) -> Option<T> {
    LEFT.set(allowance);
    // What the check has touched is given up with it; the validator keeps no state between checks.
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(checked) => Some(checked),
        Err(thrown) if thrown.is::<Spent>() => None,
        Err(thrown) => resume_unwind(thrown),
    }
}

/// The schema with the keyword beside each reference, and how many objects it has.
pub(super) fn metered(schema: &Value) -> (Value, u64) {
    let mut n_objects = 0;
    let mut schema = schema.clone();
    meter(&mut schema, &mut n_objects);
    (schema, n_objects)
}

/// A text about a schema without the keyword, which is none of its author's.
pub(super) fn unmetered(text: &str) -> String {
    text.replace(&format!(",\"{KEYWORD}\":true"), "")
}

fn meter(value: &mut Value, n_objects: &mut u64) {
    match value {
        Value::Object(members) => {
            *n_objects += 1;
            for (key, member) in members.iter_mut() {
                // Plain data, which may look like anything.
                if !matches!(key.as_str(), "const" | "enum" | "default" | "examples") {
                    meter(member, n_objects);
                }
            }
            // A property that has this name holds a schema, not a text.
            let refers = ["$ref", "$dynamicRef"]
                .iter()
                .any(|key| members.get(*key).is_some_and(Value::is_string));
            if refers {
                members.insert(KEYWORD.to_owned(), Value::Bool(true));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| meter(item, n_objects)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::structured::Schema;

    /// Checks a value against the rules that it breaks. Without the meter some of these would never end.
    #[track_caller]
    fn check(schema: &Value, value: &Value, rules: &[&str]) {
        let schema = Schema::new(schema).unwrap();
        let violations = schema.check(value);
        let found: Vec<&str> = violations.iter().map(|it| it.rule.as_str()).collect();
        assert_eq!(found, rules);
    }

    fn doubling(n: usize) -> Value {
        let mut defs = serde_json::Map::new();
        defs.insert("a0".to_owned(), json!({"type": "string"}));
        for n in 1..=n {
            let below = format!("#/$defs/a{}", n - 1);
            let twice = json!({"allOf": [{"$ref": below}, {"$ref": below, "title": "x"}]});
            defs.insert(format!("a{n}"), twice);
        }
        json!({"$ref": format!("#/$defs/a{n}"), "$defs": defs})
    }

    #[test]
    fn a_schema_that_doubles_itself_is_broken_off() {
        check(&doubling(3), &json!("x"), &[]);
        check(&doubling(3), &json!(1), &["type"; 8]);
        check(&doubling(60), &json!("x"), &["work"]);
        // That it does not fit is found at once; all that is wrong would take for ever.
        check(&doubling(60), &json!(1), &["type"]);
        let twice =
            json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#", "title": "x"}]}}});
        let deep = (0..60).fold(json!(1), |inner, _| json!({"a": inner}));
        check(&twice, &deep, &[]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        for schema in [
            json!({"$ref": "#"}),
            json!({"anyOf": [{"$ref": "#"}]}),
            json!({"if": {"$ref": "#"}, "then": {"$ref": "#"}}),
            json!({"$dynamicRef": "#a", "$dynamicAnchor": "a"}),
        ] {
            check(&schema, &json!({"a": 1}), &[]);
        }
    }

    #[test]
    fn a_long_output_of_many_parts_is_within_the_allowance() {
        let schema = json!({
            "type": "array",
            "items": {"$ref": "#/$defs/node"},
            "$defs": {"node": {
                "type": "object",
                "required": ["n"],
                "properties": {
                    "n": {"type": "integer"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "const": {"$ref": "#/$defs/node"},
                },
            }},
        });
        let items: Vec<Value> = (0..20_000)
            .map(|n| json!({"n": n, "children": []}))
            .collect();
        check(&schema, &json!(items), &[]);
    }
}
