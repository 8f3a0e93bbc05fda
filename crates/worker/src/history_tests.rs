use run::Envelope;
use serde_json::{Value, json};

use super::*;
use crate::limits::HISTORY_RESULT_BYTES;

/// The log of these events as pairs of type and data, folded.
fn snapshot(log: &[(&str, Value)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (kind, data) in log {
        let seq = snapshot.last_seq.next();
        let envelope = json!({"seq": seq, "at": "2026-11-20T10:00:00.000Z", "attempt": 1, "type": kind, "data": data});
        let envelope: Envelope = serde_json::from_value(envelope).unwrap();
        assert!(!matches!(envelope.event, run::Event::Unknown(_)), "{data}");
        snapshot.apply(&envelope);
    }
    snapshot
}

fn fold(input: Value, log: &[(&str, Value)], to: &str) -> Past {
    let input: Input = serde_json::from_value(input).unwrap();
    let told = Told {
        prefix: "p",
        input: &input,
        by: Some("v/m"),
        to,
        result_bytes: HISTORY_RESULT_BYTES,
        calls: Calls::AsCalls,
    };
    Past::of(told, &snapshot(log))
}

#[test]
fn a_model_without_tools_is_told_of_calls_in_words() {
    let mut log = vec![step(1), started("m1")];
    log.extend(call("c1", Some("m1")));
    log.extend([
        completed("m1", json!("let me see")),
        done("c1", "ok", &json!("two")),
    ]);
    let input = Input::text("hi");
    let told = Told {
        prefix: "p",
        input: &input,
        by: None,
        to: "v/m",
        result_bytes: HISTORY_RESULT_BYTES,
        calls: Calls::AsText,
    };
    let past = Past::of(told, &snapshot(&log));
    let lines: Vec<String> = past.messages().map(line).collect();
    assert_eq!(
        lines,
        [
            "user: hi",
            r#"assistant: let me see | [called the tool look_up with {"q":"c1"}; it gave: two]"#,
        ]
    );
}

#[test]
fn a_later_run_is_told_what_an_agent_said_and_not_how_its_run_is_kept() {
    let id = "0196a0c2-7d8e-7c4f-8a6b-000000000001";
    let running = ("tool.running", json!({"call": "c1", "try": 1, "run": id}));
    let mut log = vec![step(1), started("m1")];
    log.extend(call("c1", Some("m1")));
    log.push(running);
    let kept = json!({"run": id, "status": "failed", "reason": "error", "summary": "Half a poem.", "error": {"code": "x", "message": "no key"}});
    log.extend([
        completed("m1", json!("let me see")),
        done("c1", "failed", &kept),
    ]);
    let past = fold(json!("hi"), &log, "v/m");
    let told = past.messages().last().map(line).unwrap();
    assert!(
        told.ends_with(":the agent did not succeed: no key\nHalf a poem."),
        "{told}"
    );
}

fn line(message: &Message) -> String {
    let parts = message.parts.iter().map(|part| {
        let vendor = part.vendor.as_ref();
        let vendor = vendor.map_or(String::new(), |vendor| format!(" {vendor}"));
        let content = match &part.content {
            Content::Text(text) => text.clone(),
            Content::Reasoning(text) => format!("<{text}>"),
            Content::Image(_) => "(picture)".into(),
            Content::File { .. } => "(file)".into(),
            Content::ToolCall { id, name, args } => format!("{id}={name}{args}"),
            Content::ToolResult { call_id, output } => format!("{call_id}:{output}"),
        };
        content + &vendor
    });
    let role = format!("{:?}", message.role).to_lowercase();
    format!("{role}: {}", parts.collect::<Vec<_>>().join(" | "))
}

/// What another model is told of a run.
#[track_caller]
fn check(input: Value, log: &[(&str, Value)], expected: &[&str]) {
    let past = fold(input, log, "other/model");
    let lines: Vec<String> = past.messages().map(line).collect();
    assert_eq!(lines, expected);
    let calls_of = |of: fn(&Content) -> Option<&String>| -> Vec<String> {
        let parts = past.messages().flat_map(|message| &message.parts);
        parts
            .filter_map(|part| of(&part.content))
            .cloned()
            .collect()
    };
    let asked = calls_of(|content| match content {
        Content::ToolCall { id, .. } => Some(id),
        _ => None,
    });
    let answered = calls_of(|content| match content {
        Content::ToolResult { call_id, .. } => Some(call_id),
        _ => None,
    });
    assert_eq!(asked, answered, "each call has its result");
}

fn started(message: &str) -> (&'static str, Value) {
    let data = json!({"message": message, "role": "assistant"});
    ("message.started", data)
}

fn completed(message: &str, parts: Value) -> (&'static str, Value) {
    let parts = match parts {
        Value::String(text) => json!([{"type": "text", "text": text}]),
        parts => parts,
    };
    let data = json!({"message": message, "parts": parts});
    ("message.completed", data)
}

fn text(message: &str, text: &str) -> (&'static str, Value) {
    let data = json!({"message": message, "part": 0, "text": text});
    ("text.delta", data)
}

fn step(n: u32) -> (&'static str, Value) {
    ("step.started", json!({"step": format!("s{n}")}))
}

fn call(call: &str, message: Option<&str>) -> [(&'static str, Value); 2] {
    let mut started = json!({"call": call, "name": "look up", "kind": "other"});
    if let Some(message) = message {
        started["message"] = json!(message);
    }
    [
        ("tool.started", started),
        ("tool.called", json!({"call": call, "args": {"q": call}})),
    ]
}

fn done(call: &str, status: &str, result: &Value) -> (&'static str, Value) {
    let data = json!({"call": call, "status": status, "result": result});
    ("tool.completed", data)
}

#[test]
fn a_run_is_its_question_and_its_answer() {
    check(
        json!("hi"),
        &[
            started("m1"),
            text("m1", "ho"),
            completed("m1", json!("ho!")),
        ],
        &["user: hi", "assistant: ho!"],
    );
    check(json!("hi"), &[], &["user: hi"]);
    check(json!({}), &[], &[]);
}

#[test]
fn the_stored_prompt_stands_for_the_text_of_the_input() {
    let rendered = (
        "prompt.rendered",
        json!({"system": "Be.", "prompt": "Say hi"}),
    );
    let file = json!({"type": "file", "media_type": "image/png", "url": "https://x/y.png"});
    let input = json!({"parts": [{"type": "text", "text": "hi"}, file]});
    check(input.clone(), &[rendered], &["user: Say hi | (picture)"]);
    let only_system = ("prompt.rendered", json!({"system": "Be."}));
    check(input, &[only_system], &["user: hi | (picture)"]);
}

#[test]
fn discarded_text_is_forgotten_and_interrupted_text_stays() {
    check(
        json!("hi"),
        &[
            started("m1"),
            text("m1", "wrong"),
            ("message.discarded", json!({"message": "m1", "why": "x"})),
            started("m2"),
            text("m2", "half an"),
            (
                "message.completed",
                json!({"message": "m2", "interrupted": true}),
            ),
        ],
        &["user: hi", "assistant: half an"],
    );
}

#[test]
fn what_was_heard_stands_where_it_was_heard() {
    let received = |n: u32, text: &str| {
        let data = json!({"input": format!("i{n}"), "mode": "steer", "by": "ana", "parts": [{"type": "text", "text": text}]});
        ("input.received", data)
    };
    let consumed = |n: u32| {
        let data = json!({"input": format!("i{n}"), "turn": "t1"});
        ("input.consumed", data)
    };
    check(
        json!("hi"),
        &[
            received(1, "shorter"),
            received(2, "never heard"),
            received(3, "in French"),
            started("m1"),
            completed("m1", json!("long")),
            consumed(3),
            consumed(1),
            started("m2"),
            completed("m2", json!("court")),
        ],
        &[
            "user: hi",
            "assistant: long",
            "user: in French",
            "user: shorter",
            "assistant: court",
        ],
    );
}

#[test]
fn calls_stand_with_their_step_and_results_in_the_order_of_the_calls() {
    let [c1, a1] = call("c1", Some("m1"));
    let [c2, a2] = call("c2", None);
    let [c3, a3] = call("c3", None);
    check(
        json!("hi"),
        &[
            step(1),
            started("m1"),
            c1,
            c2,
            completed("m1", json!("let me see")),
            a1,
            a2,
            done("c2", "ok", &json!({"n": 2})),
            done("c1", "failed", &json!("no")),
            step(2),
            c3,
            a3,
            done("c3", "denied", &Value::Null),
            step(3),
            started("m2"),
            completed("m2", json!("two")),
        ],
        &[
            "user: hi",
            r#"assistant: let me see | p_3=look_up{"q":"c1"} | p_4=look_up{"q":"c2"}"#,
            r#"tool: p_3:no | p_4:{"n":2}"#,
            r#"assistant: p_11=look_up{"q":"c3"}"#,
            "tool: p_11:(it was not allowed)",
            "assistant: two",
        ],
    );
}

#[test]
fn a_call_without_a_result_says_so() {
    for (log, says) in [
        (
            vec![done("c1", "interrupted", &Value::Null)],
            "interrupted before it began: it did nothing",
        ),
        (
            vec![
                ("tool.running", json!({"call": "c1", "try": 1})),
                done("c1", "interrupted", &Value::Null),
            ],
            "interrupted before it finished; whether it acted is unknown",
        ),
        (
            vec![done("c1", "unknown", &json!("half"))],
            "interrupted before it finished; whether it acted is unknown. So far: half",
        ),
        // A log that was never closed.
        (
            vec![],
            "interrupted before it finished; whether it acted is unknown",
        ),
        (vec![done("c1", "ok", &Value::Null)], "(no output)"),
    ] {
        let mut all = call("c1", None).to_vec();
        all.extend(log);
        check(
            json!("hi"),
            &all,
            &[
                "user: hi",
                r#"assistant: p_1=look_up{"q":"c1"}"#,
                &format!("tool: p_1:{says}"),
            ],
        );
    }
    // Its arguments never came.
    let [only_started, _] = call("c1", None);
    check(
        json!("hi"),
        &[only_started, done("c1", "interrupted", &Value::Null)],
        &[
            "user: hi",
            "assistant: p_1=look_up{}",
            "tool: p_1:interrupted before it began: it did nothing",
        ],
    );
}

#[test]
fn a_long_result_is_cut_with_a_note() {
    let mut log = call("c1", None).to_vec();
    log.push(done(
        "c1",
        "ok",
        &json!("x".repeat(HISTORY_RESULT_BYTES + 1)),
    ));
    let past = fold(json!("hi"), &log, "v/m");
    let last = past.messages().last().map(line).unwrap();
    assert!(last.contains("x\n… 1 bytes left out …\nx"), "{last}");
    assert!(last.len() < HISTORY_RESULT_BYTES + 40);
}

#[test]
fn a_brought_conversation_is_where_history_begins() {
    let input = json!({"parts": "third", "messages": [
        {"role": "system", "parts": "Be kind."},
        {"role": "user", "parts": "first"},
        {"role": "assistant", "parts": "second"},
        {"role": "tool", "parts": "x"},
    ]});
    let log = [started("m1"), completed("m1", json!("fourth"))];
    check(
        input.clone(),
        &log,
        &[
            "system: Be kind.",
            "user: first",
            "assistant: second",
            "user: third",
            "assistant: fourth",
        ],
    );
    assert!(fold(input, &log, "v/m").begins);
    assert!(!fold(json!("hi"), &log, "v/m").begins);
}

#[test]
fn what_a_vendor_wants_back_goes_back_to_the_same_model_only() {
    let parts = json!([
        {"type": "reasoning", "text": "hm", "vendor": {"signature": "s"}},
        {"type": "reasoning", "text": "for people alone"},
        {"type": "text", "text": "ho", "vendor": {"id": 1}},
        {"type": "source", "url": "https://x"},
        {"type": "refusal", "text": "no"},
    ]);
    let log = [started("m1"), completed("m1", parts)];
    check(json!("hi"), &log, &["user: hi", "assistant: ho | no"]);
    let same = fold(json!("hi"), &log, "v/m");
    let lines: Vec<String> = same.messages().map(line).collect();
    assert_eq!(
        lines,
        [
            "user: hi",
            r#"assistant: <hm> {"signature":"s"} | ho {"id":1} | no"#
        ]
    );
}

#[test]
fn names_of_tools_are_made_fit() {
    for (given, expected) in [
        ("a.b c", "a_b_c"),
        ("", "tool"),
        ("ä", "_"),
        ("ok-1", "ok-1"),
    ] {
        assert_eq!(name(given), expected);
    }
    assert_eq!(name(&"x".repeat(100)).len(), NAME_BYTES);
}

#[test]
fn a_cut_takes_the_oldest_and_never_parts_a_call_from_its_result() {
    let input = json!({"messages": [
        {"role": "user", "parts": "first question"},
        {"role": "assistant", "parts": "first answer"},
    ], "parts": "second question"});
    let mut log = vec![step(1)];
    log.extend(call("c1", None));
    log.push(done("c1", "ok", &json!("result")));
    log.extend([
        step(2),
        started("m1"),
        completed("m1", json!("second answer")),
    ]);
    let all = fold(input.clone(), &log, "v/m").tokens();
    let kept = |max_tokens: u64| {
        let mut past = fold(input.clone(), &log, "v/m");
        past.cut(max_tokens);
        assert!(past.tokens() <= max_tokens);
        past.messages().map(line).collect::<Vec<_>>()
    };
    assert_eq!(kept(all).len(), 6);
    let second = kept(all - 1);
    assert_eq!(second.len(), 4);
    assert_eq!(second[0], "user: second question");
    let mut seen = vec![6, 4];
    for max_tokens in (0..all - 1).rev() {
        let lines = kept(max_tokens);
        let has = |what: &str| lines.iter().any(|line| line.contains(what));
        assert_eq!(has("p_2=look_up"), has("p_2:result"));
        assert!(lines.is_empty() || lines[0] == "user: second question");
        seen.push(lines.len());
    }
    seen.dedup();
    assert_eq!(seen, [6, 4, 2, 1, 0]);
}
