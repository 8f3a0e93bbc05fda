//! Model calls over real sockets.

mod output;
mod past;
mod secret;

use std::time::Duration;

use provider::{Price, Prices, Vendor};
use run::{AgentSpec, DriverKind, Event, Input, OnLost, RunId, Status};
use worker::{Commands, Models, Vendors};

use crate::house::{Hired, House, drivers, eventually, outcome};
use crate::vendor::{Answer, Stub};

const KEY: &str = "sk-very-secret-key";

fn model() -> AgentSpec {
    let mut spec = AgentSpec::new(DriverKind::Model);
    spec.model = Some("stub/small".into());
    spec.system = Some("You are {{input | length}} long.".into());
    spec.prompt = Some("Say {{input}}".into());
    spec.backoff.first_ms = 10;
    spec.max_tries = 3;
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

/// Of the vendor's small model.
fn prices() -> Prices {
    let price = Price {
        input: 1.0,
        cached_input: None,
        output: 2.0,
    };
    Prices::new([("stub/small".to_owned(), price)].into())
}

fn hire(house: &mut House, stub: &Stub) -> Hired {
    let vendor = Vendor::openai(stub.url()).with_key(KEY);
    let models = Models::new(
        provider::Client::builder().build().unwrap(),
        Vendors::from([("stub".to_owned(), vendor)]),
    )
    .with_prices(prices());
    let settings = house.settings();
    house.hire_as(settings, drivers(models, Commands::default()))
}

/// Performs one run against a vendor that answers like this.
async fn check(
    answers: Vec<Answer>,
    expected: (Status, &str),
    code: &str,
    text: &str,
) -> (House, RunId, Stub) {
    check_as(model(), answers, expected, code, text).await
}

/// The same with an agent of one's own.
async fn check_as(
    spec: AgentSpec,
    answers: Vec<Answer>,
    expected: (Status, &str),
    code: &str,
    text: &str,
) -> (House, RunId, Stub) {
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let run = house.start_on("t", spec, Input::text("abc")).await;
    let worker = hire(&mut house, &stub);
    let (control, said) = house.text_at_end(run).await;
    let run::State::Final(ended) = &control.state else {
        panic!()
    };
    let error = ended.error.as_ref();
    let found = error.map_or("", |error| &error.code);
    assert_eq!((outcome(&control), found), (expected, code), "{error:?}");
    assert_eq!(said, text);
    assert!(control.is_closed());
    for envelope in house.events(run).await {
        let printed = serde_json::to_string(&envelope).unwrap();
        assert!(!printed.contains(KEY), "{printed}");
    }
    worker.leave().await;
    (house, run, stub)
}

#[tokio::test]
async fn an_answer_streams_into_the_log() {
    let answer = Answer::text(&["He", "llo"]);
    let expected = (Status::Succeeded, "completed");
    let (house, run, stub) = check(vec![answer], expected, "", "Hello").await;
    let kinds = house.kinds(run).await;
    let kinds: Vec<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|k| *k != "text.delta")
        .collect();
    assert_eq!(
        kinds,
        [
            "run.created",
            "attempt.started",
            "prompt.rendered",
            "turn.started",
            "step.started",
            "message.started",
            "message.completed",
            "step.finished",
            "turn.completed",
            "run.finished",
        ]
    );
    let control = house.control(run).await;
    assert_eq!(
        (control.usage.input_tokens, control.usage.output_tokens),
        (7, 3)
    );
    assert_eq!(control.usage.cost_usd, Some(7e-6 + 6e-6));
    assert_eq!(control.summary.as_deref(), Some("Hello"));
    let run::State::Final(ended) = &control.state else {
        panic!()
    };
    assert_eq!(ended.finish_reason.as_deref(), Some("stop"));
    let request = stub.requests().remove(0);
    assert_eq!(request["model"], "small");
    assert_eq!(request["messages"][0]["content"], "You are 3 long.");
    assert_eq!(request["messages"][1]["content"], "Say abc");
}

#[tokio::test]
async fn a_failed_try_is_forgotten_before_the_next_one_speaks() {
    let answers = vec![
        Answer::status(503, &[], "overloaded"),
        Answer::cut(&["half a"]),
        Answer::text(&["whole"]),
    ];
    let expected = (Status::Succeeded, "completed");
    let (house, run, _) = check(answers, expected, "", "whole").await;
    let events = house.events(run).await;
    let of_interest: Vec<&str> = events
        .iter()
        .map(|e| e.event.kind())
        .filter(|kind| kind.starts_with("message.") || *kind == "retry.scheduled")
        .collect();
    assert_eq!(
        of_interest,
        [
            "retry.scheduled",
            "message.started",
            "message.discarded",
            "retry.scheduled",
            "message.started",
            "message.completed",
        ]
    );
    assert_eq!(house.control(run).await.discarded.len(), 1);
    assert_eq!(house.control(run).await.n_steps, 1);
}

