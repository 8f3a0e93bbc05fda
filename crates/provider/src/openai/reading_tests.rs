use serde_json::{Value, json};

use crate::cuts::{self, CUT};
use crate::dialect::Dialect;
use crate::limits;
use crate::reply::Form;

const OPENAI: &str = include_str!("fixtures/openai.sse");
const OPENAI_TOOLS: &str = include_str!("fixtures/openai_tools.sse");
const OLLAMA: &str = include_str!("fixtures/ollama.sse");
const VLLM: &str = include_str!("fixtures/vllm.sse");
const OPENROUTER: &str = include_str!("fixtures/openrouter.sse");
const GROQ: &str = include_str!("fixtures/groq.sse");
const MOONSHOT: &str = include_str!("fixtures/moonshot.sse");
const MISTRAL: &str = include_str!("fixtures/mistral.sse");
const GEMINI: &str = include_str!("fixtures/gemini.sse");

fn openai() -> Dialect {
    Dialect::OpenAi(Box::default())
}

fn read(form: Form, pieces: &[&[u8]]) -> Vec<String> {
    cuts::read(openai, form, pieces)
}

#[track_caller]
fn check(stream: &str, expected: &[&str]) {
    cuts::check(openai, "\"finish_reason\":\"", stream, expected);
}

/// The bytes of these chunks.
fn stream_of(chunks: impl IntoIterator<Item = Value>) -> String {
    let frames: Vec<_> = chunks
        .into_iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    frames.concat()
}

/// A stream of these chunks and `[DONE]`.
#[track_caller]
fn check_chunks(chunks: &[Value], expected: &[&str]) {
    let mut stream = stream_of(chunks.iter().cloned());
    stream.push_str("data: [DONE]\n\n");
    check(&stream, expected);
}

