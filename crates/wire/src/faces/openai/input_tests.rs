use run::{CallId, RequestId, RunId, Timestamp};
use serde_json::json;

use super::*;

fn run() -> RunId {
    RunId::new(Timestamp::from_ms(1_795_000_000_000), [7; 10])
}

fn call_id() -> String {
    AskedId::Call(run(), CallId::nth(1)).to_string()
}

/// The conversation in lines, with a bar before what is new; then the answers.
#[track_caller]
fn check(input: &Value, expected: &[&str]) {
    let given = Given::read(input).unwrap();
    let mut lines: Vec<String> = Vec::new();
    for (n, message) in given.messages.iter().enumerate() {
        let new = if n >= given.n_old { "| " } else { "" };
        let parts = message.parts.iter().map(|part| match part {
            Part::Text { text, .. } => text.clone(),
            other => format!("{other:?}"),
        });
        let parts: Vec<String> = parts.collect();
        lines.push(format!("{new}{:?}: {}", message.role, parts.join(" + ")));
    }
    lines.extend(
        given
            .replies
            .iter()
            .map(|it| format!("{} {:?}", it.param, it.says)),
    );
    assert_eq!(lines, expected);
}

#[track_caller]
fn refused(input: &Value, param: &str) {
    assert_eq!(Given::read(input).unwrap_err().param, param);
}

#[test]
fn a_text_is_what_the_user_says() {
    check(&json!("Hi"), &["| User: Hi"]);
    let given = Given::read(&json!("Hi")).unwrap();
    assert_eq!(given.into_input(), Input::text("Hi"));
}

#[test]
fn items_are_a_conversation_and_what_follows_the_model_is_new() {
    check(
        &json!([
            {"role": "developer", "content": "Be brief."},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "See"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "A cat.", "annotations": []}]},
            {"role": "user", "content": "Whose?"},
        ]),
        &[
            "System: Be brief.",
            "User: See + File { media_type: \"image/png\", url: \"data:image/png;base64,AAAA\", name: None }",
            "Assistant: A cat.",
            "| User: Whose?",
        ],
    );
}

#[test]
fn messages_of_the_user_alone_are_one_input() {
    let items = json!([{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]);
    let input = Given::read(&items).unwrap().into_input();
    assert_eq!(input.parts, [Part::text("a"), Part::text("b")]);
    assert_eq!(input.messages, None);
    let items = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "b"}]);
    let input = Given::read(&items).unwrap().into_input();
    assert_eq!(input.parts, []);
    assert_eq!(input.messages.unwrap().len(), 2);
}

#[test]
fn the_answer_to_a_call_of_ours_is_an_answer_while_nothing_follows_it() {
    let call = json!({"type": "function_call", "call_id": call_id(), "name": "weather", "arguments": "{\"city\":\"Bern\"}"});
    let output = json!({"type": "function_call_output", "call_id": call_id(), "output": "sunny"});
    let user = json!({"role": "user", "content": "Weather?"});
    let more = json!({"role": "user", "content": "And hurry"});
    let words = "[called the tool weather with {\"city\":\"Bern\"}; it gave: sunny]";
    check(
        &json!([user, call, output]),
        &["User: Weather?", "input[2] Output(\"sunny\")"],
    );
    check(
        &json!([user, call, output, more]),
        &[
            "User: Weather?",
            "| User: And hurry",
            "input[2] Output(\"sunny\")",
        ],
    );
    let said = json!({"role": "assistant", "content": "Sunny."});
    let told = format!("Assistant: {words}");
    check(
        &json!([user, call, output, said, more]),
        &[
            "User: Weather?",
            &told,
            "Assistant: Sunny.",
            "| User: And hurry",
        ],
    );
    // A run that does not wait any more: then it is told like that of anybody else.
    let given = Given::read(&json!([user, call, output])).unwrap();
    let last = given.into_messages().pop().unwrap();
    assert_eq!(
        (last.role, last.parts),
        (Role::Assistant, vec![Part::text(words)])
    );
}

#[test]
fn a_call_of_somebody_elses_is_told_in_words() {
    check(
        &json!([
            {"type": "function_call", "call_id": "call_abc", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_abc", "output": [{"type": "input_text", "text": "1"}]},
            {"type": "mcp_call", "id": "mcp_1", "name": "g", "arguments": "{}", "server_label": "x", "output": "2"},
            {"role": "user", "content": "So?"},
        ]),
        &[
            "Assistant: [called the tool f with {}; it gave: 1]",
            "Assistant: [called the tool g with {}; it gave: 2]",
            "| User: So?",
        ],
    );
}

#[test]
fn an_approval_is_answered_with_a_word() {
    let id = AskedId::Approval(run(), RequestId::nth(1)).to_string();
    let answer = |approve: bool| json!([{"type": "mcp_approval_response", "approval_request_id": id, "approve": approve, "reason": "no money"}]);
    check(&answer(true), &["input[0] Approved"]);
    check(
        &answer(false),
        &["input[0] Denied { reason: Some(\"no money\") }"],
    );
}

#[test]
fn what_cannot_be_told_is_refused_with_its_place() {
    refused(&json!(7), "input");
    refused(&json!([]), "input");
    refused(&json!([{"role": "user"}]), "input[0].content");
    refused(&json!([{"role": "robot", "content": "x"}]), "input[0].role");
    refused(
        &json!([{"type": "item_reference", "id": "x"}]),
        "input[0].type",
    );
    refused(
        &json!([{"type": "function_call_output", "output": "x"}]),
        "input[0].call_id",
    );
    refused(
        &json!([{"type": "mcp_approval_response", "approval_request_id": "x", "approve": true}]),
        "input[0].approval_request_id",
    );
    let piece = |piece: Value| json!([{"role": "user", "content": [piece]}]);
    refused(
        &piece(json!({"type": "input_audio"})),
        "input[0].content[0].type",
    );
    refused(
        &piece(json!({"type": "input_image", "file_id": "f"})),
        "input[0].content[0].file_id",
    );
    refused(&piece(json!({"text": "x"})), "input[0].content[0].type");
}
