//! Logs and what becomes of them: each line is a number, a type and what matters of it.

use run::event::*;
use run::{
    By, CallId, ClientTool, DriverKind, Envelope, ErrorInfo, Event as Stored, Input, MessageId,
    Part, Reason, RequestId, Role, RunId, Seq, Status, StepId, ThreadId, Timestamp, Trigger, Usage,
    WaitMode,
};
use serde_json::{Value, json};

use super::event::Event;
use super::*;
use crate::structured::Schema;

fn run() -> RunId {
    RunId::new(Timestamp::from_ms(1_795_000_000_000), [7; 10])
}

fn about() -> About {
    About {
        run: run(),
        agent: "writer".into(),
        thread: "t".into(),
        metadata: serde_json::Map::new(),
        tools: Vec::new(),
        instructions: None,
        temperature: None,
        max_output_tokens: None,
        output_schema: None,
        schema: None,
        discarded: std::collections::BTreeSet::new(),
    }
}

fn with_tools() -> About {
    let weather = ClientTool {
        name: "weather".into(),
        description: String::new(),
        parameters: json!({"type": "object"}),
    };
    About {
        tools: vec![weather],
        ..about()
    }
}

fn structured() -> About {
    let schema = json!({"type": "object", "required": ["name"]});
    About {
        schema: Schema::new(&schema).ok(),
        output_schema: Some(schema),
        ..about()
    }
}

fn discarded(about: About) -> About {
    About {
        discarded: [m(1)].into(),
        ..about
    }
}

fn m(n: u32) -> MessageId {
    MessageId::nth(n)
}

fn created() -> Stored {
    RunCreated {
        agent: "writer".into(),
        driver: DriverKind::Loop,
        thread: ThreadId::parse("t").unwrap(),
        trigger: Trigger::Api,
        input: Input::text("Hi"),
        client: serde_json::Map::new(),
        supersedes: None,
        refines: None,
        retries: None,
        parent: None,
        structured: false,
    }
    .into()
}

fn attempt() -> Stored {
    AttemptStarted {
        driver: DriverKind::Loop,
        resumes: false,
    }
    .into()
}

fn started(n: u32) -> Stored {
    MessageStarted {
        message: m(n),
        role: Role::Assistant,
    }
    .into()
}

fn text(n: u32, part: u32, text: &str) -> Stored {
    TextDelta {
        message: m(n),
        part,
        text: text.into(),
    }
    .into()
}

fn thought(n: u32, part: u32, text: &str) -> Stored {
    ReasoningDelta {
        message: m(n),
        part,
        text: text.into(),
    }
    .into()
}

fn completed(n: u32, parts: Vec<Part>) -> Stored {
    MessageCompleted {
        message: m(n),
        parts: Some(parts),
        interrupted: false,
    }
    .into()
}

fn forgotten(n: u32) -> Stored {
    MessageDiscarded {
        message: m(n),
        why: "retry".into(),
    }
    .into()
}

fn call(n: u32, name: &str, message: Option<u32>) -> Stored {
    ToolStarted {
        call: CallId::nth(n),
        name: name.into(),
        kind: ToolKind::Other,
        title: None,
        message: message.map(m),
        idempotent: false,
    }
    .into()
}

fn args(n: u32, text: &str) -> Stored {
    ToolArgsDelta {
        call: CallId::nth(n),
        text: text.into(),
    }
    .into()
}

fn called(n: u32, args: Value) -> Stored {
    ToolCalled {
        call: CallId::nth(n),
        args,
        vendor: None,
    }
    .into()
}

fn running(n: u32) -> Stored {
    ToolRunning {
        call: CallId::nth(n),
        n_try: 1,
        run: None,
    }
    .into()
}

fn done(n: u32, status: ToolStatus, result: Value) -> Stored {
    ToolCompleted {
        call: CallId::nth(n),
        status,
        result,
        usage: None,
    }
    .into()
}

fn at_client(n: u32) -> Stored {
    ClientToolCalled {
        request: RequestId::nth(n),
        call: CallId::nth(n),
        expires_at: None,
    }
    .into()
}

fn from_client(n: u32, result: &str) -> Stored {
    ClientToolAnswered {
        request: RequestId::nth(n),
        result: result.into(),
        by: By("client".into()),
    }
    .into()
}

fn approval(n: u32, detail: Value, call: Option<u32>) -> Stored {
    ApprovalRequested {
        request: RequestId::nth(n),
        kind: "command".into(),
        title: "Delete it?".into(),
        detail,
        options: Decision::ALL.to_vec(),
        call: call.map(CallId::nth),
        grants: None,
        expires_at: None,
    }
    .into()
}