#[expect(clippy::needless_pass_by_value, reason = "the callers write a literal")]
fn delta(delta: Value) -> Value {
    json!({"id": "r1", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "r1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

#[test]
fn openai_text_with_usage_in_a_chunk_without_choices() {
    check(
        OPENAI,
        &[
            "text Grüße",
            "text , 世界 🦀",
            "usage 19 10 3 8",
            "finished stop",
        ],
    );
}

#[test]
fn openai_parallel_tool_calls() {
    check(
        OPENAI_TOOLS,
        &[
            "call 0 call_DdmO9pD3xa9XTPNJ32zg2hcA get_weather",
            r#"args 0 {"city""#,
            r#"args 0 :"Paris"}"#,
            "call 1 call_c5Yb1RXP2sNnLmpDUKXUAOQ1 get_time",
            "args 1 {}",
            "usage 71 33 0 0",
            "finished tool_calls",
        ],
    );
}

#[test]
fn ollama_numbers_every_call_0_and_says_stop() {
    check(
        OLLAMA,
        &[
            "reasoning Need",
            "reasoning  both.",
            "call 0 call_9kd2mzqp look",
            r#"args 0 {"at":"a"}"#,
            "call 1 call_x81lqmv0 look",
            r#"args 1 {"at":"b"}"#,
            r#"data Reasoning {"echo":"reasoning"}"#,
            "usage 188 44 0 0",
            "finished tool_calls",
        ],
    );
}

#[test]
fn vllm_reports_usage_in_every_chunk_and_ids_in_every_delta() {
    check(
        VLLM,
        &[
            "reasoning Hm.",
            "text Look:",
            "call 0 chatcmpl-tool-1111 look",
            r#"args 0 {"at": "#,
            r#"args 0 "a"}"#,
            r#"data Reasoning {"echo":"reasoning_content"}"#,
            "usage 52 31 0 0",
            "finished tool_calls",
        ],
    );
}

#[test]
fn openrouter_keeps_alive_with_comments_and_wants_its_details_back() {
    check(
        OPENROUTER,
        &[
            "reasoning Let me",
            "reasoning  see.",
            "text Done",
            concat!(
                r#"data Reasoning {"reasoning_details":[{"format":"anthropic-claude-v1","index":0,"signature":"c2ln","#,
                r#""text":"Let me see.","type":"reasoning.text"},"#,
                r#"{"data":"ZW5j","id":"rs_1","index":1,"type":"reasoning.encrypted"}]}"#
            ),
            "usage 14 60 41 2",
            "finished stop",
        ],
    );
}

#[test]
fn groq_reports_usage_in_a_member_of_its_own() {
    check(GROQ, &["text Hi", "usage 20 2 0 0", "finished stop"]);
}

#[test]
fn moonshot_reports_usage_in_the_choice() {
    check(MOONSHOT, &["text Hi", "usage 19 13 0 5", "finished length"]);
}

#[test]
fn mistral_sends_pieces_in_place_of_text() {
    check(
        MISTRAL,
        &[
            "reasoning If so",
            "text No",
            "text , never",
            "usage 9 30 0 0",
            "finished stop",
        ],
    );
}

#[test]
fn gemini_sends_a_call_in_one_piece_without_a_number_and_wants_its_signature_back() {
    check(
        GEMINI,
        &[
            "call 0 function-call-77 look",
            r#"args 0 {"at":"a"}"#,
            r#"data ToolCall(0) {"extra_content":{"google":{"thought_signature":"c2ln"}}}"#,
            "usage 30 12 0 0",
            "finished tool_calls",
        ],
    );
}

#[test]
fn a_refusal_is_told_apart_from_text() {
    check_chunks(
        &[
            delta(json!({"refusal": "I will"})),
            delta(json!({"refusal": " not."})),
            finish("stop"),
        ],
        &["refusal I will", "refusal  not.", "finished stop"],
    );
}

#[test]
fn one_chunk_may_say_everything_and_reasoning_is_not_told_twice() {
    check_chunks(
        &[json!({"id": "r1", "choices": [{"delta": {
            "content": "b", "reasoning": "a", "reasoning_content": "a", "refusal": "",
            "tool_calls": [{"function": {"name": "t", "arguments": {"x": 1}}}, {"function": {"name": "u"}}],
        }, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2.0}})],
        &[
            "reasoning a",
            "text b",
            "call 0 call_r1_0 t",
            r#"args 0 {"x":1}"#,
            "call 1 call_r1_1 u",
            r#"data Reasoning {"echo":"reasoning_content"}"#,
            "usage 1 2 0 0",
            "finished tool_calls",
        ],
    );
}

#[test]
fn a_call_is_told_when_its_name_is_known() {
    check_chunks(
        &[
            delta(json!({"tool_calls": [{"index": 3, "id": "c", "function": {"arguments": "{"}}]})),
            delta(
                json!({"tool_calls": [{"index": 3, "function": {"name": "t", "arguments": "}"}}]}),
            ),
            delta(
                json!({"tool_calls": [{"index": 3, "id": "c", "function": {"name": "t", "arguments": " "}}]}),
            ),
            finish("tool_calls"),
        ],
        &["call 0 c t", "args 0 {}", "args 0  ", "finished tool_calls"],
    );
}

#[test]
fn other_choices_empty_reasons_and_chunks_without_anything_are_passed_over() {
    check_chunks(
        &[
            json!({}),
            json!({"choices": null, "usage": null, "error": null, "prompt_filter_results": []}),
            json!({"choices": [{"index": 1, "delta": {"content": "no"}}, {"index": 0, "delta": {"content": "yes"}, "finish_reason": ""}]}),
            json!({"choices": [{"index": 0, "delta": null, "error": {}, "finish_reason": "weird"}]}),
        ],
        &["text yes", "finished weird"],
    );
}

#[test]
fn done_without_a_finish_reason_is_no_success() {
    check_chunks(&[delta(json!({"content": "a"}))], &["text a", CUT]);
    check("data: [DONE]\n\n", &[CUT]);
    check("", &[CUT]);
    check(": PROCESSING\n\n", &[CUT]);
}

#[test]
fn the_end_of_the_body_ends_a_finished_answer_without_done() {
    let stream = format!(
        "data: {}\n\ndata: {}",
        delta(json!({"content": "a"})),
        finish("stop")
    );
    check(&stream, &["text a", "finished stop"]);
}

#[test]
fn a_call_without_a_name_is_garbage() {
    check_chunks(
        &[
            delta(json!({"tool_calls": [{"index": 0, "id": "c"}]})),
            finish("tool_calls"),
        ],
        &["error the vendor sent what cannot be read: a tool call without a name"],
    );
}

/// The error that a stream ends with after one text.
#[track_caller]
fn check_error(frames: &str, expected: &str) {
    let stream = format!("data: {}\n\n{frames}", delta(json!({"content": "a"})));
    let read = read(Form::Stream, &[stream.as_bytes()]);
    assert_eq!(read, ["text a".to_owned(), format!("error {expected}")]);
}

#[test]
fn an_error_in_the_stream_is_read_in_every_form() {
    for (frames, expected) in [
        // OpenAI, and LM Studio with a type of its own.
        (
            r#"data: {"error":{"message":"Sorry about that!","type":"server_error"}}"#,
            "the vendor failed: Sorry about that!",
        ),
        (
            "event: error\ndata: {\"message\":\"boom\"}",
            "the vendor failed: boom",
        ),
        ("event: error\ndata: boom", "the vendor failed: boom"),
        (r#"data: {"error":"boom"}"#, "the vendor failed: boom"),
        // vLLM.
        (
            r#"data: {"object":"error","message":"too long","type":"BadRequestError","code":400}"#,
            "the vendor rejected the request (BadRequestError): too long",
        ),
        (
            r#"data: {"error":{"message":"slow","code":429}}"#,
            "the vendor limits the rate: slow",
        ),
        (
            r#"data: {"error":{"message":"slow","type":"rate_limit_error"}}"#,
            "the vendor limits the rate: slow",
        ),
        // OpenRouter.
        (
            r#"data: {"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"upstream died"}},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
            "the vendor failed (502): Provider returned error: upstream died",
        ),
        (
            r#"data: {"choices":[{"delta":{},"finish_reason":"error","error":{"code":503,"message":"gone"}}]}"#,
            "the vendor failed (503): gone",
        ),
        (
            r#"data: {"choices":[{"delta":{},"finish_reason":"abort"}]}"#,
            "the vendor failed: the vendor gave up the answer: abort",
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
            "data: <sk-secret-0123456789>",
            "the vendor sent what cannot be read: expected value at line 1 column 1 in <***>",
        ),
    ] {
        check_error(&format!("{frames}\n\ndata: [DONE]\n\n"), expected);
    }
}

#[test]
fn usage_that_is_known_comes_before_an_error() {
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1}});
    check_chunks(&[usage], &["usage 5 1 0 0", CUT]);
}

#[test]
fn what_is_no_stream_at_all_is_garbage() {
    let page = b"<!doctype html><title>Sign in</title>";
    assert_eq!(
        read(Form::Stream, &[page]),
        [
            "error the vendor sent what cannot be read: not an event stream: <!doctype html><title>Sign in</title>"
        ]
    );
}

#[track_caller]
fn check_whole(document: &str, expected: &[&str]) {
    for at in 0..=document.len() {
        let (before, after) = document.as_bytes().split_at(at);
        assert_eq!(read(Form::Whole, &[before, after]), expected, "cut at {at}");
    }
}

#[test]
fn a_vendor_that_does_not_stream_is_understood() {
    check_whole(
        r#"{"id":"r","choices":[{"index":0,"message":{"role":"assistant","content":"hi","tool_calls":[{"id":"c","type":"function","function":{"name":"t","arguments":"{}"}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        &[
            "text hi",
            "call 0 c t",
            "args 0 {}",
            "usage 3 4 0 0",
            "finished tool_calls",
        ],
    );
    check_whole(
        r#"{"error":{"message":"no","code":429}}"#,
        &["error the vendor limits the rate: no"],
    );
    check_whole(
        r#"[{"error":{"message":"no","code":503}}]"#,
        &["error the vendor failed (503): no"],
    );
    check_whole(r#"{"choices":[{"message":{"content":"h"#, &[CUT]);
    check_whole(
        "nonsense",
        &[
            "error the vendor sent what cannot be read: expected ident at line 1 column 2 in nonsense",
        ],
    );
}

#[test]
fn calls_and_details_have_a_bound() {
    let call = |n: usize| delta(json!({"tool_calls": [{"index": n, "function": {"name": "t"}}]}));
    let stream = stream_of((0..=limits::TOOL_CALLS).map(call));
    assert_eq!(
        read(Form::Stream, &[stream.as_bytes()]).last().unwrap(),
        "error the vendor sent what cannot be read: more than 128 tool calls in one reply"
    );
    // A model that repeats itself for ever.
    let piece = "x".repeat(limits::SAID_BYTES / 4);
    let again = |_| delta(json!({"content": piece}));
    let stream = stream_of((0..9).map(again));
    let events = read(Form::Stream, &[stream.as_bytes()]);
    assert_eq!(events.len(), 6);
    assert_eq!(
        events[5],
        "error the vendor sent what cannot be read: a reply that says more than 4194304 bytes"
    );
    // A number that the vendor chose is never a size of ours.
    check_chunks(
        &[call(usize::MAX), finish("tool_calls")],
        &["call 0 call_r1_0 t", "finished tool_calls"],
    );
    let long = "x".repeat(limits::VENDOR_DATA_BYTES);
    let stream = format!(
        "data: {}\n\n",
        delta(json!({"reasoning_details": [{"data": long}]}))
    );
    assert_eq!(
        read(Form::Stream, &[stream.as_bytes()]),
        ["error the vendor sent what cannot be read: more than 1048576 bytes of reasoning details"]
    );
}
