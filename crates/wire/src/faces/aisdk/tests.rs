//! Logs and the chunks that clients get of them.

use std::fs;
use std::path::PathBuf;

use run::{Envelope, Event, Input, Run, RunId, Seq, ThreadId, Timestamp, frame};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

const RUN: &str = "0199a000-0000-7000-8000-a1b2c3d4e5f6";

/// A log, and what a stream of it is asked for.
struct Case {
    events: Vec<(&'static str, Value)>,
    /// Events that there are when the stream begins.
    known: usize,
    begin: Begin,
    discarded: Discarded,
    dialect: Dialect,
    from: u64,
}

fn whole(events: Vec<(&'static str, Value)>) -> Case {
    Case {
        known: 0,
        events,
        begin: Begin::Run,
        discarded: Discarded::LeftOut,
        dialect: Dialect::V6,
        from: 0,
    }
}

fn envelopes(events: &[(&'static str, Value)]) -> Vec<Envelope> {
    let mut all = vec![created(
        json!({ "parts": [{ "type": "text", "text": "Go" }] }),
    )];
    all.extend(events.iter().cloned());
    if let Some(("run.created", _)) = events.first() {
        all.remove(0);
    }
    let numbered = all.into_iter().zip(1..);
    numbered
        .map(|((kind, data), seq)| {
            let data = RawValue::from_string(data.to_string()).unwrap();
            let event = Event::read(kind, &data);
            assert!(!matches!(event, Event::Unknown(_)), "{kind}: {data}");
            Envelope {
                seq: Seq(seq),
                at: Timestamp::from_ms(1_795_168_800_000),
                attempt: 1,
                event,
            }
        })
        .collect()
}

fn created(input: impl Into<Value>) -> (&'static str, Value) {
    let data = json!({
        "agent": "writer", "driver": "loop", "thread": "chat", "trigger": "user", "input": input.into(),
    });
    ("run.created", data)
}

fn view(case: &Case, log: &[Envelope]) -> View {
    let mut control = Run::new();
    let mut input = Input::default();
    for envelope in log.iter().take(case.known) {
        control.apply(envelope);
    }
    if let Event::RunCreated(created) = &log[0].event {
        input = created.input.clone();
    }
    let run = RunId::parse(RUN).unwrap();
    let thread = ThreadId::parse("chat").unwrap();
    View::new(
        (run, thread, "writer".to_owned()),
        &control,
        &input,
        case.begin,
        case.discarded,
        case.dialect,
    )
}

/// The chunks of a case, by the frames of its log; by its events they are the same.
#[track_caller]
fn chunks(case: &Case) -> (Vec<Value>, bool) {
    let log = envelopes(&case.events);
    let mut by_frame = Translator::new(view(case, &log));
    let mut by_event = Translator::new(view(case, &log));
    let (mut lines, mut same) = (Lines::from(case.from), Lines::from(case.from));
    for envelope in &log {
        let mut bytes = Vec::new();
        let at = envelope.at.to_string();
        frame::print(&mut bytes, envelope.seq, &at, 1, &envelope.event);
        by_frame.take(&bytes, &mut lines);
        by_event.translate(envelope, &mut same);
    }
    let text = String::from_utf8(lines.take()).unwrap();
    assert_eq!(text, String::from_utf8(same.take()).unwrap());
    let chunks = text
        .split_terminator("\n\n")
        .map(|line| serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap());
    (chunks.collect(), by_frame.is_over())
}

/// Checks the chunks of a case behind the first one, which is the start, each in short: its type and what is told of it.
#[track_caller]
fn check(case: &Case, expected: &[&str]) {
    let (chunks, _) = chunks(case);
    let found: Vec<_> = chunks.iter().map(short).collect();
    assert_eq!(found, expected, "{chunks:#?}");
}

/// The same without data parts.
#[track_caller]
fn check_protocol(case: &Case, expected: &[&str]) {
    let (chunks, _) = chunks(case);
    let found = chunks.iter().map(short);
    let found: Vec<_> = found.filter(|line| !line.starts_with("data-")).collect();
    assert_eq!(found, expected, "{chunks:#?}");
}

/// A chunk as one line: its type, then the values that matter in a fixed order.
fn short(chunk: &Value) -> String {
    let names = [
        "id",
        "toolCallId",
        "approvalId",
        "toolName",
        "approved",
        "delta",
        "inputTextDelta",
        "input",
        "output",
        "errorText",
        "providerExecuted",
        "dynamic",
        "url",
        "mediaType",
        "finishReason",
        "reason",
        "data",
        "transient",
    ];
    let mut words = vec![chunk["type"].as_str().unwrap().to_owned()];
    for name in names {
        words.push(match &chunk[name] {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Bool(true) if name == "dynamic" || name == "transient" => name.to_owned(),
            Value::Bool(is) if name == "providerExecuted" => format!("ours={is}"),
            other => other.to_string(),
        });
    }
    words.join(" ")
}

fn started(message: &str) -> (&'static str, Value) {
    (
        "message.started",
        json!({ "message": message, "role": "assistant" }),
    )
}

fn text(message: &str, part: u32, text: &str) -> (&'static str, Value) {
    let data = json!({ "message": message, "part": part, "text": text });
    ("text.delta", data)
}

fn completed(message: &str) -> (&'static str, Value) {
    (
        "message.completed",
        json!({ "message": message, "interrupted": true }),
    )
}

fn finished(status: &str, reason: &str) -> (&'static str, Value) {
    let data = json!({
        "status": status, "reason": reason, "usage": { "input_tokens": 3, "output_tokens": 4 },
    });
    ("run.finished", data)
}

fn step(n: u32) -> (&'static str, Value) {
    ("step.started", json!({ "step": format!("s{n}") }))
}

fn step_end(n: u32) -> (&'static str, Value) {
    (
        "step.finished",
        json!({ "step": format!("s{n}"), "usage": {} }),
    )
}

fn tool(call: &str, name: &str, message: &str) -> (&'static str, Value) {
    let data = json!({ "call": call, "name": name, "kind": "mcp", "message": message });
    ("tool.started", data)
}

fn called(call: &str, args: Value) -> (&'static str, Value) {
    let mut data = json!({ "call": call });
    data["args"] = args;
    ("tool.called", data)
}

fn ended(call: &str, status: &str, result: Value) -> (&'static str, Value) {
    let mut data = json!({ "call": call, "status": status });
    data["result"] = result;
    ("tool.completed", data)
}

fn client_tools() -> (&'static str, Value) {
    created(json!({
        "parts": [{ "type": "text", "text": "Where?" }],
        "tools": [{ "name": "where", "description": "", "parameters": {} }],
    }))
}

#[test]
fn a_run_is_one_message_with_its_id_and_what_it_consumed() {
    let case = whole(vec![
        started("m1"),
        text("m1", 0, "Hel\"lo\n"),
        finished("succeeded", "completed"),
    ]);
    let (chunks, is_over) = chunks(&case);
    assert!(is_over);
    assert_eq!(
        chunks[0],
        json!({ "type": "start", "messageId": RUN, "messageMetadata": {
            "runId": RUN, "threadId": "chat", "agent": "writer", "createdAt": "2026-11-20T10:00:00.000Z",
        }})
    );
    assert_eq!(chunks[3]["delta"], "Hel\"lo\n");
    assert_eq!(
        chunks.last().unwrap(),
        &json!({ "type": "finish", "finishReason": "stop", "messageMetadata": {
            "status": "succeeded", "reason": "completed",
            "usage": { "inputTokens": 3, "outputTokens": 4, "totalTokens": 7 },
        }})
    );
}

#[test]
fn parts_grow_one_after_the_other_and_end() {
    let reasoning = json!({ "message": "m1", "part": 0, "text": "Hm" });
    check(
        &whole(vec![
            step(1),
            started("m1"),
            ("reasoning.delta", reasoning),
            text("m1", 1, "A"),
            text("m1", 1, "B"),
            (
                "message.completed",
                json!({ "message": "m1", "parts": [
                    { "type": "reasoning", "text": "Hm" }, { "type": "text", "text": "ABC" },
                    { "type": "source", "url": "https://a.example/", "title": "A" },
                    { "type": "file", "media_type": "image/png", "url": "data:image/png;base64,AA==" },
                    { "type": "refusal", "text": "No." }, { "type": "text", "text": "D" },
                ]}),
            ),
            step_end(1),
            finished("succeeded", "completed"),
        ]),
        &[
            "start",
            "start-step",
            "reasoning-start m1.0",
            "reasoning-delta m1.0 Hm",
            "reasoning-end m1.0",
            "text-start m1.1",
            "text-delta m1.1 A",
            "text-delta m1.1 B",
            // What the deltas have left out.
            "text-delta m1.1 C",
            "text-end m1.1",
            "source-url https://a.example/",
            "file data:image/png;base64,AA== image/png",
            "text-start m1.4",
            "text-delta m1.4 No.",
            "text-end m1.4",
            "text-start m1.5",
            "text-delta m1.5 D",
            "text-end m1.5",
            "finish-step",
            "finish stop",
        ],
    );
}

#[test]
fn a_tool_of_ours_is_told_from_its_name_to_its_output() {
    let output = json!({ "call": "c1", "stream": "stdout", "text": "…" });
    check(
        &whole(vec![
            step(1),
            started("m1"),
            tool("c1", "look", "m1"),
            ("tool.args.delta", json!({ "call": "c1", "text": "{}" })),
            called("c1", json!({})),
            completed("m1"),
            ("tool.running", json!({ "call": "c1", "try": 1 })),
            ("tool.output", output),
            ended("c1", "ok", json!([1])),
            tool("c2", "look", "m1"),
            called("c2", json!({})),
            ended("c2", "unknown", Value::Null),
            finished("failed", "error"),
        ]),
        &[
            "start",
            "start-step",
            "tool-input-start a1b2c3d4e5f6-c1 look dynamic",
            "tool-input-delta a1b2c3d4e5f6-c1 {}",
            "tool-input-available a1b2c3d4e5f6-c1 look {} dynamic",
            "data-tool-output {\"stream\":\"stdout\",\"text\":\"…\",\"toolCallId\":\"a1b2c3d4e5f6-c1\"} transient",
            "tool-output-available a1b2c3d4e5f6-c1 [1] ours=true",
            "tool-input-start a1b2c3d4e5f6-c2 look dynamic",
            "tool-input-available a1b2c3d4e5f6-c2 look {} dynamic",
            "tool-output-error a1b2c3d4e5f6-c2 nobody knows whether the call took effect ours=true",
            "finish-step",
            "finish error",
            "error the run failed (error)",
        ],
    );
}

/// A run whose tool is to be approved, to where it waits.
fn approval() -> Vec<(&'static str, Value)> {
    vec![
        ("attempt.started", json!({ "driver": "loop" })),
        step(1),
        started("m1"),
        tool("c1", "pay", "m1"),
        called("c1", json!({ "eur": 5 })),
        completed("m1"),
        (
            "approval.requested",
            json!({ "request": "q1", "kind": "mcp", "title": "pay 5", "options": ["allow", "deny"], "call": "c1" }),
        ),
        (
            "run.waiting",
            json!({ "requests": ["q1"], "mode": "parked" }),
        ),
    ]
}

#[test]
fn a_run_that_waits_for_its_client_ends_the_stream_and_an_answer_begins_another() {
    let mut events = approval();
    check(
        &whole(events.clone()),
        &[
            "start",
            "start-step",
            "tool-input-start a1b2c3d4e5f6-c1 pay dynamic",
            "tool-input-available a1b2c3d4e5f6-c1 pay {\"eur\":5} dynamic",
            "tool-approval-request a1b2c3d4e5f6-c1 a1b2c3d4e5f6-q1",
            "data-approval-requested a1b2c3d4e5f6-q1 {\"call\":\"c1\",\"kind\":\"mcp\",\"options\":[\"allow\",\"deny\"],\"request\":\"q1\",\"title\":\"pay 5\"}",
            "finish-step",
            "finish tool-calls",
        ],
    );
    // Seen again while it waits, it ends in the same place; seen again later, it goes on.
    let n = events.len() + 1;
    let mut waiting = whole(events.clone());
    waiting.known = n;
    assert!(chunks(&waiting).1);
    let resolved = json!({ "request": "q1", "decision": "deny", "note": "too dear", "by": "ana" });
    events.extend([
        ("approval.resolved", resolved),
        ("attempt.started", json!({ "driver": "loop" })),
        ended("c1", "denied", Value::Null),
        step_end(1),
        step(2),
        started("m2"),
        text("m2", 0, "No then."),
        completed("m2"),
        step_end(2),
        finished("succeeded", "completed"),
    ]);
    let rest = [
        "start",
        "data-approval-resolved a1b2c3d4e5f6-q1 {\"by\":\"ana\",\"decision\":\"deny\",\"note\":\"too dear\",\"request\":\"q1\"}",
        "tool-output-denied a1b2c3d4e5f6-c1",
        "start-step",
        "text-start m2.0",
        "text-delta m2.0 No then.",
        "text-end m2.0",
        "finish-step",
        "finish stop",
    ];
    let mut answer = whole(events.clone());
    answer.begin = Begin::Answer(Seq(10));
    answer.known = n + 1;
    check(&answer, &rest);
    let mut later = whole(events);
    later.known = n + 3;
    let (all, is_over) = chunks(&later);
    assert!(is_over);
    let all: Vec<_> = all.iter().map(short).collect();
    assert!(
        !all.contains(&"finish tool-calls".to_owned()),
        "it passes the wait: {all:#?}"
    );
    assert_eq!(all.last().unwrap(), "finish stop");
}

#[test]
fn an_attempt_that_breaks_off_behind_its_question_ends_the_stream() {
    let mut events = approval();
    events.pop();
    events.push(("attempt.ended", json!({ "end": "lost", "why": "crash" })));
    let (chunks, is_over) = chunks(&whole(events));
    assert!(is_over);
    assert_eq!(short(chunks.last().unwrap()), "finish tool-calls");
}

#[test]
fn version_seven_is_told_of_a_decision_by_a_chunk() {
    let mut events = approval();
    let resolved = json!({ "request": "q1", "decision": "allow", "by": "ana" });
    events.push(("approval.resolved", resolved));
    let mut case = whole(events);
    case.dialect = Dialect::V7;
    case.begin = Begin::Answer(Seq(10));
    case.known = 10;
    let (chunks, _) = chunks(&case);
    let expected = "tool-approval-response a1b2c3d4e5f6-q1 true";
    assert!(
        chunks.iter().any(|chunk| short(chunk) == expected),
        "{chunks:#?}"
    );
}

#[test]
fn an_approval_or_a_question_without_a_call_is_shown_as_one() {
    let questions = json!([{ "id": "answer", "text": "Which?" }]);
    check_protocol(
        &whole(vec![
            (
                "approval.requested",
                json!({ "request": "q1", "kind": "script", "title": "Buy", "options": ["allow"] }),
            ),
            (
                "approval.resolved",
                json!({ "request": "q1", "decision": "allow", "by": "ana" }),
            ),
            (
                "question.asked",
                json!({ "request": "q2", "questions": questions }),
            ),
            (
                "question.answered",
                json!({ "request": "q2", "answers": { "answer": "blue" }, "by": "ana" }),
            ),
            (
                "question.asked",
                json!({ "request": "q3", "questions": questions }),
            ),
            (
                "request.expired",
                json!({ "request": "q3", "why": "too late" }),
            ),
        ]),
        &[
            "start",
            "start-step",
            "tool-input-available a1b2c3d4e5f6-q1 script {\"detail\":null,\"title\":\"Buy\"} dynamic",
            "tool-approval-request a1b2c3d4e5f6-q1 a1b2c3d4e5f6-q1",
            "tool-output-available a1b2c3d4e5f6-q1 {\"decision\":\"allow\"} ours=true",
            "tool-input-available a1b2c3d4e5f6-q2 ask_user {\"questions\":[{\"id\":\"answer\",\"text\":\"Which?\"}]} dynamic",
            "tool-output-available a1b2c3d4e5f6-q2 {\"answer\":\"blue\"} ours=true",
            "tool-input-available a1b2c3d4e5f6-q3 ask_user {\"questions\":[{\"id\":\"answer\",\"text\":\"Which?\"}]} dynamic",
            "tool-output-error a1b2c3d4e5f6-q3 too late",
        ],
    );
}

/// A run that calls a tool of the page, to where it waits.
fn at_client() -> Vec<(&'static str, Value)> {
    vec![
        client_tools(),
        ("attempt.started", json!({ "driver": "loop" })),
        step(1),
        started("m1"),
        tool("c1", "where", "m1"),
        called("c1", json!({})),
        completed("m1"),
        (
            "client_tool.called",
            json!({ "request": "q1", "call": "c1" }),
        ),
        (
            "run.waiting",
            json!({ "requests": ["q1"], "mode": "parked" }),
        ),
    ]
}

#[test]
fn a_tool_of_the_page_is_called_once_however_often_it_is_read_of() {
    let open = "tool-input-available a1b2c3d4e5f6-c1 where {}";
    let mut events = at_client();
    let mut case = whole(events.clone());
    for known in [0, 8, 9] {
        case.known = known;
        let (chunks, is_over) = chunks(&case);
        assert!(is_over);
        assert!(
            chunks.iter().any(|chunk| short(chunk) == open),
            "{chunks:#?}"
        );
    }
    events.extend([
        (
            "client_tool.answered",
            json!({ "request": "q1", "result": "here", "by": "ana" }),
        ),
        ended("c1", "ok", json!("here")),
        step_end(1),
        finished("succeeded", "completed"),
    ]);
    let mut later = whole(events.clone());
    later.known = 11;
    check(
        &later,
        &[
            "start",
            "start-step",
            "tool-input-start a1b2c3d4e5f6-c1 where ours=true",
            "tool-input-available a1b2c3d4e5f6-c1 where {} ours=true",
            "tool-output-available a1b2c3d4e5f6-c1 here ours=false",
            "finish-step",
            // So that a client that goes on by itself after its tools does not do so here.
            "start-step",
            "finish-step",
            "finish stop",
        ],
    );
    let mut answer = whole(events);
    answer.begin = Begin::Answer(Seq(10));
    answer.known = 10;
    check(
        &answer,
        &[
            "start",
            "tool-output-available a1b2c3d4e5f6-c1 here ours=false",
            "start-step",
            "finish-step",
            "finish stop",
        ],
    );
}

/// A message that is said twice.
fn retried() -> Vec<(&'static str, Value)> {
    vec![
        step(1),
        started("m1"),
        text("m1", 0, "Half"),
        tool("c1", "look", "m1"),
        ended("c1", "interrupted", Value::Null),
        (
            "message.discarded",
            json!({ "message": "m1", "why": "cut" }),
        ),
        started("m2"),
        text("m2", 0, "Whole"),
        completed("m2"),
        step_end(1),
        finished("succeeded", "completed"),
    ]
}

#[test]
fn what_was_discarded_is_left_out_of_a_replay() {
    let mut case = whole(retried());
    case.known = 12;
    check(
        &case,
        &[
            "start",
            "start-step",
            "text-start m2.0",
            "text-delta m2.0 Whole",
            "text-end m2.0",
            "finish-step",
            "finish stop",
        ],
    );
}

#[test]
fn what_is_discarded_before_the_clients_eyes_ends_and_is_named() {
    let live = chunks(&whole(retried())).0;
    let short: Vec<_> = live.iter().map(short).collect();
    assert!(short.contains(&"text-end m1.0".to_owned()), "{short:#?}");
    assert!(
        short
            .contains(&"data-message-discarded m1 {\"message\":\"m1\",\"why\":\"cut\"}".to_owned()),
        "{short:#?}"
    );
    // By this a page finds the parts.
    assert_eq!(
        live[2]["providerMetadata"],
        json!({ "outlive": { "message": "m1" } })
    );
}

#[test]
fn version_seven_forgets_the_step_of_what_is_discarded() {
    let mut events = retried();
    // The call is still open.
    let interrupted = events.remove(4);
    events.insert(5, interrupted);
    let mut case = whole(events);
    case.dialect = Dialect::V7;
    check(
        &case,
        &[
            "start",
            "start-step",
            "text-start m1.0",
            "text-delta m1.0 Half",
            "tool-input-start a1b2c3d4e5f6-c1 look dynamic",
            "text-end m1.0",
            "reset-step",
            "text-start m2.0",
            "text-delta m2.0 Whole",
            "text-end m2.0",
            "finish-step",
            "finish stop",
        ],
    );
}

#[test]
fn chunks_have_the_same_numbers_in_each_replay() {
    for dialect in [Dialect::V6, Dialect::V7] {
        let mut case = whole(retried());
        case.dialect = dialect;
        case.discarded = Discarded::Blank;
        let (live, _) = chunks(&case);
        for known in 0..=12 {
            case.known = known;
            let (replayed, _) = chunks(&case);
            assert_eq!(replayed.len(), live.len());
            for (a, b) in live.iter().zip(&replayed) {
                assert_eq!(a["type"], b["type"]);
            }
            let text: String = replayed
                .iter()
                .filter_map(|it| it["delta"].as_str())
                .collect();
            let is_discarded = known >= 7;
            assert_eq!(text, if is_discarded { "Whole" } else { "HalfWhole" });
        }
        case.known = 12;
        for from in 0..=live.len() {
            case.from = from as u64;
            let (rest, is_over) = chunks(&case);
            assert!(is_over);
            assert_eq!(rest.len(), live.len() - from);
        }
    }
}

#[test]
fn a_stream_that_is_joined_in_the_middle_opens_what_is_open() {
    let mut case = whole(vec![
        ("attempt.started", json!({ "driver": "loop" })),
        step(1),
        started("m1"),
        text("m1", 0, "Before"),
        tool("c1", "look", "m1"),
        (
            "input.received",
            json!({ "input": "i1", "mode": "steer", "parts": [], "by": "ana" }),
        ),
        text("m1", 0, " after"),
        (
            "message.completed",
            json!({ "message": "m1", "parts": [{ "type": "text", "text": "Before after" }] }),
        ),
    ]);
    case.begin = Begin::Input(Seq(7));
    case.known = 7;
    check(
        &case,
        &[
            "start",
            "start-step",
            "text-start m1.0",
            "tool-input-start a1b2c3d4e5f6-c1 look dynamic",
            "data-input-received i1 {\"by\":\"ana\",\"input\":\"i1\",\"mode\":\"steer\",\"parts\":[]}",
            "text-delta m1.0  after",
            "text-end m1.0",
        ],
    );
}

#[test]
fn an_end_is_told_in_the_clients_words() {
    let end = |data: Value| {
        let case = whole(vec![("run.finished", data)]);
        let (chunks, is_over) = chunks(&case);
        assert!(is_over);
        chunks[1..].iter().map(short).collect::<Vec<_>>()
    };
    let data = |status: &str, reason: &str, more: Value| {
        let mut data = json!({ "status": status, "reason": reason, "usage": {} });
        let members = more.as_object().unwrap().clone();
        data.as_object_mut().unwrap().extend(members);
        data
    };
    let none = || json!({});
    assert_eq!(end(data("succeeded", "completed", none())), ["finish stop"]);
    assert_eq!(end(data("succeeded", "budget", none())), ["finish length"]);
    let length = json!({ "finish_reason": "max_tokens" });
    assert_eq!(
        end(data("succeeded", "completed", length)),
        ["finish length"]
    );
    assert_eq!(
        end(data("aborted", "stopped", none())),
        ["abort stopped", "finish other"]
    );
    let error = json!({ "error": { "code": "vendor_error", "message": "The vendor said no." } });
    assert_eq!(
        end(data("failed", "error", error)),
        ["finish error", "error The vendor said no (vendor_error)"]
    );
}

/// The types of chunks that version 6 of the package knows.
const KNOWN: &[&str] = &[
    "start",
    "start-step",
    "finish-step",
    "text-start",
    "text-delta",
    "text-end",
    "reasoning-start",
    "reasoning-delta",
    "reasoning-end",
    "source-url",
    "file",
    "tool-input-start",
    "tool-input-delta",
    "tool-input-available",
    "tool-approval-request",
    "tool-output-available",
    "tool-output-error",
    "tool-output-denied",
    "message-metadata",
    "finish",
    "abort",
    "error",
];

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the golden files are the list of all that was ever stored"
)]
fn every_event_ever_stored_is_told_in_chunks_that_the_client_knows() {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../run/golden");
    let mut n_files = 0;
    for entry in fs::read_dir(golden).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let envelope: Envelope = serde_json::from_slice(&bytes).unwrap();
        let case = whole(Vec::new());
        let log = envelopes(&case.events);
        let mut translator = Translator::new(view(&case, &log));
        let mut lines = Lines::default();
        translator.translate(&envelope, &mut lines);
        for line in String::from_utf8(lines.take())
            .unwrap()
            .split_terminator("\n\n")
        {
            let chunk: Value = serde_json::from_str(line.strip_prefix("data: ").unwrap()).unwrap();
            let kind = chunk["type"].as_str().unwrap();
            let is_data = kind.strip_prefix("data-").is_some_and(|name| {
                !name.is_empty() && !name.contains(['.', '_']) && chunk.get("data").is_some()
            });
            assert!(KNOWN.contains(&kind) || is_data, "{chunk}");
        }
        n_files += 1;
    }
    assert_eq!(n_files, run::event::TYPES.len());
}