fn allowed(n: u32) -> Stored {
    ApprovalResolved {
        request: RequestId::nth(n),
        decision: Decision::Allow,
        note: None,
        grants: None,
        by: By("client".into()),
    }
    .into()
}

fn waits(n: u32, mode: WaitMode) -> Stored {
    RunWaiting {
        requests: vec![RequestId::nth(n)],
        calls: vec![],
        mode,
        due_at: None,
    }
    .into()
}

fn parked() -> Stored {
    AttemptEnded {
        end: AttemptEnd::Parked,
        why: "waits".into(),
        due_at: None,
    }
    .into()
}

fn step(n: u32, input_tokens: u64, output_tokens: u64) -> Stored {
    StepFinished {
        step: StepId::nth(n),
        usage: Usage {
            input_tokens,
            output_tokens,
            ..Usage::default()
        },
        finish_reason: None,
    }
    .into()
}

fn finished(input_tokens: u64, output_tokens: u64) -> Stored {
    RunFinished {
        status: Status::Succeeded,
        reason: Reason::Completed,
        finish_reason: Some("stop".into()),
        error: None,
        usage: Usage {
            input_tokens,
            output_tokens,
            ..Usage::default()
        },
        output: None,
    }
    .into()
}

fn stopped() -> Stored {
    RunFinished {
        status: Status::Aborted,
        reason: Reason::Stopped,
        finish_reason: None,
        error: None,
        usage: Usage::default(),
        output: None,
    }
    .into()
}

fn envelopes(log: &[Stored]) -> impl Iterator<Item = Envelope> {
    (1..).zip(log).map(|(seq, event)| Envelope {
        seq: Seq(seq),
        at: Timestamp::from_ms(1_795_000_000_000),
        attempt: 1,
        event: event.clone(),
    })
}

fn frame(envelope: &Envelope) -> Vec<u8> {
    let (seq, at) = (envelope.seq, envelope.at.to_string());
    let mut frame = Vec::new();
    run::frame::print(&mut frame, seq, &at, envelope.attempt, &envelope.event);
    frame
}

/// The stream of a response, event by event and frame by frame.
fn print(about: impl Fn() -> About, log: &[Stored], first: u64, after: Option<u64>) -> String {
    let of = |take: &dyn Fn(&mut Translation, &Envelope, &mut Vec<u8>)| {
        let mut translation = Translation::new(about(), Seq(first), after);
        let mut out = Vec::new();
        for envelope in envelopes(log) {
            take(&mut translation, &envelope, &mut out);
        }
        if let Some(end) = translation.end() {
            end.expect("it is small").print(&mut out);
        }
        String::from_utf8(out).unwrap()
    };
    let by_event = of(&|translation, envelope, out| {
        translation.take(envelope.clone());
        translation.drain().for_each(|event| event.print(out));
    });
    let by_frame = of(&|translation, envelope, out| {
        translation.take_frames(&frame(envelope), out);
    });
    assert_eq!(by_frame, by_event);
    let mut translation = Translation::replay(about(), Seq(first), after);
    let mut at_once = Vec::new();
    let frames: Vec<u8> = envelopes(log).flat_map(|it| frame(&it)).collect();
    translation.take_frames(&frames, &mut at_once);
    if let Some(end) = translation.end() {
        end.expect("it is small").print(&mut at_once);
    }
    assert_eq!(String::from_utf8(at_once).unwrap(), by_event);
    by_event
}

/// The events of a response as they are printed, read back.
fn stream(about: impl Fn() -> About, log: &[Stored], first: u64, after: Option<u64>) -> Vec<Value> {
    parsed(&print(about, log, first, after))
}

fn parsed(text: &str) -> Vec<Value> {
    let frames = text.split_terminator("\n\n");
    frames
        .map(|frame| {
            let (event, data) = frame.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(event.strip_prefix("event: "), data["type"].as_str());
            data
        })
        .collect()
}

