//! Commands as real processes.

use std::time::Duration;

use agent::Mark;
use run::event::{OutputStream, ToolStatus};
use run::{AgentSpec, DriverKind, Event, Input, RunId, Status};
use serde_json::json;
use worker::{Commands, Models, Vendors};

use crate::house::{Hired, House, drivers, eventually, outcome};

fn command(words: &[&str]) -> AgentSpec {
    let mut spec = AgentSpec::new(DriverKind::Command);
    spec.command = words.iter().map(|word| (*word).to_owned()).collect();
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

fn hire(house: &mut House) -> Hired {
    let commands = Commands {
        url: Some("http://127.0.0.1:1".into()),
        environment: vec![
            ("GIVEN".into(), "by name".into()),
            ("SECRET".into(), "not by name".into()),
        ],
    };
    let models = Models::new(reqwest::Client::new(), Vendors::new());
    let settings = house.settings();
    house.hire_as(settings, drivers(models, commands))
}

/// What a command printed, by stream.
async fn printed(house: &House, run: RunId, of: OutputStream) -> String {
    let snapshot = house.snapshot(run).await;
    let outputs = snapshot.activities.iter().flat_map(|a| &a.output);
    let of = outputs.filter(|o| o.stream == of);
    of.map(|o| o.text.as_str()).collect()
}

fn alive(house: &House, run: RunId) -> usize {
    let mark = Mark::new(house.store.instance()).unwrap();
    agent::alive(&mark.run(&run.to_string()).unwrap()).len()
}

#[tokio::test]
async fn a_command_gets_its_input_and_a_clean_environment() {
    let mut house = House::new().await;
    let script = r#"printf '%s|' "$1" "$GIVEN" "$SECRET" "$OUTLIVE_URL" "$OUTLIVE_RUN_ID" "$CARGO_MANIFEST_DIR"; printf oops >&2"#;
    let mut spec = command(&["sh", "-c", script, "sh", "{{input}} {{name}}"]);
    spec.env = vec!["GIVEN".into(), "MISSING".into()];
    let input: Input =
        serde_json::from_value(json!({"parts": "grüße $(x)", "variables": {"name": "Ada"}}))
            .unwrap();
    let run = house.start_on("t", spec, input).await;
    let worker = hire(&mut house);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    let expected = format!("grüße $(x) Ada|by name||http://127.0.0.1:1|{run}||");
    assert_eq!(printed(&house, run, OutputStream::Stdout).await, expected);
    assert_eq!(printed(&house, run, OutputStream::Stderr).await, "oops");
    let record = house.record(run).await;
    assert_eq!(record.output, Some(json!({"exit_code": 0})));
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.notices[0].code, "env_missing");
    let activity = &snapshot.activities[0];
    assert_eq!(activity.result, json!({"exit_code": 0, "signal": null}));
    worker.leave().await;
}

#[tokio::test]
async fn how_a_command_failed_is_said() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    for (words, code, says) in [
        (
            &["sh", "-c", "exit 3"][..],
            "exit_code",
            "ended with code 3",
        ),
        (&["sh", "-c", "kill -9 $$"], "signal", "signal 9"),
        (&["no-such-program-here"], "spawn", "no-such-program-here"),
        (&["echo", "{{nam}}"], "template", "nam is not defined"),
    ] {
        let run = house.start(command(words)).await;
        let (control, _) = house.text_at_end(run).await;
        assert_eq!(outcome(&control), (Status::Failed, "error"), "{words:?}");
        let run::State::Final(outcome) = &control.state else {
            panic!()
        };
        let error = outcome.error.as_ref().unwrap();
        assert_eq!(error.code, code);
        assert!(error.message.contains(says), "{}", error.message);
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_stop_ends_the_whole_tree() {
    let mut house = House::new().await;
    // A tool in a session of its own, without a parent, deaf to SIGTERM.
    let script = "trap '' TERM; (setsid sh -c 'trap \"\" TERM; sleep 600' &) ; echo up; sleep 600";
    let mut spec = command(&["sh", "-c", script]);
    spec.stop_timeout_ms = 2_000;
    let run = house.start(spec).await;
    let worker = hire(&mut house);
    house
        .until_event(run, "output", |e| matches!(e, Event::ToolOutput(_)))
        .await;
    eventually("the tree is up", || alive(&house, run) >= 3).await;
    house.stop(run).await;
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    // Not eventually: when the run has ended, nothing of it is alive.
    assert_eq!(alive(&house, run), 0);
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.activities[0].status, Some(ToolStatus::Interrupted));
    worker.leave().await;
}

#[tokio::test]
async fn a_command_whose_worker_dies_is_interrupted_and_leaves_nothing() {
    let mut house = House::new().await;
    let run = house
        .start(command(&[
            "sh",
            "-c",
            "echo up; setsid sleep 600 & sleep 600",
        ]))
        .await;
    let first = hire(&mut house);
    house
        .until_event(run, "output", |e| matches!(e, Event::ToolOutput(_)))
        .await;
    first.kill().await;
    let second = hire(&mut house);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "interrupted"));
    eventually("everything is swept", || alive(&house, run) == 0).await;
    second.leave().await;
}

#[tokio::test]
async fn a_command_that_outlasts_the_drain_is_interrupted() {
    let mut house = House::new().await;
    let run = house
        .start(command(&["sh", "-c", "echo up; sleep 600"]))
        .await;
    let worker = hire(&mut house);
    house
        .until_event(run, "output", |e| matches!(e, Event::ToolOutput(_)))
        .await;
    assert!(worker.leave().await < Duration::from_secs(8));
    let control = house.control(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "interrupted"));
    assert_eq!(alive(&house, run), 0);
}

#[tokio::test]
async fn long_output_keeps_its_beginning_and_its_end() {
    let mut house = House::new().await;
    let script =
        "echo first; yes 'a line that is repeated very often' | head -c 12000000; echo; echo last";
    let run = house.start(command(&["sh", "-c", script])).await;
    let worker = hire(&mut house);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    let mut n_bytes = 0;
    let mut text = String::new();
    let mut notices = Vec::new();
    for envelope in house.events(run).await {
        match envelope.event {
            Event::ToolOutput(output) => {
                n_bytes += output.text.len();
                text.push_str(&output.text);
            }
            Event::Notice(notice) => notices.push(notice.code),
            _ => {}
        }
    }
    assert!((8 << 20..9 << 20).contains(&n_bytes), "{n_bytes}");
    assert!(text.starts_with("first\n") && text.ends_with("\nlast\n"));
    assert_eq!(notices, ["output_cut", "output_left_out"]);
    worker.leave().await;
}
