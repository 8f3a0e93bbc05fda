//! What comes between two writes of a loop: an answer before its wait, a crash behind an announcement, a cancellation.

use std::collections::BTreeMap;

use run::event::{
    Decision, MessageCompleted, MessageStarted, Parent, StepFinished, StepStarted, ToolCalled,
    ToolKind, ToolRunning, ToolStarted, ToolStatus, TurnStarted,
};
use run::{
    AgentSpec, Answer as Given, AppendNo, BuiltinTool, CallId, ClientTool, Event, Input, MessageId,
    NodeId, Part, Permission, Role, Run, RunId, Status, StepId, ThreadId, Timestamp, ToolRule,
    Trigger, TurnId, Usage, WorkerId,
};
use serde_json::json;
use store::{Append, Claim, Scope, Start};

use super::agents::{chief, helper, office};
use super::people::{answer, decided, is_parked};
use super::{agent, hire, hire_with, n_results, told};
use crate::house::{House, outcome};
use crate::vendor::{Answer, Stub};

#[tokio::test]
async fn an_answer_that_comes_before_the_wait_is_heard_with_all_that_was_said() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(
            &["Let me see. "],
            &[
                (
                    "ask_user",
                    json!({"questions": [{"id": "colour", "question": "Which colour?"}]}),
                ),
                (
                    "shell",
                    json!({"command": "while [ ! -e go ]; do sleep 0.01; done"}),
                ),
            ],
        ),
        _ => Answer::text(&["Blue it is."]),
    })
    .await;
    let mut house = House::new().await;
    let directory = tempfile::tempdir().unwrap();
    let mut spec = agent(&[BuiltinTool::AskUser, BuiltinTool::Shell]);
    spec.directory = Some(directory.path().display().to_string());
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    let is_running = |event: &Event| matches!(event, Event::ToolRunning(_));
    house.until_event(run, "running tool", is_running).await;
    // The attempt performs the other call, so it does not wait yet.
    answer(&house, run, 1, Given::Answers(json!({"colour": "blue"}))).await;
    std::fs::write(directory.path().join("go"), "").unwrap();
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "Let me see. Blue it is.");
    assert_eq!((control.n_steps, control.attempt), (2, 1));
    let told = told(stub.requests().last().unwrap());
    assert_eq!(told[2], r#"tool: {"colour":"blue"}"#);
    worker.leave().await;
}

/// What a loop writes until it announces the run that performs its call.
fn announced(child: RunId) -> Vec<Event> {
    let (call, message, step) = (CallId::nth(1), MessageId::nth(1), StepId::nth(1));
    vec![
        TurnStarted {
            turn: TurnId::nth(1),
            input: None,
            model: None,
        }
        .into(),
        StepStarted {
            step: step.clone(),
            model: None,
        }
        .into(),
        MessageStarted {
            message: message.clone(),
            role: Role::Assistant,
        }
        .into(),
        ToolStarted {
            call: call.clone(),
            name: "helper".into(),
            kind: ToolKind::Subagent,
            title: None,
            message: Some(message.clone()),
            idempotent: false,
        }
        .into(),
        ToolCalled {
            call: call.clone(),
            args: json!({"input": "a poem"}),
            vendor: None,
        }
        .into(),
        MessageCompleted {
            message,
            parts: Some(vec![Part::text("I'll ask. ")]),
            interrupted: false,
        }
        .into(),
        StepFinished {
            step,
            usage: Usage::default(),
            finish_reason: None,
        }
        .into(),
        ToolRunning {
            call,
            n_try: 1,
            run: Some(child),
        }
        .into(),
    ]
}