/// What a strict client makes of a stream: OpenAI's own helper for JavaScript throws where this panics. Gives the output
/// as it accumulates, before the last event replaces it.
#[track_caller]
fn accumulated(events: &[Value]) -> Vec<Value> {
    assert_eq!(events[0]["type"], "response.created");
    let mut output: Vec<Value> = Vec::new();
    let mut last = None;
    for event in events {
        let number = event["sequence_number"].as_u64().unwrap();
        assert!(last.is_none_or(|last| number > last), "{event}");
        last = Some(number);
        let at = |name: &str| usize::try_from(event[name].as_u64().unwrap()).unwrap();
        let kind = event["type"].as_str().unwrap();
        match kind {
            "response.output_item.added" => {
                assert_eq!(at("output_index"), output.len(), "{event}");
                output.push(event["item"].clone());
            }
            "response.output_item.done" => {
                let known = &mut output[at("output_index")];
                assert_eq!(known["id"], event["item"]["id"]);
                assert_eq!(known["type"], event["item"]["type"]);
                *known = event["item"].clone();
            }
            "response.content_part.added" => {
                let content = output[at("output_index")]["content"]
                    .as_array_mut()
                    .unwrap();
                assert_eq!(content.len(), at("content_index"));
                content.push(event["part"].clone());
            }
            "response.content_part.done" => {
                output[at("output_index")]["content"][at("content_index")] = event["part"].clone();
            }
            _ => {}
        }
        if let (Some(delta), Some(content)) = (event["delta"].as_str(), event.get("content_index"))
        {
            let content = usize::try_from(content.as_u64().unwrap()).unwrap();
            let piece = &mut output[at("output_index")]["content"][content];
            let member = if kind.contains("refusal") {
                "refusal"
            } else {
                "text"
            };
            let text = piece[member].as_str().expect(kind).to_owned() + delta;
            piece[member] = text.into();
        }
        if let Some(id) = event["item_id"].as_str() {
            assert_eq!(output[at("output_index")]["id"], id);
        }
    }
    output
}

fn line(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap();
    let kind = kind.strip_prefix("response.").unwrap();
    let mut words = vec![event["sequence_number"].to_string(), kind.to_owned()];
    words.extend(event["output_index"].as_u64().map(|n| format!("[{n}]")));
    let texts = ["delta", "text", "refusal", "arguments"];
    let texts = texts.iter().filter_map(|member| event[*member].as_str());
    words.extend(texts.map(str::to_owned));
    if event["item"].is_object() {
        words.push(brief(&event["item"]));
    }
    let status = event["response"]["status"].as_str();
    words.extend(status.map(str::to_owned));
    words.join(" ")
}

/// An item in one line.
fn brief(item: &Value) -> String {
    let mut words = vec![item["type"].as_str().unwrap().to_owned()];
    for member in ["status", "name", "arguments", "output", "phase"] {
        if let Some(word) = item[member].as_str() {
            words.push(word.to_owned());
        }
    }
    for piece in item["content"].as_array().into_iter().flatten() {
        let text = piece["text"].as_str().or(piece["refusal"].as_str());
        words.push(format!("({})", text.unwrap()));
    }
    words.join(" ")
}

/// Checks the stream of a response and, for each number in it, that coming back behind it gives the rest; then that the
/// whole response is what the stream ended with. Gives the last response.
#[track_caller]
fn check(about: impl Fn() -> About, log: &[Stored], first: u64, expected: &[&str]) -> Value {
    let events = stream(&about, log, first, None);
    let lines: Vec<String> = events.iter().map(line).collect();
    assert_eq!(lines, expected);
    accumulated(&events);
    for (n, event) in events.iter().enumerate() {
        let after = event["sequence_number"].as_u64();
        assert_eq!(stream(&about, log, first, after), events[n + 1..]);
    }
    let mut whole = Translation::whole(about(), Seq(first));
    envelopes(log).for_each(|envelope| whole.take(envelope));
    let last = whole.last().unwrap();
    let Event::Lifecycle(_, response) = &last.event else {
        panic!("{last:?}")
    };
    assert_eq!(events.last().unwrap()["response"], **response);
    assert_eq!(whole.response(), **response);
    (**response).clone()
}

fn output(response: &Value) -> Vec<String> {
    let items = response["output"].as_array().unwrap();
    items.iter().map(brief).collect()
}

#[test]
fn a_run_is_a_response() {
    let log = [
        created(),
        attempt(),
        started(1),
        thought(1, 0, "Hm"),
        text(1, 1, "Hel"),
        text(1, 1, "lo"),
        completed(1, vec![Part::reasoning("Hm"), Part::text("Hello!")]),
        step(1, 7, 3),
        finished(7, 3),
    ];
    let response = check(
        about,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "64 in_progress in_progress",
            "192 output_item.added [0] reasoning in_progress",
            "193 content_part.added [0]",
            "194 reasoning_text.delta [0] Hm",
            "256 reasoning_text.done [0] Hm",
            "257 content_part.done [0]",
            "258 output_item.done [0] reasoning completed (Hm)",
            "259 output_item.added [1] message in_progress",
            "260 content_part.added [1]",
            "261 output_text.delta [1] Hel",
            "320 output_text.delta [1] lo",
            // The completed message is the truth.
            "384 output_text.done [1] Hello!",
            "385 content_part.done [1]",
            "386 output_item.done [1] message completed (Hello!)",
            "512 completed completed",
        ],
    );
    assert_eq!(
        output(&response),
        ["reasoning completed (Hm)", "message completed (Hello!)"]
    );
    let hex = run().to_string().replace('-', "");
    assert_eq!(response["id"], format!("resp_{hex}_1"));
    // 4 × 64: named by the event of the log that began it, not by its place in the response.
    assert_eq!(response["output"][0]["id"], format!("rs_{hex}_256"));
    assert_eq!(response["model"], "writer");
    assert_eq!(response["created_at"], 1_795_000_000);
    assert_eq!(response["usage"]["total_tokens"], 10);
    assert_eq!(response["conversation"], json!({"id": "t"}));
}

