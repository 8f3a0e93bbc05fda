use run::CallId;
use serde_json::json;
use wire::faces::agui::decode::decode;

use super::*;

/// What a run says of what an agent says, a line for each event.
#[track_caller]
fn check(snapshot: &Snapshot, heard: &[Value], expected: &[&str]) {
    let before = Before {
        sent: BTreeSet::from(["old".to_owned()]),
        client_tools: BTreeSet::new(),
        keeps_raw: true,
    };
    let mut fold = Fold::new(before, snapshot);
    let mut events = Vec::new();
    for event in heard {
        events.extend(fold.take(decode(event.clone())).unwrap());
    }
    events.extend(fold.finish());
    let lines: Vec<String> = events.iter().map(line).collect();
    assert_eq!(lines, expected);
}

fn line(event: &Event) -> String {
    match event {
        Event::MessageStarted(it) => format!("start {}", it.message),
        Event::TextDelta(it) => format!("{} text {:?}", it.message, it.text),
        Event::ReasoningDelta(it) => format!("{} thought {:?}", it.message, it.text),
        Event::MessageCompleted(it) => {
            let parts = it.parts.as_ref().map(|parts| json!(parts).to_string());
            format!("end {} {}", it.message, parts.unwrap_or_default())
        }
        Event::ToolStarted(it) => {
            let message = it.message.as_ref().map_or("-", MessageId::as_str);
            format!("call {} {} of {message}", it.call, it.name)
        }
        Event::ToolArgsDelta(it) => format!("{} args {:?}", it.call, it.text),
        Event::ToolCalled(it) => format!("called {} {}", it.call, it.args),
        Event::ToolCompleted(it) => format!("done {} {:?} {}", it.call, it.status, it.result),
        Event::StateSnapshot(it) => format!("state {}", it.state),
        Event::Custom(it) => format!("custom {} {}", it.name, it.value),
        Event::Raw(it) => format!("raw {}", it.payload),
        Event::Notice(it) => format!("notice {}", it.code),
        other => format!("{other:?}"),
    }
}

fn text(kind: &str, id: &str, delta: &str) -> Value {
    json!({"type": format!("TEXT_MESSAGE_{kind}"), "messageId": id, "delta": delta, "role": "assistant"})
}

fn call(kind: &str, id: &str, delta: &str) -> Value {
    json!({"type": format!("TOOL_CALL_{kind}"), "toolCallId": id, "toolCallName": "look", "parentMessageId": "a",
        "delta": delta, "content": delta})
}

/// What the log has before, from events of an earlier attempt.
fn log(events: &[Event]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for event in events {
        let seq = snapshot.last_seq.next();
        let at = run::Timestamp::default();
        let event = event.clone();
        snapshot.apply(&run::Envelope {
            seq,
            at,
            attempt: 1,
            event,
        });
    }
    snapshot
}

fn started_text(id: &str) -> Event {
    started(&MessageId::parse(id).unwrap())
}

fn completed(id: &str, text: &str) -> Event {
    MessageCompleted {
        message: MessageId::parse(id).unwrap(),
        parts: Some(vec![Part::text(text)]),
        interrupted: false,
    }
    .into()
}

#[test]
fn a_text_and_a_call_are_told_as_they_come() {
    check(
        &Snapshot::default(),
        &[
            text("START", "a", ""),
            text("CONTENT", "a", "Let me "),
            text("CONTENT", "a", "look"),
            text("END", "a", ""),
            call("START", "c", ""),
            call("ARGS", "c", "{\"x\":"),
            call("ARGS", "c", "1}"),
            call("END", "c", ""),
            call("RESULT", "c", "found"),
        ],
        &[
            "start a",
            "a text \"Let me \"",
            "a text \"look\"",
            "end a [{\"text\":\"Let me look\",\"type\":\"text\"}]",
            "call c look of a",
            "c args \"{\\\"x\\\":\"",
            "c args \"1}\"",
            "called c {\"x\":1}",
            "done c Ok \"found\"",
        ],
    );
}

