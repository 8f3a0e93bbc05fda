//! A result of a call as its event takes it. Pure.

use serde_json::Value;
use tool::cut;
use tool::limits::LOG_BYTES;

use crate::limits::RESULT_EVENT_BYTES;

/// What stands in place of all that a tool said for programs.
const REST: &str = "\n[the rest of the result is left out: it is longer than the log takes]";

/// The result, or what fits of it as a text with a note.
pub(crate) fn fitting(result: Value) -> Value {
    let printed = result.to_string();
    if printed.len() <= RESULT_EVENT_BYTES {
        return result;
    }
    let text = match result {
        Value::String(text) => text,
        // What a tool says for a model, beside what it says for programs.
        Value::Object(mut members) => match members.remove("text") {
            Some(Value::String(text)) => format!("{text}{REST}"),
            Some(_) | None => printed,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => printed,
    };
    let whole = Value::from(cut(&text, LOG_BYTES).text);
    if whole.to_string().len() <= RESULT_EVENT_BYTES {
        return whole;
    }
    // Characters that have to be escaped take up to six bytes each.
    cut(&text, RESULT_EVENT_BYTES / 8).text.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The beginning and the end of what becomes of a result, which is whole if the note is not in it.
    #[track_caller]
    fn check(result: &Value, is_cut: bool, begins: &str, ends: &str) {
        let fits = fitting(result.clone());
        assert!(fits.to_string().len() <= RESULT_EVENT_BYTES);
        if !is_cut {
            assert_eq!(fits, *result);
            return;
        }
        let text = fits.as_str().unwrap();
        assert!(text.starts_with(begins) && text.ends_with(ends), "{text}");
        assert!(text.contains("bytes left out"));
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        check(&json!("short"), false, "", "");
        check(&json!({"text": "short", "structured": [1]}), false, "", "");
        check(&json!("x".repeat(LOG_BYTES)), false, "", "");
        check(&Value::Null, false, "", "");
    }

    #[test]
    fn what_does_not_fit_is_a_text_with_a_note() {
        let long = "x".repeat(RESULT_EVENT_BYTES);
        check(&json!(format!("a{long}z")), true, "ax", "xz");
        check(&json!({ "picked": long }), true, "{\"picked\":", "x\"}");
        let both = json!({"text": format!("a{long}z"), "media": [{ "url": long }]});
        check(&both, true, "ax", REST);
        let link = json!({"text": "short", "media": [{ "url": long }]});
        assert_eq!(fitting(link), json!(format!("short{REST}")));
    }

    #[test]
    fn what_is_long_only_as_it_is_printed_is_cut_too() {
        let zeros = "\0".repeat(LOG_BYTES);
        check(&json!(format!("a{zeros}z")), true, "a\0", "\0z");
    }
}