#[test]
fn what_came_without_deltas_is_told_when_it_is_complete() {
    let source = Part::Source {
        url: "https://x.example".into(),
        title: None,
    };
    let refusal = Part::Refusal {
        text: "I won't".into(),
    };
    let parts = vec![
        Part::reasoning("a"),
        Part::reasoning("b"),
        Part::text("c"),
        Part::text("d"),
        source,
    ];
    let log = [
        created(),
        completed(1, parts),
        started(2),
        text(2, 0, "half"),
        completed(2, vec![Part::text("half"), refusal]),
        finished(0, 0),
    ];
    let response = check(
        about,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "64 output_item.added [0] reasoning in_progress",
            "65 content_part.added [0]",
            "66 reasoning_text.delta [0] ab",
            "67 reasoning_text.done [0] ab",
            "68 content_part.done [0]",
            "69 output_item.done [0] reasoning completed (ab)",
            "70 output_item.added [1] message in_progress",
            "71 content_part.added [1]",
            "72 output_text.delta [1] cd",
            "73 output_text.done [1] cd",
            "74 content_part.done [1]",
            "75 output_item.done [1] message completed (cd)",
            "192 output_item.added [2] message in_progress",
            "193 content_part.added [2]",
            "194 output_text.delta [2] half",
            "256 output_text.done [2] half",
            "257 content_part.done [2]",
            "258 content_part.added [2]",
            "259 refusal.delta [2] I won't",
            "260 refusal.done [2] I won't",
            "261 content_part.done [2]",
            "262 output_item.done [2] message completed (half) (I won't)",
            "320 completed completed",
        ],
    );
    let cited = &response["output"][1]["content"][0]["annotations"][0];
    assert_eq!(cited["url"], "https://x.example");
    assert_eq!(cited["start_index"], 2);
}

#[test]
fn a_message_that_is_forgotten_is_emptied_live_and_silent_in_a_replay() {
    let log = [
        created(),
        attempt(),
        started(1),
        thought(1, 0, "secret"),
        text(1, 1, "Hal"),
        forgotten(1),
        started(2),
        text(2, 0, "Whole"),
        completed(2, vec![Part::text("Whole")]),
        finished(0, 0),
    ];
    let rest = [
        "448 output_item.added [2] message in_progress",
        "449 content_part.added [2]",
        "450 output_text.delta [2] Whole",
        "512 output_text.done [2] Whole",
        "513 content_part.done [2]",
        "514 output_item.done [2] message completed (Whole)",
        "576 completed completed",
    ];
    let begin = [
        "0 created queued",
        "1 queued queued",
        "64 in_progress in_progress",
    ];
    let live = [
        "192 output_item.added [0] reasoning in_progress",
        "193 content_part.added [0]",
        "194 reasoning_text.delta [0] secret",
        "256 reasoning_text.done [0] secret",
        "257 content_part.done [0]",
        "258 output_item.done [0] reasoning completed (secret)",
        "259 output_item.added [1] message in_progress",
        "260 content_part.added [1]",
        "261 output_text.delta [1] Hal",
        "320 output_item.done [0] reasoning incomplete",
        "321 output_item.done [1] message incomplete",
    ];
    let replayed = [
        "192 output_item.added [0] reasoning in_progress",
        "259 output_item.added [1] message in_progress",
        "320 output_item.done [0] reasoning incomplete",
        "321 output_item.done [1] message incomplete",
    ];
    let response = check(about, &log, 1, &[&begin[..], &live, &rest].concat());
    assert_eq!(output(&response), ["message completed (Whole)"]);
    // The same numbers, places and ids, so that a client that was cut off in the first stream goes on in the second.
    let again = check(
        || discarded(about()),
        &log,
        1,
        &[&begin[..], &replayed, &rest].concat(),
    );
    assert_eq!(again, response);
    let kept = stream(about, &log, 1, None);
    for event in stream(|| discarded(about()), &log, 1, None) {
        assert!(kept.contains(&event), "{event}");
    }
}

