use run::snapshot::Asked as Asks;
use run::{By, Seq};
use serde_json::json;

use super::*;

/// What an interrupt becomes: the request, and how one answer to it is said.
#[track_caller]
fn check(interrupt: &Value, expected: &Value, answer: Resolution, entry: &Value) {
    let about = About {
        call: None,
        tool: Some("pay"),
    };
    let (asked, event) = request(RequestId::nth(1), interrupt, about);
    assert_eq!(Asked::read(&asked.print()), Some(asked.clone()));
    let mut data = Vec::new();
    event.write_data(&mut data);
    let data: Value = serde_json::from_slice(&data).unwrap();
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(data[name], *value, "{name} of {data}");
    }
    let asks = match event {
        Event::QuestionAsked(asked) => Asks::Question {
            questions: asked.questions,
        },
        _ => Asks::ClientTool,
    };
    let mut snapshot = Snapshot::default();
    snapshot.requests.push(Request {
        request: RequestId::nth(1),
        asks,
        call: None,
        expires_at: None,
        resolution: Some(answer),
        first_seq: Seq(1),
    });
    assert_eq!(asked.entry(&snapshot), *entry);
}

fn decided(decision: Decision, note: Option<&str>) -> Resolution {
    Resolution::Decided {
        decision,
        note: note.map(str::to_owned),
        by: By("x".into()),
    }
}

fn answered(value: Value) -> Resolution {
    Resolution::Answered {
        value,
        by: By("x".into()),
    }
}

#[test]
fn an_approval_as_the_protocol_recommends_it() {
    let interrupt = json!({
        "id": "int-1", "reason": "tool_call", "toolCallId": "c", "message": "Approve pay(5)?", "expiresAt": "2026-11-20T11:00:00.000Z",
        "responseSchema": {"type": "object", "properties": {"approved": {"type": "boolean"}, "reason": {"type": "string"}}},
    });
    let expected = json!({
        "title": "Approve pay(5)?", "options": ["allow", "deny", "cancel"], "expires_at": "2026-11-20T11:00:00.000Z",
        "detail": {"interrupt": interrupt, "tool": "pay"},
    });
    let entry = |status: &str, payload: Value| {
        let mut entry = json!({"interruptId": "int-1", "status": status});
        if !payload.is_null() {
            entry["payload"] = payload;
        }
        entry
    };
    for (answer, said) in [
        (
            decided(Decision::Allow, None),
            entry("resolved", json!({"approved": true})),
        ),
        (
            decided(Decision::AllowForThread, None),
            entry("resolved", json!({"approved": true})),
        ),
        (
            decided(Decision::Deny, Some("too dear")),
            entry("resolved", json!({"approved": false, "reason": "too dear"})),
        ),
        (
            decided(Decision::Cancel, None),
            entry("cancelled", Value::Null),
        ),
        (
            Resolution::Expired { why: "late".into() },
            entry("cancelled", Value::Null),
        ),
    ] {
        check(&interrupt, &expected, answer, &said);
    }
}

#[test]
fn our_own_face_is_told_our_own_word() {
    check(
        &json!({"id": "i", "reason": "confirmation", "message": "Sure?", "responseSchema": {
            "type": "object", "properties": {"approved": {"type": "boolean"}, "decision": {"type": "string"}},
        }}),
        &json!({"title": "Sure?"}),
        decided(Decision::AllowForThread, None),
        &json!({"interruptId": "i", "status": "resolved", "payload": {"approved": true, "decision": "allow_for_thread"}}),
    );
}

#[test]
fn a_yes_or_no_may_be_bare_or_without_a_schema() {
    check(
        &json!({"id": "i", "reason": "x", "responseSchema": {"type": "boolean"}}),
        &json!({"title": "x"}),
        decided(Decision::Deny, None),
        &json!({"interruptId": "i", "status": "resolved", "payload": false}),
    );
    check(
        &json!({"id": "i", "reason": "human_approval"}),
        &json!({"options": ["allow", "deny", "cancel"]}),
        decided(Decision::Allow, None),
        &json!({"interruptId": "i", "status": "resolved", "payload": {"approved": true}}),
    );
}

#[test]
fn members_of_an_object_are_questions() {
    check(
        &json!({"id": "i", "reason": "input_required", "message": "Book it", "responseSchema": {
            "type": "object",
            "properties": {"size": {"type": "string", "enum": ["1", "2"], "title": "Size?"}, "n": {"type": "integer"}},
        }}),
        &json!({"questions": [
            {"id": "n", "text": "Book it — n"},
            {"id": "size", "text": "Size?", "options": ["1", "2"]},
        ]}),
        answered(json!({"size": "1", "n": "3"})),
        &json!({"interruptId": "i", "status": "resolved", "payload": {"size": "1", "n": 3}}),
    );
}

#[test]
fn anything_else_is_one_question() {
    check(
        &json!({"id": "i", "reason": "input_required", "message": "Which colour?",
            "responseSchema": {"type": "string", "enum": ["red", "blue"]}}),
        &json!({"questions": [{"id": "answer", "text": "Which colour?", "options": ["red", "blue"]}]}),
        answered(json!({"answer": "red"})),
        &json!({"interruptId": "i", "status": "resolved", "payload": "red"}),
    );
    check(
        &json!({}),
        &json!({"questions": [{"id": "answer", "text": "pay"}]}),
        answered(json!({"answer": "ok"})),
        &json!({"interruptId": "", "status": "resolved", "payload": "ok"}),
    );
}
