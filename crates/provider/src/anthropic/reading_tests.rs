use serde_json::json;

use crate::cuts::{self, CUT};
use crate::dialect::Dialect;
use crate::limits;
use crate::reply::Form;

const TEXT: &str = include_str!("fixtures/text.sse");
const THINKING_TOOLS: &str = include_str!("fixtures/thinking_tools.sse");
const REFUSAL: &str = include_str!("fixtures/refusal.sse");

fn anthropic() -> Dialect {
    Dialect::Anthropic(super::Reading::default())
}

#[track_caller]
fn check(stream: &str, expected: &[&str]) {
    cuts::check(anthropic, "\"stop_reason\":\"", stream, expected);
}

#[track_caller]
fn check_events(events: &[serde_json::Value], expected: &[&str]) {
    let frames: Vec<String> = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    check(&frames.concat(), expected);
}

fn end(reason: &str) -> serde_json::Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason}})
}

#[test]
fn text_comes_with_usage_at_both_ends_and_pings_between() {
    check(
        TEXT,
        &[
            "text Grüße",
            "text , 世界 🦀",
            "usage 129 15 0 100",
            "finished stop",
        ],
    );
}

#[test]
fn each_block_of_thinking_has_its_own_signature_and_calls_come_in_pieces() {
    check(
        THINKING_TOOLS,
        &[
            "reasoning Two cities",
            "reasoning , so two calls.",
            r#"data Reasoning {"signature":"EqQBCgIYAhIM1gbcDa9GJwZA"}"#,
            r#"data Reasoning {"redacted_thinking":"EmwKAhgBEgy3va3pzix"}"#,
            "reasoning Now ask.",
            r#"data Reasoning {"signature":"c2Vjb25k"}"#,
            "call 0 toolu_01T1x1fJ34qAmk2tNTrN7Up6 get_weather",
            r#"args 0 {"city": "Par"#,
            r#"args 0 is"}"#,
            "call 1 toolu_02 get_time",
            "usage 377 89 31 0",
            "finished tool_calls",
        ],
    );
}

#[test]
fn a_refusal_has_the_vendors_words() {
    check(
        REFUSAL,
        &[
            "refusal This request could help to write malware.",
            "usage 9 2 0 0",
            "finished content_filter",
        ],
    );
    check_events(&[end("refusal")], &["finished content_filter"]);
}

#[test]
fn every_reason_has_its_meaning() {
    for (word, expected) in [
        ("end_turn", "finished stop"),
        ("stop_sequence", "finished stop"),
        ("max_tokens", "finished length"),
        ("model_context_window_exceeded", "finished length"),
        ("pause_turn", "finished pause_turn"),
    ] {
        check_events(&[end(word)], &[expected]);
    }
}

#[test]
fn what_the_wire_may_yet_invent_is_passed_over() {
    check_events(
        &[
            json!({"type": "message_start", "message": null, "new": 1}),
            json!({"type": "news", "delta": {"type": "text_delta", "text": "no"}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "invented_delta"}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "content_block_stop", "index": 77}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "yes"}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": {}}}),
            end("end_turn"),
        ],
        &["text yes", "finished stop"],
    );
}

#[test]
fn a_signature_without_words_is_a_part_of_its_own() {
    check_events(
        &[
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}}),
            json!({"type": "content_block_stop", "index": 0}),
            end("end_turn"),
        ],
        &[r#"data Reasoning {"signature":"c2ln"}"#, "finished stop"],
    );
}

#[test]
fn a_stream_without_a_reason_is_cut() {
    check("", &[CUT]);
    check_events(&[json!({"type": "message_stop"})], &[CUT]);
    check_events(
        &[json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 3}})],
        &["usage 0 3 0 0", CUT],
    );
}

#[track_caller]
fn check_error(frame: &str, expected: &str) {
    let text = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "a"}});
    let stream = format!("data: {text}\n\n{frame}\n\n");
    let read = cuts::read(anthropic, Form::Stream, &[stream.as_bytes()]);
    assert_eq!(read, ["text a".to_owned(), format!("error {expected}")]);
}

#[test]
fn an_error_in_the_stream_is_the_vendors_words() {
    for (frame, expected) in [
        (
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},\"request_id\":\"r\"}",
            "the vendor failed: Overloaded",
        ),
        (
            r#"data: {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#,
            "the vendor limits the rate: slow down",
        ),
        (
            r#"data: {"type":"error","error":{"type":"invalid_request_error","message":"too long"}}"#,
            "the vendor rejected the request (invalid_request_error): too long",
        ),
        (
            r#"data: {"error":{"message":"bad key sk-secret-0123456789"}}"#,
            "the vendor failed: bad key ***",
        ),
        (
            "data: {not json",
            "the vendor sent what cannot be read: key must be a string at line 1 column 2 in {not json",
        ),
        (
            r#"data: {"type":"content_block_delta","index":9,"delta":{"type":"input_json_delta","partial_json":"{"}}"#,
            "the vendor sent what cannot be read: a delta of the block 9, which has not begun",
        ),
        (
            r#"data: {"type":"content_block_start","index":9,"content_block":{"type":"tool_use","id":"x"}}"#,
            "the vendor sent what cannot be read: a tool call without a name",
        ),
    ] {
        check_error(frame, expected);
    }
}

#[test]
fn a_vendor_that_does_not_stream_is_understood() {
    let whole = json!({"type": "message", "id": "m", "role": "assistant", "stop_reason": "tool_use", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"}, {"type": "text", "text": "hi"},
        {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1}},
    ], "usage": {"input_tokens": 3, "output_tokens": 4}});
    let read = cuts::read(anthropic, Form::Whole, &[whole.to_string().as_bytes()]);
    assert_eq!(
        read,
        [
            "reasoning hm",
            r#"data Reasoning {"signature":"c2ln"}"#,
            "text hi",
            "call 0 t look",
            r#"args 0 {"at":1}"#,
            "usage 3 4 0 0",
            "finished tool_calls",
        ]
    );
    let refused = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let read = cuts::read(anthropic, Form::Whole, &[refused]);
    assert_eq!(read, ["error the vendor failed: Overloaded"]);
}

#[test]
fn blocks_and_signatures_have_a_bound() {
    let start = |n: usize| {
        format!(
            "data: {}\n\n",
            json!({"type": "content_block_start", "index": n, "content_block": {"type": "text"}})
        )
    };
    let stream: String = (0..=limits::OPEN_BLOCKS).map(start).collect();
    assert_eq!(
        cuts::read(anthropic, Form::Stream, &[stream.as_bytes()]),
        ["error the vendor sent what cannot be read: more than 128 blocks at once"]
    );
    let long = "x".repeat(limits::VENDOR_DATA_BYTES + 1);
    let thinking =
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}});
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": long}});
    let stream = format!("data: {thinking}\n\ndata: {delta}\n\n");
    assert_eq!(
        cuts::read(anthropic, Form::Stream, &[stream.as_bytes()]),
        ["error the vendor sent what cannot be read: a signature of more than 1048576 bytes"]
    );
}
