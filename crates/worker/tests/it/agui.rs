//! The `agui` driver against an agent on a real socket that answers as it is told.

use std::collections::BTreeMap;
use std::ffi::OsString;

use run::event::{Decision, ToolStatus};
use run::{
    AgentSpec, Answer as Given, ClientTool, Command, DriverKind, Event, Input, MessageId, OnLost,
    Part, RequestId, Run, RunId, State, Status, WaitMode,
};
use serde_json::{Value, json};
use worker::{AguiAgents, Commands, Drivers, Models, Vendors};

use crate::house::{Hired, House, by, drivers, eventually, outcome};
use crate::vendor::{Answer, Stub};

fn agent(stub: &Stub) -> AgentSpec {
    let mut spec = AgentSpec::new(DriverKind::Agui);
    spec.url = Some(stub.url());
    spec.backoff = serde_json::from_value(json!({"first_ms": 1, "max_ms": 5})).unwrap();
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

/// A worker whose configuration names this agent.
fn hire(house: &mut House, spec: &AgentSpec) -> Hired {
    let agents = BTreeMap::from([("agent".to_owned(), spec.clone())]);
    let key = (OsString::from("AGENT_KEY"), OsString::from("Bearer k-1"));
    let models = Models::new(provider::Client::builder().build().unwrap(), Vendors::new());
    let drivers = Drivers {
        agui: AguiAgents::new(&agents, &[], vec![key]).unwrap(),
        ..drivers(models, Commands::default())
    };
    let settings = house.settings();
    house.hire_as(settings, drivers)
}

fn started() -> Value {
    json!({"type": "RUN_STARTED", "threadId": "t", "runId": "r"})
}

fn finished() -> Value {
    json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "usage": [{"inputTokens": 5, "outputTokens": 2}]})
}

/// A message in two pieces.
fn says(id: &str, text: &str) -> Vec<Value> {
    let (one, two) = text.split_at(text.len() / 2);
    let mut events = begins(id, one);
    events.push(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": two}));
    events.push(json!({"type": "TEXT_MESSAGE_END", "messageId": id}));
    events
}

fn begins(id: &str, text: &str) -> Vec<Value> {
    vec![
        json!({"type": "TEXT_MESSAGE_START", "messageId": id, "role": "assistant"}),
        json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": text}),
    ]
}

fn calls(id: &str, name: &str, args: &Value) -> Vec<Value> {
    vec![
        json!({"type": "TOOL_CALL_START", "toolCallId": id, "toolCallName": name, "parentMessageId": "a"}),
        json!({"type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": args.to_string()}),
        json!({"type": "TOOL_CALL_END", "toolCallId": id}),
    ]
}

fn whole(events: &[Vec<Value>]) -> Vec<Value> {
    let mut all = vec![started()];
    all.extend(events.concat());
    all.push(finished());
    all
}

/// Roles and texts of the messages of a request.
fn told(request: &Value) -> Vec<String> {
    let messages = request["messages"].as_array().unwrap().iter();
    messages
        .map(|message| {
            let calls = message["toolCalls"].as_array().into_iter().flatten();
            let calls = calls.map(|call| call["function"]["name"].as_str().unwrap());
            let text = message["content"].as_str().unwrap_or_default();
            let words: Vec<&str> = std::iter::once(text).chain(calls).collect();
            format!("{}: {}", message["role"].as_str().unwrap(), words.join(" "))
        })
        .collect()
}

/// Runs an agent that answers like this, and checks how the run ends.
async fn check(
    answers: Vec<Answer>,
    of: impl Fn(AgentSpec) -> AgentSpec,
    expected: (Status, &'static str),
    code: Option<&'static str>,
) -> (House, RunId, Stub) {
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let spec = of(agent(&stub));
    let run = house.start(spec.clone()).await;
    let worker = hire(&mut house, &spec);
    let control = house.until(run, "final", Run::is_final).await;
    let State::Final(end) = &control.state else {
        unreachable!()
    };
    assert_eq!(outcome(&control), expected, "{end:?}");
    let found = end.error.as_ref().map(|error| &*error.code);
    assert_eq!(found, code, "{end:?}");
    assert!(control.is_closed());
    worker.leave().await;
    (house, run, stub)
}

const SUCCEEDED: (Status, &str) = (Status::Succeeded, "completed");

#[tokio::test]
async fn an_agent_elsewhere_is_a_run() {
    let mut result = finished();
    result["result"] = json!({"ok": true});
    let events = [
        vec![started()],
        says("a", "I look"),
        calls("c", "look", &json!({"x": 1})),
        vec![
            json!({"type": "TOOL_CALL_RESULT", "messageId": "r", "toolCallId": "c", "content": "found"}),
            json!({"type": "STATE_SNAPSHOT", "snapshot": {"n": 1}}),
            json!({"type": "STATE_DELTA", "delta": [{"op": "replace", "path": "/n", "value": 2}]}),
        ],
        says("b", "Found it"),
        vec![result],
    ];
    let of = |mut spec: AgentSpec| {
        spec.headers_env = BTreeMap::from([("authorization".to_owned(), "AGENT_KEY".to_owned())]);
        spec.forwarded_props = json!({"mode": "safe"}).as_object().unwrap().clone();
        spec
    };
    let answers = vec![Answer::events(&events.concat())];
    let (house, run, stub) = check(answers, of, SUCCEEDED, None).await;
    assert_eq!(house.text(run).await, "I lookFound it");
    let record = house.record(run).await;
    assert_eq!(record.output, Some(json!({"ok": true})));
    let usage = record.control.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens), (5, 2));
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.state, json!({"n": 2}));
    assert_eq!(snapshot.activities[0].result, json!("found"));
    assert_eq!(
        snapshot.activities[0].message.as_ref().unwrap().as_str(),
        "a"
    );
    assert_eq!(stub.keys(), [Some("Bearer k-1".to_owned())]);
    assert_eq!(
        stub.requests(),
        [json!({
            "threadId": "thread", "runId": format!("{run}-1"), "protocolVersion": "1.0", "state": {},
            "messages": [{"id": run.to_string(), "role": "user", "content": "go"}],
            "tools": [], "context": [], "forwardedProps": {"mode": "safe"},
        })]
    );
}

