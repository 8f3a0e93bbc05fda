//! A worker that dies in the middle of a loop, and stops.

use std::path::Path;

use agent::Mark;
use run::event::ToolStatus;
use run::{AgentSpec, BuiltinTool, Command, Event, Input, Permission, RunId, Status, ToolRule};
use serde_json::{Value, json};
use store::Scope;

use super::{agent, hire, n_results, told};
use crate::house::{House, by, eventually, outcome};
use crate::vendor::{Answer, Stub};

/// A model that lets five lines be written, one after another.
async fn writer() -> Stub {
    Stub::thinking(|request| match n_results(request) {
        n @ 0..5 => {
            let command = format!("echo line {n} >> written");
            Answer::calls(&["Next. "], &[("shell", json!({ "command": command }))])
        }
        _ => Answer::text(&["All written."]),
    })
    .await
}

fn in_directory(directory: &Path) -> AgentSpec {
    let mut spec = agent(&[BuiltinTool::Shell]);
    spec.directory = Some(directory.display().to_string());
    spec.max_lost_attempts = 100;
    spec
}

/// Kills the worker as soon as the log has the `n`th event of a kind, and lets another one go on.
async fn check(kind: &'static str, n: usize) {
    let stub = writer().await;
    let mut house = House::new().await;
    let directory = tempfile::tempdir().unwrap();
    let run = house
        .start_on("t", in_directory(directory.path()), Input::text("go"))
        .await;
    let worker = hire(&mut house, &stub);
    let mut watch = house.store.watch(run).await.unwrap();
    while house
        .kinds(run)
        .await
        .iter()
        .filter(|found| *found == kind)
        .count()
        < n
    {
        watch.changed().await;
    }
    worker.kill().await;
    let worker = hire(&mut house, &stub);
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(
        outcome(&control),
        (Status::Succeeded, "completed"),
        "{kind} {n}"
    );
    assert_eq!(
        said, "Next. Next. Next. Next. Next. All written.",
        "{kind} {n}"
    );
    // Nothing was done twice. Where nobody knows whether it was done, the model was told so and it was not tried again.
    let written = std::fs::read_to_string(directory.path().join("written")).unwrap_or_default();
    let lines: Vec<&str> = written.lines().collect();
    let snapshot = house.snapshot(run).await;
    for (line, call) in snapshot
        .activities
        .iter()
        .filter(|call| call.status != Some(ToolStatus::Interrupted))
        .enumerate()
    {
        let line = format!("line {line}");
        let n_written = lines.iter().filter(|written| **written == line).count();
        match call.status {
            Some(ToolStatus::Ok) => assert_eq!(n_written, 1, "{kind} {n}: {written}"),
            Some(ToolStatus::Unknown) => assert!(n_written <= 1, "{kind} {n}: {written}"),
            status => panic!("{kind} {n}: {status:?}"),
        }
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_loop_goes_on_behind_its_last_result_and_does_nothing_twice() {
    for n in 1..=5 {
        for kind in [
            "step.started",
            "tool.called",
            "tool.running",
            "tool.completed",
        ] {
            check(kind, n).await;
        }
    }
    check("step.started", 6).await;
}

#[tokio::test]
async fn a_call_that_may_be_made_again_is_and_another_is_unknown() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(
            &[],
            &[(
                "shell",
                json!({"command": "echo begun >> log; [ -e go ] || sleep 600"}),
            )],
        ),
        _ => Answer::text(&["I see."]),
    })
    .await;
    for is_idempotent in [true, false] {
        let mut house = House::new().await;
        let directory = tempfile::tempdir().unwrap();
        let mut spec = in_directory(directory.path());
        let rule = ToolRule {
            idempotent: is_idempotent,
            ..ToolRule::new(Permission::Allow)
        };
        spec.tools.rules.insert("*".to_owned(), rule);
        let run = house.start_on("t", spec, Input::text("go")).await;
        let worker = hire(&mut house, &stub);
        let log = directory.path().join("log");
        let has_begun = || std::fs::read(&log).is_ok_and(|text| !text.is_empty());
        eventually("the command has begun", has_begun).await;
        worker.kill().await;
        std::fs::write(directory.path().join("go"), "").unwrap();
        let worker = hire(&mut house, &stub);
        let (control, _) = house.text_at_end(run).await;
        assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
        let told = told(stub.requests().last().unwrap());
        let n_begun = std::fs::read_to_string(&log).unwrap().lines().count();
        if is_idempotent {
            assert_eq!((told[2].as_str(), n_begun), ("tool: [exit code 0]", 2));
        } else {
            let unknown = "tool: interrupted before it finished; whether it acted is unknown";
            assert_eq!((told[2].as_str(), n_begun), (unknown, 1));
        }
        worker.leave().await;
    }
}

fn alive(house: &House, run: RunId) -> usize {
    let mark = Mark::new(house.store.instance()).unwrap();
    agent::alive(&mark.run(&run.to_string()).unwrap()).len()
}

async fn stop(house: &House, run: RunId) {
    let stop = Command::Stop {
        by: by(),
        why: None,
        superseded_by: None,
    };
    let scope = Scope::local();
    house.store.command(&scope, run, stop).await.unwrap();
}

/// Stops a run as soon as its log has an event of a kind.
async fn check_stop(brain: impl Fn(&Value) -> Answer + Send + Sync + 'static, kind: &'static str) {
    let stub = Stub::thinking(brain).await;
    let mut house = House::new().await;
    let run = house
        .start_on("t", agent(&[BuiltinTool::Shell]), Input::text("go"))
        .await;
    let worker = hire(&mut house, &stub);
    house
        .until_event(run, kind, |event: &Event| event.kind() == kind)
        .await;
    stop(&house, run).await;
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"), "{kind}");
    assert!(control.is_closed());
    assert_eq!(alive(&house, run), 0, "{kind}");
    eventually("the vendor's connection is closed", || stub.n_open() == 0).await;
    worker.leave().await;
}

#[tokio::test]
async fn a_stop_is_heard_in_every_phase() {
    check_stop(|_| Answer::hanging(&["half "]), "text.delta").await;
    let command = "trap '' TERM; setsid sleep 600 & sleep 600";
    let calls = move |_: &Value| Answer::calls(&[], &[("shell", json!({ "command": command }))]);
    check_stop(calls, "tool.running").await;
}