#[test]
fn pieces_begin_and_end_by_themselves() {
    check(
        &Snapshot::default(),
        &[
            text("CHUNK", "a", "One"),
            json!({"type": "TEXT_MESSAGE_CHUNK", "delta": " two"}),
            json!({"type": "STATE_SNAPSHOT", "snapshot": 1}),
            json!({"type": "TEXT_MESSAGE_CHUNK", "delta": "."}),
            json!({"type": "REASONING_MESSAGE_CHUNK", "messageId": "a", "delta": "hm"}),
            call("CHUNK", "c", "{}"),
            json!({"type": "TOOL_CALL_CHUNK", "toolCallId": "d", "toolCallName": "see"}),
        ],
        &[
            "start a",
            "a text \"One\"",
            "a text \" two\"",
            "state 1",
            "a text \".\"",
            "end a [{\"text\":\"One two.\",\"type\":\"text\"}]",
            "start thought:a",
            "thought:a thought \"hm\"",
            "end thought:a [{\"text\":\"hm\",\"type\":\"reasoning\"}]",
            "call c look of a",
            "c args \"{}\"",
            "called c {}",
            "call d see of -",
            "called d {}",
        ],
    );
}

#[test]
fn what_a_vendor_wants_back_goes_with_its_thought() {
    check(
        &Snapshot::default(),
        &[
            json!({"type": "REASONING_START", "messageId": "r"}),
            json!({"type": "REASONING_MESSAGE_START", "messageId": "r", "role": "reasoning"}),
            json!({"type": "REASONING_MESSAGE_CONTENT", "messageId": "r", "delta": "hm"}),
            json!({"type": "REASONING_MESSAGE_END", "messageId": "r"}),
            json!({"type": "REASONING_ENCRYPTED_VALUE", "subtype": "message", "entityId": "r", "encryptedValue": "xyz"}),
            json!({"type": "REASONING_END", "messageId": "r"}),
        ],
        &[
            "start thought:r",
            "thought:r thought \"hm\"",
            "end thought:r [{\"text\":\"hm\",\"type\":\"reasoning\",\"vendor\":{\"agui\":{\"encryptedValue\":\"xyz\"}}}]",
        ],
    );
}

#[test]
fn an_agent_may_leave_things_out() {
    check(
        &Snapshot::default(),
        &[
            text("CONTENT", "a", "no beginning"),
            call("RESULT", "c", "of nothing"),
            call("START", "d", ""),
            call("RESULT", "d", "without an end"),
            text("END", "zzz", ""),
            text("START", "empty", ""),
            text("END", "empty", ""),
            call("ARGS", "zzz", "x"),
        ],
        &[
            "start a",
            "a text \"no beginning\"",
            "call c tool of -",
            "called c {}",
            "done c Ok \"of nothing\"",
            "call d look of a",
            "called d {}",
            "done d Ok \"without an end\"",
            "end a [{\"text\":\"no beginning\",\"type\":\"text\"}]",
        ],
    );
}

#[test]
fn what_the_log_has_is_passed_over_and_what_is_forgotten_is_said_again() {
    let before = log(&[
        started_text("a"),
        completed("a", "All"),
        started_text("b"),
        run::event::MessageDiscarded {
            message: MessageId::parse("b").unwrap(),
            why: String::new(),
        }
        .into(),
    ]);
    check(
        &before,
        &[
            text("START", "old", ""),
            text("CONTENT", "old", "from an earlier run"),
            text("END", "old", ""),
            text("START", "a", ""),
            text("CONTENT", "a", "All"),
            text("END", "a", ""),
            text("START", "b", ""),
            text("CONTENT", "b", "Again"),
            text("END", "b", ""),
            text("START", "a", ""),
            text("CONTENT", "a", "More"),
            text("END", "a", ""),
            json!({"type": "TEXT_MESSAGE_START", "messageId": "u", "role": "user"}),
            text("CONTENT", "u", "what it was told"),
        ],
        &[
            "start b~2",
            "b~2 text \"Again\"",
            "end b~2 [{\"text\":\"Again\",\"type\":\"text\"}]",
            "start a~2",
            "a~2 text \"More\"",
            "end a~2 [{\"text\":\"More\",\"type\":\"text\"}]",
        ],
    );
}