#[tokio::test]
async fn a_connection_that_breaks_is_asked_for_again_under_the_same_name() {
    let first = [vec![started()], says("a", "One. "), begins("b", "Half")].concat();
    let second = whole(&[says("a", "One. "), says("b", "Two.")]);
    let answers = vec![Answer::events_cut(&first), Answer::events(&second)];
    let (house, run, stub) = check(answers, |spec| spec, SUCCEEDED, None).await;
    // What was whole is not said again, and of what was half nothing is left.
    assert_eq!(house.text(run).await, "One. Two.");
    let discarded = &house.control(run).await.discarded;
    assert_eq!(
        discarded.iter().map(MessageId::as_str).collect::<Vec<_>>(),
        ["b"]
    );
    let requests = stub.requests();
    assert_eq!(requests[0]["runId"], requests[1]["runId"]);
    assert_eq!(told(&requests[1]), ["user: go", "assistant: One. "]);
}

#[tokio::test]
async fn an_end_without_its_mark_is_a_lost_connection() {
    let open = [vec![started()], says("a", "One")].concat();
    let endings = vec![
        Answer::events(&open),
        Answer::events(&open),
        Answer::events(&open),
    ];
    let of = |mut spec: AgentSpec| {
        spec.max_lost_attempts = 2;
        spec
    };
    let (house, run, _) = check(endings, of, (Status::Failed, "lost"), Some("lost")).await;
    // Said three times, it is there once.
    assert_eq!(house.text(run).await, "One");
}

#[tokio::test]
async fn what_follows_a_lost_connection_is_a_setting() {
    let half = [vec![started()], begins("a", "Half")].concat();
    let of = |on_lost| {
        move |mut spec: AgentSpec| {
            spec.on_lost = Some(on_lost);
            spec
        }
    };
    let aborted = (Status::Aborted, "interrupted");
    let answers = vec![Answer::events_cut(&half)];
    check(answers, of(OnLost::Abort), aborted, Some("interrupted")).await;
    let answers = vec![
        Answer::events_cut(&half),
        Answer::events(&whole(&[says("a", "All of it")])),
    ];
    let (house, run, stub) = check(answers, of(OnLost::Retry), SUCCEEDED, None).await;
    assert_eq!(house.text(run).await, "All of it");
    let names: Vec<Value> = stub
        .requests()
        .iter()
        .map(|it| it["runId"].clone())
        .collect();
    assert_eq!(
        names,
        [json!(format!("{run}-1")), json!(format!("{run}-1-2"))]
    );
}

