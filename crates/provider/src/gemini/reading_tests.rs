use serde_json::{Value, json};

use crate::cuts::{self, CUT};
use crate::dialect::Dialect;
use crate::reply::Form;

const TEXT: &str = include_str!("fixtures/text.sse");
const TOOLS: &str = include_str!("fixtures/tools.sse");
const BLOCKED: &str = include_str!("fixtures/blocked.sse");

fn gemini() -> Dialect {
    Dialect::Gemini(super::Reading::default())
}

#[track_caller]
fn check(mark: &str, stream: &str, expected: &[&str]) {
    cuts::check(gemini, mark, stream, expected);
}

#[track_caller]
fn check_chunks(chunks: &[Value], expected: &[&str]) {
    let frames: Vec<String> = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\r\n\r\n"))
        .collect();
    check("finishReason", &frames.concat(), expected);
}

fn said(text: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": text}]}}]})
}

fn finish(reason: &str) -> Value {
    json!({"candidates": [{"finishReason": reason}]})
}

#[test]
fn thoughts_are_counted_beside_the_answer_and_the_last_part_signs_the_text() {
    check(
        "finishReason",
        TEXT,
        &[
            "reasoning **Greeting**\n\nKeep it short.",
            "text Grüße",
            "text , 世界 🦀",
            r#"data Text {"thoughtSignature":"EvcCCvQCAXLI2nw="}"#,
            "usage 12 78 69 5",
            "finished stop",
        ],
    );
}

#[test]
fn calls_come_whole_and_the_first_is_signed() {
    check(
        "finishReason",
        TOOLS,
        &[
            "call 0 fc_1 get_weather",
            r#"args 0 {"city":"Paris"}"#,
            r#"data ToolCall(0) {"thoughtSignature":"EtkBCtYBAXLI2nz="}"#,
            "call 1 call_r7_1 get_time",
            "usage 80 64 34 0",
            "finished tool_calls",
        ],
    );
}

#[test]
fn a_blocked_prompt_is_a_refusal() {
    check(
        "blockReason",
        BLOCKED,
        &[
            "refusal the prompt was blocked: PROHIBITED_CONTENT",
            "usage 7 0 0 0",
            "finished content_filter",
        ],
    );
    check(
        "blockReason",
        "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\",\"blockReasonMessage\":\"No.\"}}\n\n",
        &["refusal No.", "finished content_filter"],
    );
}

#[test]
fn every_reason_has_its_meaning() {
    for (word, expected) in [
        ("STOP", "finished stop"),
        ("MAX_TOKENS", "finished length"),
        ("SAFETY", "finished content_filter"),
        ("RECITATION", "finished content_filter"),
        ("PROHIBITED_CONTENT", "finished content_filter"),
        ("OTHER", "finished OTHER"),
    ] {
        check_chunks(&[said("a"), finish(word)], &["text a", expected]);
    }
    let spoken = json!({"candidates": [{"finishReason": "SAFETY", "finishMessage": "Too hot."}]});
    check_chunks(&[spoken], &["refusal Too hot.", "finished content_filter"]);
}

#[test]
fn a_malformed_call_may_be_asked_for_again() {
    let slip = json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed function call: look("}]});
    let stream = format!("data: {}\n\ndata: {slip}\n\n", said("a"));
    assert_eq!(
        cuts::read(gemini, Form::Stream, &[stream.as_bytes()]),
        [
            "text a",
            "error the vendor failed: the vendor gave up the answer: MALFORMED_FUNCTION_CALL Malformed function call: look(",
        ]
    );
}

#[test]
fn what_is_not_known_is_passed_over() {
    check_chunks(
        &[
            json!({}),
            json!({"candidates": null, "promptFeedback": {}, "usageMetadata": null, "error": {}}),
            json!({"candidates": [{"index": 1, "content": {"parts": [{"text": "no"}]}, "finishReason": "STOP"}]}),
            json!({"candidates": [{"content": {"parts": [{"inlineData": {}}, {"executableCode": {"code": "1"}}, {"text": "yes", "new": 1}]}, "finishReason": "", "safetyRatings": []}]}),
            json!({"candidates": [{"content": {}, "finishReason": "STOP"}]}),
        ],
        &["text yes", "finished stop"],
    );
}

#[test]
fn text_behind_a_signature_is_told_behind_it() {
    let signed = json!({"candidates": [{"content": {"parts": [{"text": "a", "thoughtSignature": "c2ln"}, {"text": "b"}]}, "finishReason": "STOP"}]});
    check_chunks(
        &[signed],
        &[
            "text a",
            r#"data Text {"thoughtSignature":"c2ln"}"#,
            "text b",
            "finished stop",
        ],
    );
}

#[test]
fn a_stream_without_a_reason_is_cut() {
    check_chunks(&[said("a")], &["text a", CUT]);
    check("finishReason", "", &[CUT]);
}

#[test]
fn an_error_in_the_stream_is_the_vendors_words() {
    let overloaded = json!({"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}});
    let limited =
        json!({"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED"}});
    for (error, expected) in [
        (
            overloaded,
            "error the vendor failed (503): The model is overloaded.",
        ),
        (limited, "error the vendor limits the rate: Quota."),
    ] {
        let stream = format!("data: {}\n\ndata: {error}\n\n", said("a"));
        let read = cuts::read(gemini, Form::Stream, &[stream.as_bytes()]);
        assert_eq!(read, ["text a", expected]);
    }
}

#[test]
fn a_stream_that_came_as_a_list_is_understood() {
    let list = json!([said("a"), finish("STOP")]).to_string();
    let read = cuts::read(gemini, Form::Whole, &[list.as_bytes()]);
    assert_eq!(read, ["text a", "finished stop"]);
    let list = json!([{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}]);
    let read = cuts::read(gemini, Form::Whole, &[list.to_string().as_bytes()]);
    assert_eq!(
        read,
        ["error the vendor did not accept the key: API key not valid."]
    );
}
