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

/// The arguments of a call on one line of at most about `max` characters: the only text alone, several by their names,
/// short ones first. What is long is cut visibly.
pub(crate) fn arguments(args: &Value, max: usize) -> String {
    let members = match args {
        Value::Object(members) if members.len() > 1 => members,
        other => return brief(other, max),
    };
    let shown = members.iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let is_long = text.chars().count() > max / 2;
        (is_long, format!("{name}={}", clean_line(&text, max / 2)))
    });
    let mut shown: Vec<(bool, String)> = shown.collect();
    shown.sort_by_key(|(is_long, _)| *is_long);
    let words: Vec<String> = shown.into_iter().map(|(_, text)| text).collect();
    clean_line(&words.join(" "), max)
}

/// A value as lines, all of it: a text as it is, members by their names, anything else as JSON.
pub(crate) fn whole(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let lines = members.iter().map(|(name, value)| member(name, value));
            lines.collect::<Vec<_>>().join("\n")
        }
        value => format!("{value:#}"),
    }
}

/// A member behind its name. What takes several lines is set in below it, so that no line of it can pass for another
/// member.
fn member(name: &str, value: &Value) -> String {
    // A name is no text of ours either.
    let name = clean_line(name, usize::MAX);
    let text = match value {
        // Blanks at the ends cannot be seen.
        Value::String(text) if !text.contains('\n') && (text.trim() != text || text.is_empty()) => {
            value.to_string()
        }
        Value::String(text) if text.trim().is_empty() => value.to_string(),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Array(_) => value.to_string(),
        value => whole(value),
    };
    let is_block =
        text.contains('\n') || matches!(value, Value::Object(members) if !members.is_empty());
    if !is_block {
        return format!("{name}: {text}");
    }
    let lines = text.lines().map(|line| format!("\n  {line}"));
    format!("{name}:{}", lines.collect::<String>())
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

    #[test]
    fn arguments_are_named_and_the_short_ones_come_first() {
        let cases = [
            (serde_json::json!({"command": "ls\n-l"}), "ls -l"),
            (serde_json::json!({"a": "x", "b": 2}), "a=x b=2"),
            (
                serde_json::json!({"a": "long ".repeat(9), "b": [1]}),
                "b=[1] a=long long long long …",
            ),
            (serde_json::json!({}), ""),
        ];
        for (value, expected) in cases {
            assert_eq!(arguments(&value, 40), expected);
        }
    }

    #[test]
    fn a_value_is_laid_out_whole() {
        let value = serde_json::json!({
            "args": {"content": "# A\n\n\tpath: b\n", "path": "a.md", "n": 2, "tags": ["x"], "pad": " y", "none": null},
            "tool": "write",
        });
        let expected = "args:
  content:
    # A
    
    \tpath: b
  n: 2
  none: null
  pad: \" y\"
  path: a.md
  tags: [\"x\"]
tool: write";
        assert_eq!(whole(&value), expected);
    }
}