#[tokio::test]
async fn a_worker_that_dies_is_followed_by_one_that_asks_again() {
    let first = [
        vec![started()],
        says("a", "One. "),
        calls("c", "look", &json!({})),
    ]
    .concat();
    let answers = vec![
        Answer::events_hanging(&first),
        Answer::events(&whole(&[says("b", "Two.")])),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let spec = agent(&stub);
    let run = house.start(spec.clone()).await;
    let worker = hire(&mut house, &spec);
    house
        .until_event(run, "call", |event| matches!(event, Event::ToolCalled(_)))
        .await;
    worker.kill().await;
    let worker = hire(&mut house, &spec);
    let (control, text) = house.text_at_end(run).await;
    assert_eq!((outcome(&control), &*text), (SUCCEEDED, "One. Two."));
    // Nobody knows what became of the call, and the agent is told so.
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.activities[0].status, Some(ToolStatus::Unknown));
    let again = told(&stub.requests()[1]);
    assert_eq!(again[..2], ["user: go", "assistant: One.  look"]);
    assert!(
        again[2].contains("whether it acted is unknown"),
        "{again:?}"
    );
    worker.leave().await;
}

#[tokio::test]
async fn an_interrupt_parks_the_run_and_its_answer_goes_with_the_next_run() {
    let approval = json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "outcome": {"type": "interrupt", "interrupts": [
        {"id": "int-c", "reason": "tool_call", "toolCallId": "c", "message": "Pay 5?"},
        {"id": "int-2", "reason": "input_required", "message": "Which card?", "responseSchema": {"type": "string"}},
    ]}});
    let first = [
        vec![started()],
        calls("c", "pay", &json!({"n": 5})),
        vec![approval],
    ]
    .concat();
    let result =
        json!({"type": "TOOL_CALL_RESULT", "messageId": "r", "toolCallId": "c", "content": "paid"});
    let cut = [vec![started()], begins("a", "Pay")].concat();
    let second = whole(&[vec![result], says("a", "Paid.")]);
    let answers = vec![
        Answer::events(&first),
        Answer::events_cut(&cut),
        Answer::events(&second),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let spec = agent(&stub);
    let run = house.start(spec.clone()).await;
    let worker = hire(&mut house, &spec);
    house.until(run, "parked", is_parked).await;
    // Nothing of it is alive meanwhile.
    worker.leave().await;
    eventually("a connection is left", || stub.n_open() == 0).await;
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.requests.len(), 2);
    house.decide(run, 1, Decision::Deny).await;
    house
        .command(
            run,
            Command::Answer {
                request: RequestId::nth(2),
                answer: Given::Answers(json!({"answer": "the blue one"})),
                by: by(),
            },
        )
        .await;
    let worker = hire(&mut house, &spec);
    let (control, text) = house.text_at_end(run).await;
    assert_eq!((outcome(&control), &*text), (SUCCEEDED, "Paid."));
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.activities[0].result, json!("paid"));
    let requests = stub.requests();
    assert_eq!(requests[0]["resume"], Value::Null);
    // The same answers under the same name when the connection breaks.
    for request in &requests[1..] {
        assert_eq!(request["runId"], format!("{run}-2"));
        assert_eq!(
            request["resume"],
            json!([
                {"interruptId": "int-c", "status": "resolved", "payload": {"approved": false}},
                {"interruptId": "int-2", "status": "resolved", "payload": "the blue one"},
            ])
        );
        // The call that waits has no result.
        assert_eq!(told(request), ["user: go", "assistant:  pay"]);
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_tool_of_the_client_parks_the_run_and_its_result_is_a_message() {
    let first = whole(&[
        calls("c", "pick", &json!({})),
        calls("d", "own", &json!({})),
    ]);
    let second = whole(&[says("a", "Red it is")]);
    let stub = Stub::start(vec![Answer::events(&first), Answer::events(&second)]).await;
    let mut house = House::new().await;
    let spec = agent(&stub);
    let tool = ClientTool {
        name: "pick".into(),
        description: "Picks".into(),
        parameters: json!({"type": "object"}),
    };
    let input = Input {
        tools: vec![tool],
        ..Input::text("go")
    };
    let run = house.start_on("thread", spec.clone(), input).await;
    let worker = hire(&mut house, &spec);
    house.until(run, "parked", is_parked).await;
    house
        .command(
            run,
            Command::Answer {
                request: RequestId::nth(1),
                answer: Given::Result(json!("red")),
                by: by(),
            },
        )
        .await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!((outcome(&control), &*text), (SUCCEEDED, "Red it is"));
    let requests = stub.requests();
    assert_eq!(requests[0]["tools"][0]["name"], "pick");
    assert_eq!(requests[1]["runId"], format!("{run}-2"));
    assert_eq!(
        told(&requests[1]),
        ["user: go", "assistant:  pick own", "tool: red"]
    );
    worker.leave().await;
}

fn is_parked(run: &Run) -> bool {
    matches!(
        run.state,
        State::Waiting {
            mode: WaitMode::Parked,
            ..
        }
    )
}

#[tokio::test]
async fn a_stop_closes_the_connection_and_tells_the_agent() {
    let half = [vec![started()], begins("a", "Half")].concat();
    let stub = Stub::thinking(move |request| {
        if request["messages"].is_null() {
            return Answer::status(200, &[], "stopped");
        }
        Answer::events_hanging(&half)
    })
    .await;
    let mut house = House::new().await;
    let mut spec = agent(&stub);
    spec.stop_url = Some(format!("{}/stop", stub.url()));
    let run = house.start(spec.clone()).await;
    let worker = hire(&mut house, &spec);
    house
        .until_event(run, "text", |event| matches!(event, Event::TextDelta(_)))
        .await;
    house.stop(run).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(
        (outcome(&control), &*text),
        ((Status::Aborted, "stopped"), "Half")
    );
    eventually("a connection is left", || stub.n_open() == 0).await;
    let stop = stub.requests().pop().unwrap();
    assert_eq!(
        stop,
        json!({"threadId": "thread", "runId": format!("{run}-1")})
    );
    worker.leave().await;
}

#[tokio::test]
async fn a_server_that_stops_does_not_stop_the_agents_run() {
    let half = [vec![started()], begins("a", "Half")].concat();
    let answers = vec![
        Answer::events_hanging(&half),
        Answer::events(&whole(&[says("a", "All of it")])),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let mut spec = agent(&stub);
    spec.stop_url = Some(format!("{}/stop", stub.url()));
    let run = house.start(spec.clone()).await;
    let worker = hire(&mut house, &spec);
    house
        .until_event(run, "text", |event| matches!(event, Event::TextDelta(_)))
        .await;
    worker.leave().await;
    let worker = hire(&mut house, &spec);
    let (control, text) = house.text_at_end(run).await;
    assert_eq!((outcome(&control), &*text), (SUCCEEDED, "All of it"));
    assert_eq!(stub.requests().len(), 2);
    worker.leave().await;
}

#[tokio::test]
async fn how_an_agent_fails_is_how_its_run_ends() {
    let error = json!({"type": "RUN_ERROR", "message": "no more money", "code": "budget"});
    let failed = (Status::Failed, "error");
    let rejected = (Status::Failed, "rejected");
    let same = |spec: AgentSpec| spec;
    let half = [vec![started()], begins("a", "Half"), vec![error]].concat();
    let (house, run, _) = check(vec![Answer::events(&half)], same, failed, Some("budget")).await;
    assert_eq!(house.text(run).await, "Half");
    let no = Answer::status(401, &[], "bad key");
    check(vec![no], same, rejected, Some("upstream_unauthorized")).await;
    let no = Answer::status(422, &[], "messages: odd");
    check(vec![no], same, rejected, Some("upstream_rejected")).await;
    let page = Answer::status(200, &[], "hello");
    let page = page.with_media_type("text/html");
    check(vec![page], same, rejected, Some("upstream_not_agui")).await;
    let garbage = Answer::bytes(&"data: {nope\n\n".repeat(200));
    check(vec![garbage], same, failed, Some("upstream_garbage")).await;
    let endless = Answer::bytes(&format!("data: {}", "x".repeat(9 * 1024 * 1024)));
    check(vec![endless], same, failed, Some("upstream_garbage")).await;
    let cancelled = json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "outcome": {"type": "cancelled"}});
    let answers = vec![Answer::events(&[started(), cancelled])];
    check(answers, same, (Status::Aborted, "stopped"), None).await;
}