#[test]
fn a_call_that_waits_gets_its_result_from_a_later_run() {
    let id = CallId::parse("c").unwrap();
    let before = log(&[
        run::event::ToolStarted {
            call: id.clone(),
            name: "pay".into(),
            kind: run::event::ToolKind::Other,
            title: None,
            message: None,
            idempotent: false,
        }
        .into(),
        run::event::ToolCalled {
            call: id,
            args: json!({}),
            vendor: None,
        }
        .into(),
    ]);
    check(
        &before,
        &[
            call("START", "c", ""),
            call("ARGS", "c", "{}"),
            call("END", "c", ""),
            call("RESULT", "c", "paid"),
            call("RESULT", "c", "paid"),
        ],
        &["done c Ok \"paid\""],
    );
}

#[test]
fn a_conversation_brings_what_was_not_said_in_pieces() {
    check(
        &Snapshot::default(),
        &[
            text("CHUNK", "a", "Streamed"),
            json!({"type": "MESSAGES_SNAPSHOT", "messages": [
                {"id": "old", "role": "assistant", "content": "before"},
                {"id": "u", "role": "user", "content": "Hi"},
                {"id": "canonical", "role": "assistant", "content": "Streamed"},
                {"id": "b", "role": "assistant", "content": "Only here", "toolCalls": [
                    {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{\"x\":1}"}},
                ]},
                {"id": "t", "role": "tool", "toolCallId": "c", "content": "found"},
            ]}),
        ],
        &[
            "start a",
            "a text \"Streamed\"",
            "end a [{\"text\":\"Streamed\",\"type\":\"text\"}]",
            "start b",
            "b text \"Only here\"",
            "end b [{\"text\":\"Only here\",\"type\":\"text\"}]",
            "call c look of b",
            "c args \"{\\\"x\\\":1}\"",
            "called c {\"x\":1}",
            "done c Ok \"found\"",
        ],
    );
}

#[test]
fn steps_activities_and_what_is_not_known_are_kept() {
    check(
        &Snapshot::default(),
        &[
            json!({"type": "STEP_STARTED", "stepName": "plan"}),
            json!({"type": "STEP_FINISHED", "stepName": "plan"}),
            json!({"type": "CUSTOM", "name": "mine", "value": {"a": 1}}),
            json!({"type": "HOLOGRAM", "a": 1}),
            json!({"type": "STATE_SNAPSHOT", "snapshot": "x".repeat(UPSTREAM_VALUE_BYTES)}),
        ],
        &[
            "custom agui.step {\"name\":\"plan\",\"status\":\"started\"}",
            "custom agui.step {\"name\":\"plan\",\"status\":\"finished\"}",
            "custom mine {\"a\":1}",
            "raw {\"a\":1,\"type\":\"HOLOGRAM\"}",
            "notice upstream_value",
        ],
    );
}

#[test]
fn more_than_a_run_may_have_open_is_ended_or_refused() {
    let mut fold = Fold::new(Before::default(), &Snapshot::default());
    let mut events = Vec::new();
    for n in 0..=UPSTREAM_MESSAGES {
        let begun = decode(text("CONTENT", &format!("m{n:03}"), "x"));
        events.extend(fold.take(begun).unwrap());
    }
    let ended = events
        .iter()
        .filter(|event| matches!(event, Event::MessageCompleted(_)));
    assert_eq!(ended.count(), 1);
    let last = (0..=UPSTREAM_IDS).find(|n| {
        let heard = decode(text("START", &format!("n{n}"), ""));
        fold.take(heard) == Err(TooMany)
    });
    assert!(last.is_some());
}
