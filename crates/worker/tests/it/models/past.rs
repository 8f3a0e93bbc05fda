//! What a model is told of its thread.

use run::event::ContextCompacted;
use run::{Event, History, OverBudget, RunId, Status};
use serde_json::{Value, json};

use super::*;

fn plain() -> AgentSpec {
    AgentSpec {
        system: Some("Be.".into()),
        prompt: None,
        ..model()
    }
}

/// An agent with so many tokens of history.
fn with_history(tokens: u32, over: OverBudget) -> AgentSpec {
    AgentSpec {
        history: History { tokens, over },
        ..plain()
    }
}

/// Runs on one thread, one after another, each with its agent and input.
async fn converse(
    house: &mut House,
    stub: &Stub,
    asked: impl IntoIterator<Item = (AgentSpec, Input)>,
) -> Vec<RunId> {
    let worker = hire(house, stub);
    let mut runs = Vec::new();
    for (spec, input) in asked {
        let run = house.start_on("t", spec, input).await;
        house.until(run, "final", run::Run::is_final).await;
        runs.push(run);
    }
    worker.leave().await;
    runs
}

/// What a request tells, as `role: content`.
fn told(request: &Value) -> Vec<String> {
    let messages = request["messages"].as_array().unwrap().iter();
    let lines = messages.map(|message| {
        let role = message["role"].as_str().unwrap();
        format!("{role}: {}", message["content"].as_str().unwrap())
    });
    lines.collect()
}

async fn compacted(house: &House, run: RunId) -> Option<ContextCompacted> {
    let events = house.events(run).await;
    let mut found = events.into_iter().filter_map(|e| match e.event {
        Event::ContextCompacted(compacted) => Some(compacted),
        _ => None,
    });
    let first = found.next();
    assert!(found.next().is_none(), "it is said once");
    first
}

#[tokio::test]
async fn a_thread_goes_on_where_it_was() {
    let answers = ["one", "two", "three"].map(|text| Answer::text(&[text]));
    let stub = Stub::start(answers.into()).await;
    let mut house = House::new().await;
    let asked = ["a", "b", "c"].map(|text| (plain(), Input::text(text)));
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    let requests = stub.requests();
    assert_eq!(told(&requests[0]), ["system: Be.", "user: a"]);
    assert_eq!(
        told(&requests[2]),
        [
            "system: Be.",
            "user: a",
            "assistant: one",
            "user: b",
            "assistant: two",
            "user: c",
        ]
    );
    assert_eq!(compacted(&house, runs[2]).await, None);
}

#[tokio::test]
async fn a_message_that_was_taken_out_of_the_line_is_not_told() {
    let answers = ["one", "two"].map(|text| Answer::text(&[text]));
    let stub = Stub::start(answers.into()).await;
    let mut house = House::new().await;
    let mut runs = Vec::new();
    for text in ["a", "b", "c"] {
        runs.push(house.start_on("t", plain(), Input::text(text)).await);
    }
    house.stop(runs[1]).await;
    let worker = hire(&mut house, &stub);
    house.text_at_end(runs[2]).await;
    let [first, second] = &stub.requests()[..] else {
        panic!()
    };
    assert_eq!(told(first), ["system: Be.", "user: a"]);
    let all = ["system: Be.", "user: a", "assistant: one", "user: c"];
    assert_eq!(told(second), all);
    worker.leave().await;
}