#[tokio::test]
async fn an_agent_that_is_busy_is_asked_again() {
    let busy = Answer::status(503, &[("retry-after", "0")], "busy");
    let answers = vec![
        busy.clone(),
        busy.clone(),
        Answer::events(&whole(&[says("a", "Hi")])),
    ];
    let (house, run, _) = check(answers, |spec| spec, SUCCEEDED, None).await;
    let events = house.events(run).await;
    let scheduled = events
        .iter()
        .filter(|it| matches!(&it.event, Event::RetryScheduled(it) if it.why.contains("503")));
    assert_eq!(scheduled.count(), 2);
    let of = |mut spec: AgentSpec| {
        spec.max_tries = 2;
        spec
    };
    let failed = (Status::Failed, "error");
    check(
        vec![busy.clone(), busy],
        of,
        failed,
        Some("upstream_failed"),
    )
    .await;
    let of = |mut spec: AgentSpec| {
        spec.url = Some("http://127.0.0.1:9/".to_owned());
        spec.max_tries = 2;
        spec
    };
    check(Vec::new(), of, failed, Some("upstream_unreachable")).await;
}

#[tokio::test]
async fn an_address_that_the_configuration_does_not_name_is_refused() {
    let stub = Stub::start(Vec::new()).await;
    let mut house = House::new().await;
    let spec = agent(&stub);
    let run = house.start(spec).await;
    // The configuration has changed: it names another host now.
    let mut other = agent(&stub);
    other.url = Some("https://agents.example.com/".to_owned());
    let worker = hire(&mut house, &other);
    let control = house.until(run, "final", Run::is_final).await;
    assert_eq!(outcome(&control), (Status::Failed, "rejected"));
    let State::Final(outcome) = &control.state else {
        unreachable!()
    };
    assert_eq!(outcome.error.as_ref().unwrap().code, "address_refused");
    worker.leave().await;
}

