use serde_json::{Value, json};

use crate::cuts::{self, CUT};
use crate::dialect::Dialect;
use crate::reply::Form;

const THINKING_TOOLS: &str = include_str!("fixtures/thinking_tools.ndjson");

fn ollama() -> Dialect {
    Dialect::Ollama(super::Reading::default())
}

#[track_caller]
fn check(stream: &str, expected: &[&str]) {
    cuts::check(ollama, "\"done\":true", stream, expected);
}

#[track_caller]
fn check_lines(lines: &[Value], expected: &[&str]) {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
    check(&lines.concat(), expected);
}

fn said(text: &str) -> Value {
    json!({"message": {"role": "assistant", "content": text}, "done": false})
}

#[test]
fn thoughts_calls_and_usage_are_read() {
    check(
        THINKING_TOOLS,
        &[
            "reasoning Need",
            "reasoning  both.",
            "text Grüße 🦀",
            "call 0 call_w2gpl6qf look",
            r#"args 0 {"at":"a"}"#,
            "call 1 call_20260917T1542598001801Z_1 now",
            r#"data Reasoning {"echo":"thinking"}"#,
            "usage 169 44 0 32",
            "finished tool_calls",
        ],
    );
}

#[test]
fn every_reason_has_its_meaning() {
    for (word, expected) in [
        (json!("stop"), "finished stop"),
        (json!(null), "finished stop"),
        (json!("length"), "finished length"),
        (json!("load"), "finished load"),
    ] {
        let end = json!({"message": null, "done": true, "done_reason": word, "new": 1});
        check_lines(&[said("a"), end], &["text a", expected]);
    }
}

#[test]
fn lines_after_the_end_and_empty_lines_mean_nothing() {
    check(
        &format!(
            "\n{}\r\n\r\n{}\n{}\n",
            said("a"),
            json!({"done": true}),
            said("b")
        ),
        &["text a", "finished stop"],
    );
}

#[test]
fn a_stream_without_its_end_is_cut() {
    check_lines(&[said("a")], &["text a", CUT]);
    check("", &[CUT]);
}

#[test]
fn an_error_in_the_stream_is_the_vendors_words() {
    for (line, expected) in [
        (
            r#"{"error":"an error was encountered while running the model: CUDA error"}"#,
            "the vendor failed: an error was encountered while running the model: CUDA error",
        ),
        (
            r#"{"error":"slow down","status":429}"#,
            "the vendor limits the rate: slow down",
        ),
        (
            "{not json",
            "the vendor sent what cannot be read: key must be a string at line 1 column 2 in {not json",
        ),
    ] {
        let stream = format!("{}\n{line}\n", said("a"));
        let read = cuts::read(ollama, Form::Stream, &[stream.as_bytes()]);
        assert_eq!(read, ["text a".to_owned(), format!("error {expected}")]);
    }
    let page = b"<!doctype html>\n<title>Sign in</title>";
    assert_eq!(
        cuts::read(ollama, Form::Stream, &[page]),
        [
            "error the vendor sent what cannot be read: expected value at line 1 column 1 in <!doctype html>"
        ]
    );
    assert_eq!(
        cuts::read(ollama, Form::Stream, &[b"Sign in"]),
        ["error the vendor sent what cannot be read: not an event stream: Sign in"]
    );
}

#[test]
fn one_document_is_understood() {
    let whole = json!({"message": {"content": "{}"}, "done": true, "eval_count": 2});
    let read = cuts::read(ollama, Form::Whole, &[whole.to_string().as_bytes()]);
    assert_eq!(read, ["text {}", "usage 0 2 0 0", "finished stop"]);
}