#[test]
fn a_cut_message_stays_as_far_as_it_came() {
    let interrupted = MessageCompleted {
        message: m(1),
        parts: None,
        interrupted: true,
    };
    let log = [
        created(),
        attempt(),
        started(1),
        text(1, 0, "Hal"),
        interrupted.into(),
        stopped(),
    ];
    let response = check(
        about,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "64 in_progress in_progress",
            "192 output_item.added [0] message in_progress",
            "193 content_part.added [0]",
            "194 output_text.delta [0] Hal",
            "256 output_text.done [0] Hal",
            "257 content_part.done [0]",
            "258 output_item.done [0] message incomplete (Hal)",
            // There is no event for it; the response says what it is.
            "320 incomplete cancelled",
        ],
    );
    assert_eq!(response["incomplete_details"], Value::Null);
}

#[test]
fn a_function_ends_a_response_and_its_answer_begins_the_next() {
    let log = [
        created(),
        attempt(),
        started(1),
        text(1, 0, "Let me see."),
        call(1, "weather", Some(1)),
        args(1, "{\"city\":"),
        args(1, " \"Bern\"}"),
        called(1, json!({"city": "Bern"})),
        completed(1, vec![Part::text("Let me see.")]),
        step(1, 5, 2),
        at_client(1),
        waits(1, WaitMode::Parked),
        parked(),
        from_client(1, "sunny"),
        attempt(),
        done(1, ToolStatus::Ok, json!("sunny")),
        started(2),
        text(2, 0, "Sunny."),
        completed(2, vec![Part::text("Sunny.")]),
        step(2, 9, 1),
        finished(14, 3),
    ];
    let first = check(
        with_tools,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "64 in_progress in_progress",
            "192 output_item.added [0] message in_progress",
            "193 content_part.added [0]",
            "194 output_text.delta [0] Let me see.",
            "256 output_item.added [1] function_call in_progress weather ",
            "320 function_call_arguments.delta [1] {\"city\":",
            "384 function_call_arguments.delta [1]  \"Bern\"}",
            // As it was written, because it means the same.
            "448 function_call_arguments.done [1] {\"city\": \"Bern\"}",
            "449 output_item.done [1] function_call completed weather {\"city\": \"Bern\"}",
            "512 output_text.done [0] Let me see.",
            "513 content_part.done [0]",
            "514 output_item.done [0] message completed (Let me see.)",
            "704 completed completed",
        ],
    );
    assert_eq!(first["usage"]["total_tokens"], 7);
    let hex = run().to_string().replace('-', "");
    assert_eq!(first["output"][1]["call_id"], format!("call_{hex}_c1"));
    let second = check(
        with_tools,
        &log,
        13,
        &[
            "0 created queued",
            "1 queued queued",
            "128 in_progress in_progress",
            "320 output_item.added [0] message in_progress",
            "321 content_part.added [0]",
            "322 output_text.delta [0] Sunny.",
            "384 output_text.done [0] Sunny.",
            "385 content_part.done [0]",
            "386 output_item.done [0] message completed (Sunny.)",
            "512 completed completed",
        ],
    );
    assert_eq!(second["previous_response_id"], first["id"]);
    assert_eq!(second["usage"]["total_tokens"], 10);
    // No segment begins elsewhere.
    for wrong in [2, 12, 14, 99] {
        assert!(stream(with_tools, &log, wrong, None).is_empty());
    }
}

#[test]
fn a_function_that_never_reaches_the_client_is_withdrawn() {
    let log = [
        created(),
        started(1),
        call(1, "weather", Some(1)),
        args(1, "[]"),
        called(1, json!([])),
        completed(1, vec![]),
        done(1, ToolStatus::Failed, json!("the arguments are no object")),
        finished(0, 0),
    ];
    let response = check(
        with_tools,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "128 output_item.added [0] function_call in_progress weather ",
            "192 function_call_arguments.delta [0] []",
            "256 function_call_arguments.done [0] []",
            "257 output_item.done [0] function_call completed weather []",
            "384 output_item.done [0] function_call incomplete weather ",
            "448 completed completed",
        ],
    );
    assert_eq!(output(&response), [] as [&str; 0]);
}

#[test]
fn a_call_of_a_forgotten_message_says_nothing_in_a_replay() {
    let log = [
        created(),
        started(1),
        call(1, "weather", Some(1)),
        args(1, "{\"ci"),
        done(1, ToolStatus::Interrupted, Value::Null),
        forgotten(1),
        finished(0, 0),
    ];
    check(
        || discarded(with_tools()),
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "128 output_item.added [0] function_call in_progress weather ",
            "256 output_item.done [0] function_call incomplete weather ",
            "384 completed completed",
        ],
    );
}