#[tokio::test]
async fn a_run_that_failed_is_part_of_the_thread_too() {
    let answers = vec![
        Answer::text(&[]),
        Answer::status(400, &[], "no"),
        Answer::text(&["yes"]),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let asked = ["a", "b", "c"].map(|text| (plain(), Input::text(text)));
    converse(&mut house, &stub, asked).await;
    assert_eq!(
        told(&stub.requests()[2]),
        ["system: Be.", "user: a", "user: b", "user: c"]
    );
}

#[tokio::test]
async fn history_tells_the_prompt_that_was_rendered_then() {
    let answers = ["one", "two"].map(|text| Answer::text(&[text]));
    let stub = Stub::start(answers.into()).await;
    let mut house = House::new().await;
    let asked = [(model(), Input::text("a")), (plain(), Input::text("b"))];
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    assert_eq!(
        told(&stub.requests()[1]),
        ["system: Be.", "user: Say a", "assistant: one", "user: b"]
    );
    let prompt = house.snapshot(runs[0]).await.prompt.unwrap();
    assert_eq!(prompt.system.as_deref(), Some("You are 1 long."));
    assert_eq!(prompt.prompt.as_deref(), Some("Say a"));
}

#[tokio::test]
async fn a_brought_conversation_replaces_what_was_before_it() {
    let answers = ["one", "two", "three"].map(|text| Answer::text(&[text]));
    let stub = Stub::start(answers.into()).await;
    let mut house = House::new().await;
    let brought = json!({"parts": "b", "messages": [
        {"role": "user", "parts": "x"}, {"role": "assistant", "parts": "y"},
    ]});
    let asked = [
        (plain(), Input::text("a")),
        (plain(), serde_json::from_value(brought).unwrap()),
        (plain(), Input::text("c")),
    ];
    converse(&mut house, &stub, asked).await;
    let requests = stub.requests();
    let brought = ["system: Be.", "user: x", "assistant: y", "user: b"];
    assert_eq!(told(&requests[1]), brought);
    let after: Vec<&str> = brought
        .into_iter()
        .chain(["assistant: two", "user: c"])
        .collect();
    assert_eq!(told(&requests[2]), after);
}

#[tokio::test]
async fn over_the_budget_the_oldest_runs_are_dropped_and_it_is_said() {
    let long = |c: &str| c.repeat(400);
    let answers = ["1", "2", "3", "4"].map(|n| Answer::text(&[&long(n)]));
    let stub = Stub::start(answers.into()).await;
    let mut house = House::new().await;
    // Each run has about 220 tokens.
    let asked = ["a", "b", "c", "d"].map(|text| {
        let spec = with_history(500, OverBudget::Drop);
        (spec, Input::text(long(text)))
    });
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    let last = told(&stub.requests()[3]);
    assert_eq!(
        last[1..],
        [
            format!("user: {}", long("b")),
            format!("assistant: {}", long("2")),
            format!("user: {}", long("c")),
            format!("assistant: {}", long("3")),
            format!("user: {}", long("d")),
        ]
    );
    assert_eq!(compacted(&house, runs[2]).await, None);
    let said = compacted(&house, runs[3]).await.unwrap();
    assert!(said.before_tokens > 500 && said.after_tokens <= 500);
    assert_eq!((said.summary, said.through), (None, None));
}

#[tokio::test]
async fn without_a_budget_there_is_no_history() {
    let answers = ["one", "two"].map(|text| Answer::text(&[text]));
    let stub = Stub::start(answers.into()).await;
    let mut house = House::new().await;
    let asked = ["a", "b"].map(|text| {
        let spec = with_history(0, OverBudget::Drop);
        (spec, Input::text(text))
    });
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    assert_eq!(told(&stub.requests()[1]), ["system: Be.", "user: b"]);
    assert_eq!(compacted(&house, runs[1]).await, None);
}

#[tokio::test]
async fn a_summary_stands_for_what_is_older_until_it_is_over_budget_again() {
    let long = |c: &str| c.repeat(400);
    let answers = vec![
        Answer::text(&[&long("1")]),
        Answer::text(&[&long("2")]),
        Answer::text(&[&long("3")]),
        Answer::text(&["They said a and b."]),
        Answer::text(&["four"]),
        Answer::text(&["five"]),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let asked = ["a", "b", "c", "d", "e"].map(|text| {
        let spec = with_history(500, OverBudget::Summarise);
        let text = if text < "d" { long(text) } else { text.into() };
        (spec, Input::text(text))
    });
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    let requests = stub.requests();
    assert_eq!(requests.len(), 6, "one summary for five runs");
    let asked = told(&requests[3]);
    assert_eq!(asked.len(), 2);
    assert!(asked[0].starts_with("system: You are given the older part"));
    let transcript = [
        format!("user: User: {}", long("a")),
        format!("Assistant: {}", long("1")),
        format!("User: {}", long("b")),
        format!("Assistant: {}", long("2")),
    ];
    assert_eq!(asked[1], transcript.join("\n\n"));
    assert_eq!(requests[3]["max_tokens"], 125);
    let summary = "user: A summary of the conversation before this point:\n\nThey said a and b.";
    let mut expected = vec![
        "system: Be.".to_owned(),
        summary.to_owned(),
        format!("user: {}", long("c")),
        format!("assistant: {}", long("3")),
        "user: d".to_owned(),
    ];
    assert_eq!(told(&requests[4]), expected);
    expected.extend(["assistant: four".to_owned(), "user: e".to_owned()]);
    assert_eq!(told(&requests[5]), expected);

    let said = compacted(&house, runs[3]).await.unwrap();
    assert_eq!(said.summary.as_deref(), Some("They said a and b."));
    assert_eq!(said.through, Some(runs[1]));
    assert!(said.after_tokens < 300 && said.before_tokens > 600);
    assert_eq!(compacted(&house, runs[4]).await, None);
    // Its usage counts, as a step of its own.
    let control = house.control(runs[3]).await;
    assert_eq!((control.n_steps, control.usage.input_tokens), (2, 14));
    let cost = control.usage.cost_usd.unwrap();
    assert!((cost - 2.0 * 13e-6).abs() < 1e-9, "{cost}");
    let kinds = house.kinds(runs[3]).await;
    let steps: Vec<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|kind| {
            kind.starts_with("step.") || kind.starts_with("turn.") || kind.starts_with("context.")
        })
        .collect();
    assert_eq!(
        steps,
        [
            "turn.started",
            "step.started",
            "step.finished",
            "context.compacted",
            "step.started",
            "step.finished",
            "turn.completed",
        ]
    );
}

#[tokio::test]
async fn a_summary_that_fails_is_replaced_by_dropping() {
    let long = |c: &str| c.repeat(400);
    let answers = vec![
        Answer::text(&[&long("1")]),
        Answer::text(&[&long("2")]),
        Answer::text(&[&long("3")]),
        Answer::status(500, &[], "no summaries today"),
        Answer::text(&["four"]),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let asked = ["a", "b", "c", "d"].map(|text| {
        let spec = with_history(500, OverBudget::Summarise);
        (spec, Input::text(long(text)))
    });
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    assert_eq!(told(&stub.requests()[4]).len(), 6);
    let control = house.control(runs[3]).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(control.n_steps, 2);
    let notices = house.snapshot(runs[3]).await.notices;
    assert_eq!(notices[0].code, "summary_failed");
    assert!(notices[0].text.contains("no summaries today"));
    assert_eq!(compacted(&house, runs[3]).await.unwrap().summary, None);
}

#[tokio::test]
async fn after_a_crash_prompt_and_summary_are_as_they_were() {
    let long = |c: &str| c.repeat(400);
    let answers = vec![
        Answer::text(&[&long("1")]),
        Answer::text(&[&long("2")]),
        Answer::text(&[&long("3")]),
        Answer::text(&["In short."]),
        Answer::hanging(&["half a"]),
        Answer::text(&["whole"]),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let spec = || AgentSpec {
        prompt: Some("{{input}}".into()),
        ..with_history(500, OverBudget::Summarise)
    };
    let asked = ["a", "b", "c"].map(|text| (spec(), Input::text(long(text))));
    converse(&mut house, &stub, asked).await;
    let run = house.start_on("t", spec(), Input::text("d")).await;
    let first = hire(&mut house, &stub);
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    first.kill().await;
    let second = hire(&mut house, &stub);
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((&*text, control.attempt), ("whole", 2));
    let requests = stub.requests();
    assert_eq!(requests.len(), 6, "the summary is not made again");
    assert_eq!(told(&requests[4]), told(&requests[5]));
    compacted(&house, run).await.unwrap();
    let kinds = house.kinds(run).await;
    let n_prompts = kinds.iter().filter(|kind| *kind == "prompt.rendered");
    assert_eq!(n_prompts.count(), 1);
    second.leave().await;
}

#[tokio::test]
async fn a_prompt_that_is_too_large_ends_the_run_and_says_so() {
    let stub = Stub::start(vec![]).await;
    let mut house = House::new().await;
    let spec = AgentSpec {
        prompt: Some("{{input}}{{input}}".into()),
        ..model()
    };
    let text = "x".repeat(run::MAX_PROMPT_BYTES * 2 / 3);
    let asked = [(spec, Input::text(text))];
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    let control = house.control(runs[0]).await;
    let run::State::Final(ended) = &control.state else {
        panic!()
    };
    assert_eq!(ended.error.as_ref().unwrap().code, "prompt_too_large");
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn a_slow_summary_is_no_silence() {
    let long = |c: &str| c.repeat(400);
    let words = ["a", "b", "c", "d", "e", "f"];
    let answers = vec![
        Answer::text(&[&long("1")]),
        Answer::text(&[&long("2")]),
        Answer::text(&[&long("3")]),
        Answer::slow(&words, Duration::from_millis(100)),
        Answer::text(&["four"]),
    ];
    let stub = Stub::start(answers).await;
    let mut house = House::new().await;
    let asked = ["a", "b", "c", "d"].map(|text| {
        let spec = AgentSpec {
            silence_ms: 300,
            ..with_history(500, OverBudget::Summarise)
        };
        (spec, Input::text(long(text)))
    });
    let runs = Box::pin(converse(&mut house, &stub, asked)).await;
    let control = house.control(runs[3]).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    let said = compacted(&house, runs[3]).await.unwrap();
    assert_eq!(said.summary.as_deref(), Some("abcdef"));
}
