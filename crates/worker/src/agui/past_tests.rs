use serde_json::json;

use super::*;

const RUN: &str = "01960000-0000-7000-8000-000000000001";

/// The messages of a run with this input and these events, as lines.
#[track_caller]
fn check(input: Value, events: &[(&str, Value)], waiting: &[&str], expected: &[Value]) {
    let input: Input = serde_json::from_value(input).unwrap();
    let mut snapshot = Snapshot::default();
    for (n, (kind, data)) in (1..).zip(events) {
        let envelope = json!({"seq": n, "at": "2026-11-20T10:00:00.000Z", "attempt": 1, "type": kind, "data": data});
        snapshot.apply(&serde_json::from_value(envelope).unwrap());
    }
    let waiting = waiting.iter().map(|&id| id.to_owned()).collect();
    let past = Past::of(RunId::parse(RUN).unwrap(), &input, &snapshot, &waiting);
    assert_eq!(past.messages, expected);
}

fn started(id: &str) -> (&'static str, Value) {
    (
        "message.started",
        json!({"message": id, "role": "assistant"}),
    )
}

fn completed(id: &str, parts: &Value) -> (&'static str, Value) {
    ("message.completed", json!({"message": id, "parts": parts}))
}

#[test]
fn what_was_said_goes_back_under_the_agents_own_ids() {
    check(
        json!("Hi"),
        &[
            started("thought:r"),
            completed(
                "thought:r",
                &json!([{"type": "reasoning", "text": "hm", "vendor": {"agui": {"encryptedValue": "xyz"}}}]),
            ),
            started("thought:s"),
            completed(
                "thought:s",
                &json!([{"type": "reasoning", "text": "not wanted back"}]),
            ),
            started("a"),
            ("message.discarded", json!({"message": "a", "why": "cut"})),
            started("a~2"),
            completed("a~2", &json!([{"type": "text", "text": "I look"}])),
            (
                "tool.started",
                json!({"call": "c1", "name": "look", "kind": "other", "message": "a~2"}),
            ),
            ("tool.called", json!({"call": "c1", "args": {"x": 1}})),
            (
                "tool.started",
                json!({"call": "c2", "name": "see", "kind": "other", "message": "b"}),
            ),
            ("tool.called", json!({"call": "c2", "args": {}})),
            (
                "tool.completed",
                json!({"call": "c1", "status": "ok", "result": {"n": 3}}),
            ),
            ("tool.completed", json!({"call": "c2", "status": "unknown"})),
        ],
        &[],
        &[
            json!({"id": RUN, "role": "user", "content": "Hi"}),
            json!({"id": "r", "role": "reasoning", "content": "hm", "encryptedValue": "xyz"}),
            json!({"id": "a", "role": "assistant", "content": "I look", "toolCalls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"x\":1}"}},
            ]}),
            json!({"id": "c1-result", "role": "tool", "toolCallId": "c1", "content": "{\"n\":3}"}),
            json!({"id": "b", "role": "assistant", "toolCalls": [
                {"id": "c2", "type": "function", "function": {"name": "see", "arguments": "{}"}},
            ]}),
            json!({"id": "c2-result", "role": "tool", "toolCallId": "c2",
                "content": "interrupted before it finished; whether it acted is unknown"}),
        ],
    );
}

#[test]
fn a_call_whose_answer_goes_along_has_no_result() {
    check(
        json!({"messages": [{"id": "s", "role": "system", "parts": "Be brief"}, {"role": "user", "parts": "Pay"}]}),
        &[
            (
                "tool.started",
                json!({"call": "c1", "name": "pay", "kind": "other", "message": "a"}),
            ),
            ("tool.called", json!({"call": "c1", "args": {}})),
        ],
        &["c1"],
        &[
            json!({"id": "s", "role": "system", "content": "Be brief"}),
            json!({"id": format!("{RUN}-1"), "role": "user", "content": "Pay"}),
            json!({"id": "a", "role": "assistant", "toolCalls": [
                {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": "{}"}},
            ]}),
        ],
    );
}

#[test]
fn files_are_parts() {
    check(
        json!({"parts": [
            {"type": "text", "text": "See"},
            {"type": "file", "media_type": "image/png", "url": "data:image/png;base64,AAAA"},
            {"type": "file", "media_type": "application/pdf", "url": "https://x/a.pdf", "name": "a.pdf"},
        ]}),
        &[],
        &[],
        &[json!({"id": RUN, "role": "user", "content": [
            {"type": "text", "text": "See"},
            {"type": "image", "source": {"type": "data", "value": "AAAA", "mimeType": "image/png"}},
            {"type": "document", "source": {"type": "url", "value": "https://x/a.pdf", "mimeType": "application/pdf"},
                "metadata": {"filename": "a.pdf"}},
        ]})],
    );
}

#[test]
fn the_oldest_runs_are_left_out() {
    let run = |text: &str| vec![json!(text)];
    let mut pasts = vec![run("aaaa"), run("bbbb"), run("cc")];
    assert_eq!(cut(&mut pasts, 10), 1);
    assert_eq!(pasts, [run("bbbb"), run("cc")]);
    assert_eq!(cut(&mut pasts, 1), 1);
    assert_eq!(pasts, [run("cc")]);
    assert_eq!(cut(&mut pasts, 1), 0);
}

#[test]
fn the_agents_own_properties_win() {
    let members = |value: Value| value.as_object().unwrap().clone();
    let own = members(json!({"mode": "safe"}));
    let variables =
        members(json!({"state": 1, "forwarded_props": {"mode": "wild", "a": 1}, "kind": "poem"}));
    assert_eq!(
        forwarded(&own, &variables),
        json!({"mode": "safe", "a": 1, "variables": {"kind": "poem"}})
    );
}