#[test]
fn our_own_tools_are_calls_of_a_server() {
    let log = [
        created(),
        call(1, "search", None),
        called(1, json!({"q": "x"})),
        running(1),
        done(
            1,
            ToolStatus::Ok,
            json!({"text": "found", "structured": {}}),
        ),
        call(2, "shell", None),
        called(2, json!({})),
        done(2, ToolStatus::Denied, json!("not here")),
        // Withdrawn before anything happened.
        call(3, "search", None),
        done(3, ToolStatus::Interrupted, Value::Null),
        call(4, "search", None),
        running(4),
        done(4, ToolStatus::Unknown, Value::Null),
        finished(0, 0),
    ];
    let response = check(
        about,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "192 output_item.added [0] mcp_call in_progress search ",
            "193 mcp_call.in_progress [0]",
            "194 mcp_call_arguments.delta [0] {\"q\":\"x\"}",
            "195 mcp_call_arguments.done [0] {\"q\":\"x\"}",
            "256 mcp_call.completed [0]",
            "257 output_item.done [0] mcp_call completed search {\"q\":\"x\"} found",
            "448 output_item.added [1] mcp_call in_progress shell ",
            "449 mcp_call.in_progress [1]",
            "450 mcp_call_arguments.delta [1] {}",
            "451 mcp_call_arguments.done [1] {}",
            "452 mcp_call.failed [1]",
            "453 output_item.done [1] mcp_call failed shell {}",
            "704 output_item.added [2] mcp_call in_progress search ",
            "705 mcp_call.in_progress [2]",
            "706 mcp_call_arguments.done [2] ",
            "768 mcp_call.failed [2]",
            "769 output_item.done [2] mcp_call incomplete search ",
            "832 completed completed",
        ],
    );
    assert_eq!(
        response["output"][1]["error"],
        json!({"type": "mcp_tool_execution_error", "content": "not here"})
    );
}

#[test]
fn an_approval_ends_a_response_and_the_call_is_in_the_next() {
    let detail = json!({"tool": "shell", "args": {"command": "rm x"}});
    let log = [
        created(),
        call(1, "shell", None),
        called(1, json!({"command": "rm x"})),
        approval(1, detail, Some(1)),
        approval(2, Value::Null, None),
        waits(1, WaitMode::Held),
        allowed(1),
        running(1),
        done(1, ToolStatus::Ok, json!("gone")),
        finished(0, 0),
    ];
    let first = check(
        about,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "192 output_item.added [0] mcp_approval_request shell {\"command\":\"rm x\"}",
            "193 output_item.done [0] mcp_approval_request shell {\"command\":\"rm x\"}",
            "256 output_item.added [1] mcp_approval_request command {\"detail\":null,\"title\":\"Delete it?\"}",
            "257 output_item.done [1] mcp_approval_request command {\"detail\":null,\"title\":\"Delete it?\"}",
            "320 completed completed",
        ],
    );
    let second = check(
        about,
        &log,
        7,
        &[
            "0 created in_progress",
            "1 in_progress in_progress",
            "64 output_item.added [0] mcp_call in_progress shell ",
            "65 mcp_call.in_progress [0]",
            "66 mcp_call_arguments.delta [0] {\"command\":\"rm x\"}",
            "67 mcp_call_arguments.done [0] {\"command\":\"rm x\"}",
            "128 mcp_call.completed [0]",
            "129 output_item.done [0] mcp_call completed shell {\"command\":\"rm x\"} gone",
            "192 completed completed",
        ],
    );
    assert_eq!(
        second["output"][0]["approval_request_id"],
        first["output"][0]["id"]
    );
}

#[test]
fn questions_are_the_call_of_a_function_of_their_own() {
    let asked = QuestionAsked {
        request: RequestId::nth(1),
        questions: vec![Question {
            id: "colour".into(),
            text: "Which?".into(),
            options: vec![],
            multiple: false,
        }],
        call: Some(CallId::nth(1)),
        expires_at: None,
    };
    let answered = QuestionAnswered {
        request: RequestId::nth(1),
        answers: json!({"colour": "red"}),
        by: By("client".into()),
    };
    let log = [
        created(),
        call(1, "ask_user", None),
        called(1, json!({})),
        asked.into(),
        waits(1, WaitMode::Parked),
        answered.into(),
        done(1, ToolStatus::Ok, json!({"colour": "red"})),
        finished(0, 0),
    ];
    let arguments = "{\"questions\":[{\"id\":\"colour\",\"text\":\"Which?\"}]}";
    let response = check(
        about,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "192 output_item.added [0] function_call in_progress ask_user ",
            &format!("193 function_call_arguments.delta [0] {arguments}"),
            &format!("194 function_call_arguments.done [0] {arguments}"),
            &format!("195 output_item.done [0] function_call completed ask_user {arguments}"),
            "256 completed completed",
        ],
    );
    let call_id = response["output"][0]["call_id"].as_str().unwrap();
    assert_eq!(
        AskedId::parse(call_id),
        Some(AskedId::Question(run(), RequestId::nth(1)))
    );
    check(
        about,
        &log,
        6,
        &[
            "0 created queued",
            "1 queued queued",
            "128 completed completed",
        ],
    );
}