#[tokio::test]
async fn the_vendors_own_pause_is_kept() {
    let answers = vec![
        Answer::status(429, &[("retry-after-ms", "300")], "slow down"),
        Answer::text(&["ok"]),
    ];
    let expected = (Status::Succeeded, "completed");
    let (house, run, _) = check(answers, expected, "", "ok").await;
    let events = house.events(run).await;
    let delay = events.iter().find_map(|e| match &e.event {
        Event::RetryScheduled(retry) => Some(retry.delay_ms),
        _ => None,
    });
    assert_eq!(delay, Some(300));
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let answers = vec![Answer::status(500, &[], "no"); 3];
    let expected = (Status::Failed, "error");
    let (house, run, stub) = check(answers, expected, "vendor_failed", "").await;
    assert_eq!(stub.requests().len(), 3);
    let control = house.control(run).await;
    let run::State::Final(ended) = &control.state else {
        panic!()
    };
    assert!(ended.error.as_ref().unwrap().message.contains("no"));
}

#[tokio::test]
async fn what_would_fail_again_is_not_tried_again() {
    let said = format!("bad key {KEY}");
    for (status, code) in [(400, "vendor_rejected"), (401, "vendor_unauthorized")] {
        let answers = vec![Answer::status(status, &[], &said)];
        let (_, _, stub) = check(answers, (Status::Failed, "rejected"), code, "").await;
        assert_eq!(stub.requests().len(), 1);
    }
    let empty = vec![Answer::text(&[])];
    check(empty, (Status::Failed, "empty_output"), "empty_output", "").await;
}

#[tokio::test]
async fn an_unknown_vendor_is_named() {
    let stub = Stub::start(vec![]).await;
    let mut house = House::new().await;
    let mut spec = model();
    spec.model = Some("other/small".into());
    let run = house.start(spec).await;
    let worker = hire(&mut house, &stub);
    let (control, _) = house.text_at_end(run).await;
    let run::State::Final(ended) = &control.state else {
        panic!()
    };
    let error = ended.error.as_ref().unwrap();
    assert_eq!(error.code, "vendor_unknown");
    assert!(error.message.contains("other") && error.message.contains("stub"));
    worker.leave().await;
}

#[tokio::test]
async fn a_stop_closes_the_connection_to_the_vendor() {
    let stub = Stub::start(vec![Answer::hanging(&["so far"])]).await;
    let mut house = House::new().await;
    let run = house.start(model()).await;
    let worker = hire(&mut house, &stub);
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    assert_eq!(stub.n_open(), 1);
    house.stop(run).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    assert_eq!(text, "so far");
    eventually("the vendor sees the end", || stub.n_open() == 0).await;
    worker.leave().await;
}

#[tokio::test]
async fn after_a_crash_the_call_is_made_again_and_its_half_is_forgotten() {
    let stub = Stub::start(vec![Answer::hanging(&["half a"]), Answer::text(&["whole"])]).await;
    let mut house = House::new().await;
    let spec = model();
    assert_eq!(spec.policy().on_lost, OnLost::Retry);
    let run = house.start(spec).await;
    let first = hire(&mut house, &stub);
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    first.kill().await;
    let second = hire(&mut house, &stub);
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((&*text, control.attempt, control.n_turns), ("whole", 2, 1));
    second.leave().await;
}

#[tokio::test]
async fn a_call_gets_the_drain_to_come_to_its_end() {
    let stub = Stub::start(vec![Answer::slow(
        &["a", "b", "c"],
        Duration::from_millis(50),
    )])
    .await;
    let mut house = House::new().await;
    let run = house.start(model()).await;
    let mut settings = house.settings();
    settings.drain = Duration::from_secs(30);
    let vendor = Vendor::openai(stub.url());
    let models = Models::new(
        provider::Client::builder().build().unwrap(),
        Vendors::from([("stub".to_owned(), vendor)]),
    );
    let worker = house.hire_as(settings, models);
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    worker.leave().await;
    let control = house.control(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(house.text(run).await, "abc");
}
