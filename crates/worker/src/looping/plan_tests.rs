use std::collections::BTreeMap;

use run::event::ToolStatus;
use run::{BuiltinTool, ClientTool, Envelope, Seq, Snapshot, Timestamp, Tools};
use serde_json::{Value, json};

use super::{Ask, Next, next, open_calls};
use crate::toolbox::Toolbox;

fn toolbox() -> Toolbox {
    let tools = Tools {
        builtin: vec![
            BuiltinTool::Shell,
            BuiltinTool::HttpFetch,
            BuiltinTool::AskUser,
        ],
        rules: serde_json::from_value(json!({"http_fetch": "allow"})).unwrap(),
        ..Tools::default()
    };
    let agents = BTreeMap::from([("writer".to_owned(), String::new())]);
    let client = ClientTool {
        name: "pick".into(),
        description: String::new(),
        parameters: json!({"type": "object"}),
    };
    Toolbox::new(&tools, &agents, &[client]).unwrap()
}

/// A log of a message with one call of `tool`, and what came after it.
fn log(tool: &str, args: &Value, more: &[Value]) -> Snapshot {
    let mut events = vec![
        json!(["message.started", {"message": "m1", "role": "assistant"}]),
        json!(["tool.started", {"call": "c1", "name": tool, "kind": "other", "message": "m1"}]),
        json!(["tool.called", {"call": "c1", "args": args}]),
        json!(["message.completed", {"message": "m1", "parts": []}]),
    ];
    events.extend_from_slice(more);
    let mut snapshot = Snapshot::default();
    for (n, event) in (1..).zip(events) {
        let envelope = json!({
            "seq": n, "at": Timestamp::default(), "attempt": 1, "type": event[0], "data": event[1],
        });
        let envelope: Envelope = serde_json::from_value(envelope).unwrap();
        assert!(!matches!(envelope.event, run::Event::Unknown(_)), "{event}");
        snapshot.apply(&envelope);
    }
    assert!(snapshot.last_seq > Seq::ZERO);
    snapshot
}

#[track_caller]
fn check_granted(is_granted: bool, tool: &str, args: &Value, more: &[Value], expected: &Next) {
    let snapshot = log(tool, args, more);
    let call = open_calls(&snapshot).next().expect("the call is open");
    assert_eq!(next(call, &snapshot, &toolbox(), is_granted), *expected);
}

#[track_caller]
fn check(tool: &str, more: &[Value], expected: &Next) {
    check_granted(false, tool, &json!({}), more, expected);
}

fn end(status: ToolStatus, result: impl Into<Value>) -> Next {
    Next::End {
        status,
        result: result.into(),
    }
}

fn approval() -> Value {
    json!(["approval.requested", {"request": "q1", "kind": "command", "title": "t", "options": ["allow"], "call": "c1"}])
}

fn decided(decision: &str) -> Value {
    json!(["approval.resolved", {"request": "q1", "decision": decision, "by": "ana"}])
}

fn expired() -> Value {
    json!(["request.expired", {"request": "q1", "why": "too late"}])
}

#[test]
fn a_tool_that_needs_no_permission_is_performed() {
    check("http_fetch", &[], &Next::Perform);
    let agent = "writer".to_owned();
    check("writer", &[], &Next::Start { agent });
}

#[test]
fn a_tool_that_is_asked_about_waits_for_the_first_answer() {
    check("shell", &[], &Next::Ask(Ask::Approval));
    check("shell", &[approval()], &Next::Wait);
    check("shell", &[approval(), decided("allow")], &Next::Perform);
    check(
        "shell",
        &[approval(), decided("allow_for_thread")],
        &Next::Perform,
    );
    check("shell", &[approval(), decided("cancel")], &Next::Cancel);
    check("gone", &[approval(), decided("cancel")], &Next::Cancel);
    let no = "the user does not allow this";
    let denied = end(ToolStatus::Denied, no);
    check("shell", &[approval(), decided("deny")], &denied);
    let note = json!(["approval.resolved", {"request": "q1", "decision": "deny", "note": "use git", "by": "ana"}]);
    let denied = end(ToolStatus::Denied, format!("{no}: use git"));
    check("shell", &[approval(), note], &denied);
    let late = end(ToolStatus::Denied, "nobody has allowed this: too late");
    check("shell", &[approval(), expired()], &late);
    check_granted(true, "shell", &json!({}), &[], &Next::Perform);
}

#[test]
fn questions_and_client_tools_end_with_their_answer() {
    check("ask_user", &[], &Next::Ask(Ask::User));
    let asked = json!(["question.asked", {"request": "q1", "questions": [{"id": "a", "text": "?"}], "call": "c1"}]);
    check("ask_user", std::slice::from_ref(&asked), &Next::Wait);
    let answered =
        json!(["question.answered", {"request": "q1", "answers": {"a": "blue"}, "by": "ana"}]);
    let done = end(ToolStatus::Ok, json!({"a": "blue"}));
    check("ask_user", &[asked.clone(), answered], &done);
    let late = end(ToolStatus::Failed, "nobody has answered: too late");
    check("ask_user", &[asked, expired()], &late);

    check("pick", &[], &Next::Ask(Ask::Client));
    let called = json!(["client_tool.called", {"request": "q1", "call": "c1"}]);
    check("pick", std::slice::from_ref(&called), &Next::Wait);
    let answered = json!(["client_tool.answered", {"request": "q1", "result": 7, "by": "ana"}]);
    check("pick", &[called, answered], &end(ToolStatus::Ok, 7));
}

#[test]
fn what_cannot_be_performed_ends_with_a_word_to_the_model() {
    let text =
        "there is no tool \"dance\" now; the tools are ask_user, http_fetch, pick, shell, writer";
    check("dance", &[], &end(ToolStatus::Failed, text));
    let text = "the arguments are not a JSON object: {\"a\":";
    let args = json!({"_unreadable": "{\"a\":"});
    let failed = end(ToolStatus::Failed, text);
    check_granted(false, "http_fetch", &args, &[], &failed);
}

#[test]
fn calls_of_a_message_that_is_said_again_are_not_performed() {
    let mut snapshot = log("http_fetch", &json!({}), &[]);
    snapshot.messages[0].progress = run::snapshot::Progress::Discarded;
    let call = open_calls(&snapshot).next().unwrap();
    let text = "the message that asked for it was withdrawn";
    let interrupted = end(ToolStatus::Interrupted, text);
    assert_eq!(next(call, &snapshot, &toolbox(), false), interrupted);
}
