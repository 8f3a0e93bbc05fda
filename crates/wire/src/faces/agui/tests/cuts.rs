//! A connection that is cut anywhere loses nothing and doubles nothing.

use serde_json::json;

use super::*;

/// A run with all that can be open: thoughts, text, calls, a message that was said again, steps.
#[expect(clippy::too_many_lines, reason = "a log is long")]
fn long() -> Vec<u8> {
    log(&[
        created(),
        ("attempt.started", json!({"driver": "loop"})),
        ("turn.started", json!({"turn": "t1", "model": "v/m"})),
        ("step.started", json!({"step": "s1", "model": "v/m"})),
        (
            "message.started",
            json!({"message": "m1", "role": "assistant"}),
        ),
        (
            "reasoning.delta",
            json!({"message": "m1", "part": 0, "text": "Let "}),
        ),
        (
            "reasoning.delta",
            json!({"message": "m1", "part": 0, "text": "me"}),
        ),
        (
            "text.delta",
            json!({"message": "m1", "part": 1, "text": "Half an "}),
        ),
        (
            "tool.started",
            json!({"call": "c1", "name": "look", "kind": "other", "message": "m1"}),
        ),
        ("tool.args.delta", json!({"call": "c1", "text": "{\"a\""})),
        (
            "tool.completed",
            json!({"call": "c1", "status": "interrupted"}),
        ),
        (
            "message.discarded",
            json!({"message": "m1", "why": "the connection broke"}),
        ),
        ("retry.scheduled", json!({"delay_ms": 5, "why": "broke"})),
        (
            "message.started",
            json!({"message": "m2", "role": "assistant"}),
        ),
        (
            "reasoning.delta",
            json!({"message": "m2", "part": 0, "text": "Let "}),
        ),
        (
            "reasoning.delta",
            json!({"message": "m2", "part": 0, "text": "me see"}),
        ),
        (
            "text.delta",
            json!({"message": "m2", "part": 1, "text": "I "}),
        ),
        (
            "text.delta",
            json!({"message": "m2", "part": 1, "text": "look"}),
        ),
        (
            "tool.started",
            json!({"call": "c2", "name": "look", "kind": "other", "message": "m2"}),
        ),
        ("tool.args.delta", json!({"call": "c2", "text": "{\"a\""})),
        ("tool.args.delta", json!({"call": "c2", "text": ":1}"})),
        (
            "message.completed",
            json!({"message": "m2", "parts": [
                {"type": "reasoning", "text": "Let me see"}, {"type": "text", "text": "I look."},
            ]}),
        ),
        ("tool.called", json!({"call": "c2", "args": {"a": 1}})),
        (
            "step.finished",
            json!({"step": "s1", "usage": {"input_tokens": 5, "output_tokens": 2}}),
        ),
        ("tool.running", json!({"call": "c2", "try": 1})),
        (
            "tool.completed",
            json!({"call": "c2", "status": "ok", "result": {"found": 3}}),
        ),
        ("step.started", json!({"step": "s2"})),
        (
            "input.received",
            json!({"input": "i1", "mode": "steer", "parts": [{"type": "text", "text": "quick"}], "by": "x"}),
        ),
        ("input.consumed", json!({"input": "i1", "turn": "t1"})),
        (
            "message.started",
            json!({"message": "m3", "role": "assistant"}),
        ),
        (
            "text.delta",
            json!({"message": "m3", "part": 0, "text": "Thr"}),
        ),
        (
            "text.delta",
            json!({"message": "m3", "part": 0, "text": "ee."}),
        ),
        (
            "message.completed",
            json!({"message": "m3", "parts": [{"type": "text", "text": "Three."}]}),
        ),
        (
            "step.finished",
            json!({"step": "s2", "usage": {"input_tokens": 5, "output_tokens": 2}}),
        ),
        (
            "turn.completed",
            json!({"turn": "t1", "status": "completed"}),
        ),
        finished(),
    ])
}

const SEEN: [&str; 6] = [
    "reasoning: Let me see",
    "assistant: I look. look({\"a\":1})",
    "tool: {\"found\":3}",
    "user: quick",
    "assistant: Three.",
    "",
];

#[track_caller]
fn check(client: &Client, at: usize) {
    let mut seen = client.seen();
    // The result of a call stands behind the message that asked for it.
    seen.sort();
    let mut expected = SEEN[..5].to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected, "cut behind {at} events");
    assert_eq!(client.end.as_ref().unwrap()["outcome"]["type"], "success");
}

#[test]
fn a_replay_has_nothing_that_was_discarded() {
    let stream = replayed(&long(), view(1));
    let text = String::from_utf8(stream.clone()).unwrap();
    assert!(!text.contains("Half an"), "{text}");
    assert!(!text.contains(":m1"), "{text}");
    check(&read(&stream), 0);
}

#[test]
fn a_live_stream_takes_back_what_is_discarded() {
    let stream = live(&long(), view(1));
    assert!(
        String::from_utf8(stream.clone())
            .unwrap()
            .contains("Half an")
    );
    check(&read(&stream), 0);
}

#[test]
fn a_client_that_comes_back_with_its_cursor_goes_on_where_it_was() {
    let log = long();
    for first in [live(&log, view(1)), replayed(&log, view(1))] {
        let n = kinds(&first).len();
        for at in 1..n {
            let mut client = Client::default();
            client.read(&first, at);
            let mut client = client.reconnects();
            let last_id = client.last_id.clone().unwrap_or_else(|| "0".to_owned());
            let mut again = view(1);
            again.cursor = Cursor::parse(&last_id).unwrap();
            client.read(&replayed(&log, again), usize::MAX);
            check(&client, at);
        }
    }
}

#[test]
fn a_client_that_sends_what_it_has_is_told_all_again() {
    let log = long();
    let first = live(&log, view(1));
    for at in 0..kinds(&first).len() {
        let mut client = Client::default();
        client
            .messages
            .push(json!({"id": "u1", "role": "user", "content": "Hi"}));
        client.read(&first, at);
        let mut client = client.reconnects();
        let mut again = view(1);
        again.messages = client.sends();
        client.read(&replayed(&log, again), usize::MAX);
        let hi = client.messages.remove(0);
        assert_eq!(hi["content"], "Hi");
        // What was only begun is empty and stays.
        client.messages.retain(|message| message["content"] != "");
        check(&client, at);
    }
}

#[test]
fn nothing_is_told_behind_the_end() {
    let log = long();
    let mut again = view(1);
    again.cursor = Cursor::parse("36").unwrap();
    assert_eq!(kinds(&replayed(&log, again)), Vec::<String>::new());
}
