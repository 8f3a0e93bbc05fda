//! The JSON in what a model wrote: alone, in a code fence, or with prose around it.

use serde_json::Value;

use super::clean::{Cleaner, Form};
use crate::limits::FIND_TRIES;

/// What was found.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    /// The values, in order, each with the bytes that it takes in the text.
    pub(super) values: Vec<(usize, Value)>,
    /// Why the first thing that looks like JSON is none.
    pub(super) fault: Option<String>,
}

/// With what bracket the value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Object,
    Array,
    Either,
}

impl Opening {
    /// What a schema lets the value be.
    pub(super) fn of(schema: &Value) -> Self {
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => Self::Object,
            Some("array") => Self::Array,
            Some(_) | None => Self::Either,
        }
    }

    /// The place of the next bracket.
    pub(super) fn next(self, text: &str) -> Option<usize> {
        match self {
            Self::Object => text.find('{'),
            Self::Array => text.find('['),
            Self::Either => text.find(['{', '[']),
        }
    }
}

/// Finds the values in a text. Takes time in proportion to its length.
pub(super) fn find(text: &str, opening: Opening) -> Found {
    let text = text.trim_start_matches('\u{feff}').trim();
    let strict = match serde_json::from_str(text) {
        Ok(value) => return only(text.len(), value),
        Err(error) => error,
    };
    let mut found = Found {
        values: Vec::new(),
        fault: None,
    };
    let mut rest = text;
    for _ in 0..FIND_TRIES {
        let Some(start) = opening.next(rest) else {
            break;
        };
        let mut cleaner = Cleaner::new();
        let n_used = cleaner.push(&rest[start..]);
        match cleaner.form() {
            Form::Closed => match serde_json::from_str(cleaner.cleaned()) {
                Ok(value) => found.values.push((n_used, value)),
                Err(error) => found.fault = found.fault.or(Some(error.to_string())),
            },
            Form::Prose => {}
            // All that follows stands inside this value.
            Form::Open => {
                let fault = "it breaks off before its closing bracket".to_owned();
                found.fault = found.fault.or(Some(fault));
                break;
            }
        }
        // The bracket itself is passed in any case.
        rest = &rest[start + n_used.max(1)..];
    }
    if found.values.is_empty()
        && let Some(value) = fenced(text)
    {
        return only(text.len(), value);
    }
    let looks_like_json = text.starts_with(['"', '-']) || text.starts_with(char::is_numeric);
    if found.values.is_empty() && found.fault.is_none() && looks_like_json {
        found.fault = Some(strict.to_string());
    }
    found
}

fn only(n_bytes: usize, value: Value) -> Found {
    Found {
        values: vec![(n_bytes, value)],
        fault: None,
    }
}

/// The text of the first code fence, for values without brackets.
fn fenced(text: &str) -> Option<Value> {
    let (_, behind) = text.split_once("```")?;
    let (_, body) = behind.split_once('\n')?;
    let (body, _) = body.split_once("```")?;
    serde_json::from_str(body.trim()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Value]) {
        let found: Vec<Value> = find(text, Opening::Either)
            .values
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn json_is_found_as_models_write_it() {
        let one = [json!({"a": 1})];
        check(r#"{"a": 1}"#, &one);
        check("\u{feff} {\"a\": 1}\n", &one);
        check("```json\n{\"a\": 1}\n```", &one);
        check(
            "Sure! Here it is:\n```\n{\"a\": 1,}\n```\nEnjoy {it}!",
            &one,
        );
        check("{\n  // the answer\n  \"a\": 1, /* one, [2] */\n}", &one);
        check("The set {a, b} is empty [sic]: {\"a\": 1}.", &one);
        check(r#"{"a": [1, 2,], }"#, &[json!({"a": [1, 2]})]);
        check("{\"a\": \"x\ny // ```{\"}", &[json!({"a": "x\ny // ```{"})]);
        check(r#"See [1] and {"a": 1}"#, &[json!([1]), json!({"a": 1})]);
        check(r#"{"a": "\"}\\"}"#, &[json!({"a": "\"}\\"})]);
        check("```json\n\"word\"\n```", &[json!("word")]);
        check("7", &[json!(7)]);
        check("[1]]] [2]", &[json!([1]), json!([2])]);
    }

    #[test]
    fn the_inside_of_half_a_value_is_not_taken_for_it() {
        check(r#"{"days": [{"a": 1}, {"b"#, &[]);
        check("nothing here", &[]);
        check(r#"{"a" 1}"#, &[]);
        check("{,}", &[]);
        check("", &[]);
        let fault = |text| find(text, Opening::Either).fault.unwrap();
        assert!(fault(r#"{"a": [1"#).contains("breaks off"));
        assert!(fault(r#"{"a" 1}"#).contains("column"));
    }

    #[test]
    fn a_bracket_of_the_other_kind_belongs_to_the_prose() {
        let text = r#"See [1]: {"a": [2]}"#;
        let found = find(text, Opening::Object).values;
        assert_eq!(found, [(10, json!({"a": [2]}))]);
    }

    #[test]
    fn many_brackets_cost_no_more_than_the_bound() {
        let text = "{".repeat(200_000) + &"[".repeat(200_000);
        assert_eq!(find(&text, Opening::Either).values, []);
    }
}