#[test]
fn a_message_that_outlives_its_response_goes_on_in_the_next() {
    let log = [
        created(),
        attempt(),
        started(1),
        text(1, 0, "Before, "),
        call(1, "search", None),
        running(1),
        approval(1, Value::Null, None),
        waits(1, WaitMode::Held),
        allowed(1),
        text(1, 0, "after"),
        done(1, ToolStatus::Ok, json!("found")),
        completed(1, vec![Part::text("Before, after")]),
        finished(0, 0),
    ];
    let first = stream(about, &log, 1, None);
    assert_eq!(
        output(&first.last().unwrap()["response"]),
        [
            "message incomplete (Before, )",
            "mcp_call incomplete search ",
            "mcp_approval_request command {\"detail\":null,\"title\":\"Delete it?\"}",
        ]
    );
    accumulated(&first);
    let second = stream(about, &log, 9, None);
    assert_eq!(
        output(&second.last().unwrap()["response"]),
        [
            "message completed (after)",
            "mcp_call completed search  found"
        ]
    );
    accumulated(&second);
}

#[test]
fn a_structured_answer_is_json_wherever_a_client_parses_it() {
    let log = [
        created(),
        started(1),
        text(1, 0, "Let me think."),
        completed(1, vec![Part::text("Let me think.")]),
        started(2),
        text(2, 0, "```json\n{\"name\": \"Legs\",}\n```"),
        completed(2, vec![Part::text("```json\n{\"name\": \"Legs\",}\n```")]),
        finished(0, 0),
    ];
    let response = check(
        structured,
        &log,
        1,
        &[
            "0 created queued",
            "1 queued queued",
            "128 output_item.added [0] message in_progress",
            "129 content_part.added [0]",
            "130 output_text.delta [0] Let me think.",
            "192 output_item.done [0] message completed commentary (Let me think.)",
            "320 output_item.added [1] message in_progress",
            "321 content_part.added [1]",
            "322 output_text.delta [1] ```json\n{\"name\": \"Legs\",}\n```",
            "384 output_text.done [1] {\"name\":\"Legs\"}",
            "385 content_part.done [1]",
            "386 output_item.done [1] message completed final_answer ({\"name\":\"Legs\"})",
            "448 completed completed",
        ],
    );
    assert_eq!(
        output(&response),
        ["message completed final_answer ({\"name\":\"Legs\"})"]
    );
    assert_eq!(response["text"]["format"]["type"], "json_schema");
}

#[test]
fn a_response_says_what_went_wrong() {
    let failed = RunFinished {
        status: Status::Failed,
        reason: Reason::Error,
        finish_reason: None,
        error: Some(ErrorInfo::new("vendor", "it broke")),
        usage: Usage::default(),
        output: None,
    };
    let response = check(
        about,
        &[created(), failed.into()],
        1,
        &["0 created queued", "1 queued queued", "64 failed failed"],
    );
    assert_eq!(
        response["error"],
        json!({"code": "vendor", "message": "it broke"})
    );
}

#[test]
fn what_a_request_said_is_in_its_responses() {
    let body: CreateResponse = serde_json::from_value(json!({
        "model": "openai/gpt-5", "input": "x", "background": true, "store": false, "previous_response_id": "resp_1",
        "reasoning": {"effort": "low"}, "text": {"format": {"type": "json_schema", "name": "plan", "schema": {}}},
        "tool_choice": "none", "truncation": "auto",
    }))
    .unwrap();
    let Stored::RunCreated(mut asked) = created() else {
        panic!()
    };
    asked
        .client
        .insert(FACE.into(), serde_json::to_value(body.echo()).unwrap());
    let events = stream(structured, &[asked.into(), finished(0, 0)], 1, None);
    let response = &events[0]["response"];
    assert_eq!(response["model"], "openai/gpt-5");
    assert_eq!(response["background"], true);
    assert_eq!(response["store"], false);
    assert_eq!(response["previous_response_id"], "resp_1");
    assert_eq!(response["reasoning"], json!({"effort": "low"}));
    assert_eq!(response["text"]["format"]["name"], "plan");
    assert_eq!(response["tool_choice"], "none");
    assert_eq!(response["truncation"], "auto");
}

#[test]
fn a_response_in_the_middle_shows_what_is_open() {
    let log = [
        created(),
        attempt(),
        started(1),
        text(1, 0, "Hal"),
        call(1, "search", None),
        running(1),
    ];
    let mut whole = Translation::whole(about(), Seq(1));
    envelopes(&log).for_each(|envelope| whole.take(envelope));
    let response = whole.response();
    assert_eq!(response["status"], "in_progress");
    assert_eq!(response["usage"], Value::Null);
    assert_eq!(
        output(&response),
        ["message in_progress (Hal)", "mcp_call in_progress search "]
    );
}

