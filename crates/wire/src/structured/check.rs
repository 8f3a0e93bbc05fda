//! What does not fit in an answer.

use jsonschema::ValidationError;
use run::{MAX_OUTPUT_BYTES, MAX_VALUE_DEPTH, bounded_text, depth};
use serde_json::Value;

use super::find::find;
use super::meter::{unmetered, within};
use super::schema::Schema;
use crate::limits::{CHECK_WORK, GATHER_WORK, VIOLATION_BYTES, VIOLATIONS};

/// One thing in an output that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where in the output, as a JSON pointer; empty for the whole.
    pub path: String,
    /// The rule: a keyword of JSON Schema, or `json` (there is none), `size`, `depth` or `work` (it
    /// is more than we take).
    pub rule: String,
    /// What is wrong, for people and models.
    pub message: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            path,
            rule,
            message,
        } = self;
        if path.is_empty() {
            write!(f, "at the top: {message} (rule {rule})")
        } else {
            write!(f, "at {path}: {message} (rule {rule})")
        }
    }
}

/// All of them in one line.
pub fn sentence(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
    lines.join("; ")
}

impl Schema {
    /// What is wrong with a value; the first ones of many.
    pub fn check(&self, value: &Value) -> Vec<Violation> {
        if depth(value) > MAX_VALUE_DEPTH {
            let message = format!("it nests more than {MAX_VALUE_DEPTH} levels deep");
            return whole("depth", message);
        }
        let n_bytes = value.to_string().len();
        if n_bytes > MAX_OUTPUT_BYTES {
            let message = format!("it has {n_bytes} bytes, at most {MAX_OUTPUT_BYTES} fit");
            return whole("size", message);
        }
        match within(CHECK_WORK, || self.validator.is_valid(value)) {
            Some(true) => return Vec::new(),
            Some(false) => {}
            None => return too_much_work(),
        }
        let gathered = within(GATHER_WORK, || {
            let errors = self.validator.iter_errors(value).take(VIOLATIONS);
            errors.map(violation).collect()
        });
        let first = || self.validator.validate(value).err().map(violation);
        gathered
            .or_else(|| within(CHECK_WORK, first).map(Vec::from_iter))
            .unwrap_or_else(too_much_work)
    }

    /// The value that an answer holds, if it fits; else what is wrong with the largest one in it.
    pub fn read(&self, answer: &str) -> Result<Value, Vec<Violation>> {
        let found = find(answer, self.opening);
        let mut nearest: Option<(usize, Vec<Violation>)> = None;
        for (n_bytes, value) in found.values {
            let violations = self.check(&value);
            if violations.is_empty() {
                return Ok(value);
            }
            if nearest
                .as_ref()
                .is_none_or(|(largest, _)| n_bytes > *largest)
            {
                nearest = Some((n_bytes, violations));
            }
        }
        Err(match (nearest, found.fault) {
            (Some((_, violations)), _) => violations,
            (None, Some(fault)) => whole("json", format!("the JSON cannot be read: {fault}")),
            (None, None) => whole("json", "there is no JSON in the answer".to_owned()),
        })
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is mapped over errors that nobody else has"
)]
fn violation(error: ValidationError<'_>) -> Violation {
    Violation {
        path: error.instance_path().as_str().to_owned(),
        rule: error.kind().keyword().to_owned(),
        message: bounded_text(
            unmetered(&error.masked_with("the value").to_string()),
            VIOLATION_BYTES,
        ),
    }
}

fn too_much_work() -> Vec<Violation> {
    let message = "its check takes too much work; the schema refers to itself too often";
    whole("work", message.to_owned())
}

fn whole(rule: &str, message: String) -> Vec<Violation> {
    vec![Violation {
        path: String::new(),
        rule: rule.to_owned(),
        message,
    }]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        Schema::new(&json!({
            "type": "object",
            "required": ["name"],
            "additionalProperties": false,
            "properties": {
                "name": {"type": "string"},
                "sets": {"type": "array", "items": {"type": "integer", "maximum": 9}},
            },
        }))
        .unwrap()
    }

    #[track_caller]
    fn check(answer: &str, expected: Result<&Value, &[(&str, &str)]>) {
        let read = schema().read(answer);
        let found = read.as_ref().map_err(|violations| {
            let pairs = violations
                .iter()
                .map(|v| (v.path.as_str(), v.rule.as_str()));
            pairs.collect::<Vec<_>>()
        });
        assert_eq!(found, expected.map_err(<[_]>::to_vec), "{read:?}");
    }

    #[test]
    fn a_violation_names_its_place_and_its_rule() {
        check("{\"name\": \"a\",}", Ok(&json!({"name": "a"})));
        check("{}", Err(&[("", "required")]));
        check(
            r#"{"name": 7, "sets": [1, 10, "x"]}"#,
            Err(&[
                ("/name", "type"),
                ("/sets/1", "maximum"),
                ("/sets/2", "type"),
            ]),
        );
        check(
            r#"{"name": "a", "b/c": 1}"#,
            Err(&[("", "additionalProperties")]),
        );
        check("[1]", Err(&[("", "type")]));
        check("no", Err(&[("", "json")]));
        check("{\"name\": \"a", Err(&[("", "json")]));
    }

    #[test]
    fn the_first_value_that_fits_is_taken() {
        check(
            r#"Not {"nam": 1} but {"name": "a"}"#,
            Ok(&json!({"name": "a"})),
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_value_and_within_bounds() {
        let secret = "s".repeat(5000);
        let violations = schema().check(&json!({"name": {"long": secret}}));
        let text = sentence(&violations);
        assert_eq!(
            text,
            "at /name: the value is not of type \"string\" (rule type)"
        );
        let many: Vec<Value> = (0..1000).map(|n| json!(n.to_string())).collect();
        let violations = schema().check(&json!({"name": "a", "sets": many}));
        assert_eq!(violations.len(), VIOLATIONS);
    }

    #[test]
    fn a_schema_is_quoted_as_it_was_written() {
        let schema =
            Schema::new(&json!({"not": {"$ref": "#/$defs/a", "title": "x"}, "$defs": {"a": {}}}));
        let text = sentence(&schema.unwrap().check(&json!(1)));
        assert!(
            text.contains(r##"{"$ref":"#/$defs/a","title":"x"}"##),
            "{text}"
        );
    }

    #[test]
    fn an_output_has_bounds() {
        let any = Schema::new(&json!({})).unwrap();
        let deep = (0..=MAX_VALUE_DEPTH).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(any.check(&deep)[0].rule, "depth");
        let long = json!("x".repeat(MAX_OUTPUT_BYTES));
        assert_eq!(any.check(&long)[0].rule, "size");
    }
}