/// Lets a worker die when it has announced the run of an agent, and maybe started it. Another one goes on, which knows
/// these agents.
async fn check_crash(is_started: bool, agents: BTreeMap<String, AgentSpec>) {
    let stub = office(false).await;
    let mut house = House::new().await;
    let run = house.start_on("t", chief(), Input::text("go")).await;
    let worker = WorkerId::parse("w0").unwrap();
    let node = NodeId::parse("node").unwrap();
    house.store.register(&worker, &node, 50).await.unwrap();
    let claimed = house.store.claim(Claim { worker, max: 1 }).await.unwrap();
    let child = RunId::new(Timestamp::from_ms(1), [9; 10]);
    let append = Append {
        run,
        fence: claimed[0].fence,
        append_no: AppendNo(1),
        events: announced(child),
    };
    house.store.append(append).await.unwrap();
    if is_started {
        let start = Start {
            trigger: Trigger::Continue,
            parent: Some(Parent {
                run,
                call: CallId::nth(1),
                depth: 1,
            }),
            ..Start::new(
                child,
                Scope::local(),
                ThreadId::parse("below").unwrap(),
                "helper".into(),
                helper(&[]),
                Input::text("a poem"),
            )
        };
        house.store.start(start).await.unwrap();
    }
    // Its lease ends here.
    let worker = hire_with(&mut house, &stub, BTreeMap::new(), agents);
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "I'll ask. Here it is.");
    let below = house.record(child).await;
    assert_eq!(outcome(&below.control), (Status::Succeeded, "completed"));
    let call = &house.snapshot(run).await.activities[0];
    assert_eq!((call.run, call.status), (Some(child), Some(ToolStatus::Ok)));
    worker.leave().await;
}

#[tokio::test]
async fn a_crash_between_the_announcement_of_an_agent_and_its_start_starts_it() {
    let agents = BTreeMap::from([("helper".to_owned(), helper(&[]))]);
    check_crash(false, agents).await;
}

#[tokio::test]
async fn a_crash_behind_the_start_of_an_agent_waits_for_it_though_it_is_configured_no_more() {
    check_crash(true, BTreeMap::new()).await;
}

#[tokio::test]
async fn who_cancels_ends_the_run_whatever_else_it_waits_for() {
    let stub = Stub::thinking(|request| {
        let is_chief = told(request)[0].contains("chief");
        let command = json!({"command": "echo x"});
        if is_chief {
            let input = json!({"input": "a poem"});
            Answer::calls(
                &[],
                &[
                    ("shell", command.clone()),
                    ("shell", command),
                    ("helper", input),
                ],
            )
        } else {
            Answer::calls(&[], &[("shell", command)])
        }
    })
    .await;
    let mut house = House::new().await;
    let mut spec = chief();
    spec.tools.builtin = vec![BuiltinTool::Shell];
    let ask = ToolRule::new(Permission::Ask);
    spec.tools.rules.insert("shell".to_owned(), ask);
    let run = house.start_on("t", spec, Input::text("go")).await;
    let agents = BTreeMap::from([("helper".to_owned(), helper(&[BuiltinTool::Shell]))]);
    let worker = hire_with(&mut house, &stub, BTreeMap::new(), agents);
    let parked = house.until(run, "parked", is_parked).await;
    assert_eq!(parked.requests.len(), 2);
    let child = house.snapshot(run).await.activities[2].run.unwrap();
    house.until(child, "parked", is_parked).await;
    answer(&house, run, 2, decided(Decision::Cancel, None)).await;
    for run in [run, child] {
        let control = house.until(run, "final", Run::is_final).await;
        assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    }
    let snapshot = house.snapshot(run).await;
    let statuses: Vec<_> = snapshot.activities.iter().map(|call| call.status).collect();
    let denied = Some(ToolStatus::Denied);
    assert_eq!(statuses, [denied, denied, Some(ToolStatus::Interrupted)]);
    worker.leave().await;
}

#[tokio::test]
async fn an_answer_that_is_larger_than_an_event_reaches_the_model_cut() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(&[], &[("pick", json!({}))]),
        _ => Answer::text(&["Long."]),
    })
    .await;
    let mut house = House::new().await;
    let mut input = Input::text("go");
    input.tools = vec![ClientTool {
        name: "pick".into(),
        description: "Picks.".into(),
        parameters: json!({"type": "object"}),
    }];
    let run = house.start_on("t", agent(&[]), input).await;
    let worker = hire(&mut house, &stub);
    house.until(run, "parked", is_parked).await;
    let long = json!({"picked": "x".repeat(run::MAX_EVENT_BYTES)});
    answer(&house, run, 1, Given::Result(long)).await;
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "Long.");
    worker.leave().await;
}