#[test]
fn a_large_output_is_not_kept_along() {
    let words = "x".repeat(crate::OPENAI_KEPT_BYTES);
    let mut log = vec![created()];
    for n in 1..=2 {
        log.extend([
            started(n),
            text(n, 0, &words),
            completed(n, vec![Part::text(&words)]),
        ]);
    }
    log.push(finished(0, 0));
    let mut translation = Translation::new(about(), Seq(1), None);
    for envelope in envelopes(&log) {
        translation.take(envelope);
        translation.drain().for_each(drop);
    }
    assert_eq!(translation.end(), Some(None));
    let mut replay = Translation::replay(about(), Seq(1), None);
    envelopes(&log).for_each(|envelope| replay.take(envelope));
    assert!(replay.end().unwrap().is_some(), "a replay has room for it");
    let mut whole = Translation::whole(about(), Seq(1));
    envelopes(&log).for_each(|envelope| whole.take(envelope));
    let Some(Numbered {
        sequence_number,
        event: Event::Lifecycle(_, response),
    }) = whole.last()
    else {
        panic!()
    };
    assert_eq!(sequence_number, 7 * NUMBERS_PER_EVENT);
    assert_eq!(response["output"].as_array().unwrap().len(), 2);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the examples are files")]
fn every_stored_event_type_has_numbers_for_what_becomes_of_it() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../run/golden");
    let example = |kind: &&str| -> Stored {
        let bytes = std::fs::read(format!("{golden}/{kind}.json")).unwrap();
        serde_json::from_slice::<Envelope>(&bytes).unwrap().event
    };
    let log: Vec<Stored> = TYPES
        .iter()
        .filter(|kind| !matches!(**kind, "run.finished" | "run.waiting"))
        .map(example)
        .chain([example(&"run.finished")])
        .collect();
    let events = stream(with_tools, &log, 1, None);
    accumulated(&events);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    // A message of many parts and a run that ends with many open things stay within their numbers.
    let parts = (0..200).map(|n| {
        if n % 2 == 0 {
            Part::reasoning(format!("r{n}"))
        } else {
            Part::text(format!("t{n}"))
        }
    });
    let mut log = vec![created(), completed(1, parts.collect())];
    for n in 2..=65 {
        log.extend([started(n), text(n, 0, "open")]);
    }
    for n in 1..=100 {
        log.extend([call(n, "search", None), running(n)]);
    }
    log.push(finished(0, 0));
    let events = stream(about, &log, 1, None);
    accumulated(&events);
    let n_items = events.last().unwrap()["response"]["output"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(n_items, 2 + 64 + 100);
}

#[test]
fn the_input_of_a_response_is_what_it_was_given() {
    let input = |n: u32| InputReceived {
        input: run::InputId::nth(n),
        mode: InputMode::Steer,
        parts: vec![Part::text("hurry")],
        by: By("client".into()),
    };
    let log = [
        created(),
        input(1).into(),
        call(1, "weather", None),
        called(1, json!({})),
        at_client(1),
        waits(1, WaitMode::Parked),
        parked(),
        from_client(1, "sunny"),
        input(2).into(),
        finished(0, 0),
    ];
    let page = |first: u64, order: Order, after: Option<&str>, limit: usize| {
        let mut items = InputItems::new(run(), Seq(first));
        envelopes(&log).for_each(|envelope| items.take(&envelope));
        items.page(order, after, limit)
    };
    let all = page(1, Order::Ascending, None, 10).unwrap();
    assert_eq!(all.data.len(), 2);
    assert_eq!(
        all.data[0]["content"][0],
        json!({"type": "input_text", "text": "Hi"})
    );
    assert_eq!(all.data[1]["content"][0]["text"], "hurry");
    assert!(!all.has_more);
    let second = page(7, Order::Ascending, None, 10).unwrap();
    assert_eq!(second.data.len(), 2);
    assert_eq!(second.data[0]["type"], "function_call_output");
    assert_eq!(second.data[0]["output"], "sunny");

    let newest = page(1, Order::Descending, None, 1).unwrap();
    assert_eq!((newest.data.len(), newest.has_more), (1, true));
    assert_eq!(newest.last_id, all.last_id);
    let older = page(1, Order::Descending, newest.last_id.as_deref(), 1).unwrap();
    assert_eq!((older.last_id, older.has_more), (all.first_id, false));
    assert_eq!(page(1, Order::Descending, Some("x"), 1), None);
}