#[tokio::test]
async fn a_header_without_its_variable_is_an_error_that_names_it() {
    let of = |mut spec: AgentSpec| {
        spec.headers_env = BTreeMap::from([("x-org".to_owned(), "ORG".to_owned())]);
        spec
    };
    let failed = (Status::Failed, "error");
    check(Vec::new(), of, failed, Some("upstream_header")).await;
}

#[tokio::test]
async fn state_and_messages_go_from_run_to_run() {
    let first = whole(&[
        says("a", "Hello"),
        vec![json!({"type": "STATE_SNAPSHOT", "snapshot": {"n": 1}})],
    ]);
    let answers = vec![
        Answer::events(&first),
        Answer::events(&whole(&[says("a", "Again")])),
        Answer::events(&whole(&[])),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let spec = agent(&stub);
    let worker = hire(&mut house, &spec);
    let mut last = None;
    for text in ["one", "two"] {
        let run = house
            .start_on("thread", spec.clone(), Input::text(text))
            .await;
        house.until(run, "final", Run::is_final).await;
        last = Some(run);
    }
    let requests = stub.requests();
    assert_eq!(
        told(&requests[1]),
        ["user: one", "assistant: Hello", "user: two"]
    );
    assert_eq!(requests[1]["state"], json!({"n": 1}));
    // An id that an earlier run has used is a new message in this one, unless the agent was told it.
    assert_eq!(house.text(last.unwrap()).await, "");
    let mut input = Input::text("three");
    input.messages = Some(Vec::new());
    input.parts = vec![Part::text("three")];
    input.variables = json!({"state": {"n": 9}}).as_object().unwrap().clone();
    let run = house.start_on("thread", spec.clone(), input).await;
    house.until(run, "final", Run::is_final).await;
    let third = stub.requests().pop().unwrap();
    assert_eq!(told(&third), ["user: three"]);
    assert_eq!(third["state"], json!({"n": 9}));
    worker.leave().await;
}

#[tokio::test]
async fn what_is_not_known_is_kept_where_it_is_asked_for() {
    let odd = json!({"type": "HOLOGRAM", "a": 1});
    let events = whole(&[vec![odd.clone()]]);
    let of = |mut spec: AgentSpec| {
        spec.raw = true;
        spec
    };
    let answers = vec![Answer::events(&events)];
    let (house, run, _) = check(answers, of, SUCCEEDED, None).await;
    let kept = house
        .events(run)
        .await
        .into_iter()
        .find_map(|it| match it.event {
            Event::Raw(raw) => Some(raw.payload),
            _ => None,
        });
    assert_eq!(kept, Some(odd));
    let answers = vec![Answer::events(&events)];
    let (house, run, _) = check(answers, |spec| spec, SUCCEEDED, None).await;
    assert!(!house.kinds(run).await.contains(&"raw".to_owned()));
}
