//! Numbers and values in a few characters.

use serde_json::Value;

use super::clean::clean_line;

/// `20 ms`, `1.4 s`, `12 s`, `3 m 05 s`, `2 h 07 m`.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} m {:02} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {:02} m", ms / 3_600_000, ms % 3_600_000 / 60_000),
    }
}

/// `1,234,567`
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 token`, `2 tokens`
pub(crate) fn counted(n: u64, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(n))
}

/// A value on one line of at most `max` characters; nothing for an empty one.
pub(crate) fn brief(value: &Value, max: usize) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(members) if members.is_empty() => String::new(),
        Value::String(text) => clean_line(text, max),
        // One string is what most tools are about: a command, a path, a query.
        Value::Object(members) if members.len() == 1 => match members.values().next() {
            Some(Value::String(text)) => clean_line(text, max),
            _ => clean_line(&value.to_string(), max),
        },
        value => clean_line(&value.to_string(), max),
    }
}

/// A value as lines, all of it: a string as its text, anything else as indented JSON.
pub(crate) fn whole(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        value => format!("{value:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_digits_that_matter() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_449, "1.4 s"),
            (12_999, "12 s"),
            (185_000, "3 m 05 s"),
            (7_620_000, "2 h 07 m"),
        ];
        for (ms, expected) in cases {
            assert_eq!(duration(ms), expected);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (n, expected) in cases {
            assert_eq!(count(n), expected);
        }
        assert_eq!(counted(1, "token"), "1 token");
        assert_eq!(counted(2_000, "token"), "2,000 tokens");
    }

    #[test]
    fn the_one_string_of_a_tool_call_is_shown_bare() {
        let cases = [
            (serde_json::json!({"command": "ls\n-l"}), "ls -l"),
            (serde_json::json!({"a": 1}), "{\"a\":1}"),
            (serde_json::json!({}), ""),
            (serde_json::json!("abcdef"), "abcd…"),
        ];
        for (value, expected) in cases {
            assert_eq!(
                brief(&value, if expected == "abcd…" { 4 } else { 40 }),
                expected
            );
        }
    }
}
