//! People are asked, answer when they like, and say something in between.

use std::time::Duration;

use run::event::{Decision, InputMode, ToolStatus};
use run::{
    Answer as Given, BuiltinTool, ClientTool, Command, Input, Part, RequestId, Run, RunId, State,
    Status, WaitMode,
};
use serde_json::{Value, json};
use store::Scope;

use super::{agent, careful, hire, n_results, told};
use crate::house::{House, by, outcome};
use crate::vendor::{Answer, Stub};

pub(super) fn is_parked(run: &Run) -> bool {
    let parked = WaitMode::Parked;
    matches!(&run.state, State::Waiting { mode, .. } if *mode == parked)
}

/// A model that makes a file and says what it heard of that.
async fn maker() -> Stub {
    Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(&["May I?"], &[("shell", json!({"command": ": > made"}))]),
        _ => Answer::text(&["Done."]),
    })
    .await
}

pub(super) async fn answer(house: &House, run: RunId, request: u32, answer: Given) {
    let command = Command::Answer {
        request: RequestId::nth(request),
        answer,
        by: by(),
    };
    let scope = Scope::local();
    house.store.command(&scope, run, command).await.unwrap();
}

pub(super) fn decided(decision: Decision, note: Option<&str>) -> Given {
    Given::Decision {
        decision,
        note: note.map(str::to_owned),
    }
}

/// Lets a model ask for a command, answers, and gives what became of it: the run's outcome, the call's end, whether the
/// command ran, and what the model was told.
async fn check(
    given: Given,
    expected: (Status, &str),
    status: ToolStatus,
    was_made: bool,
    heard: Option<&str>,
) {
    let stub = maker().await;
    let mut house = House::new().await;
    let directory = tempfile::tempdir().unwrap();
    let mut spec = careful(&[BuiltinTool::Shell]);
    spec.directory = Some(directory.path().display().to_string());
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    house.until(run, "parked", is_parked).await;
    let snapshot = house.snapshot(run).await;
    let run::snapshot::Asked::Approval {
        title, detail, of, ..
    } = &snapshot.requests[0].asks
    else {
        panic!("{snapshot:?}")
    };
    assert_eq!((title.as_str(), of.as_str()), (": > made", "command"));
    assert_eq!(
        *detail,
        json!({"tool": "shell", "args": {"command": ": > made"}})
    );
    // Nobody but the store has the run: a worker that leaves and another one that comes change nothing.
    worker.leave().await;
    answer(&house, run, 1, given).await;
    let worker = hire(&mut house, &stub);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), expected);
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.activities[0].status, Some(status));
    assert_eq!(directory.path().join("made").exists(), was_made);
    let requests = stub.requests();
    let heard_by_model = requests.get(1).map(|request| told(request)[2].clone());
    assert_eq!(heard_by_model.as_deref(), heard);
    worker.leave().await;
}

#[tokio::test]
async fn a_command_runs_when_somebody_has_allowed_it_after_a_restart() {
    let ended = (Status::Succeeded, "completed");
    let heard = Some("tool: [exit code 0]");
    check(
        decided(Decision::Allow, None),
        ended,
        ToolStatus::Ok,
        true,
        heard,
    )
    .await;
}

#[tokio::test]
async fn a_refusal_reaches_the_model_with_the_users_words() {
    let ended = (Status::Succeeded, "completed");
    let heard = Some("tool: the user does not allow this: use git");
    let no = decided(Decision::Deny, Some("use git"));
    check(no, ended, ToolStatus::Denied, false, heard).await;
}

#[tokio::test]
async fn who_cancels_ends_the_run() {
    let ended = (Status::Aborted, "stopped");
    check(
        decided(Decision::Cancel, None),
        ended,
        ToolStatus::Denied,
        false,
        None,
    )
    .await;
}

#[tokio::test]
async fn what_is_allowed_for_the_thread_is_not_asked_about_again() {
    let stub = maker().await;
    let mut house = House::new().await;
    let directory = tempfile::tempdir().unwrap();
    let mut spec = careful(&[BuiltinTool::Shell]);
    spec.directory = Some(directory.path().display().to_string());
    spec.history = serde_json::from_value(json!({"tokens": 0})).unwrap();
    let first = house.start_on("t", spec.clone(), Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    house.until(first, "parked", is_parked).await;
    answer(&house, first, 1, decided(Decision::AllowForThread, None)).await;
    house.text_at_end(first).await;

    let second = house.start_on("t", spec.clone(), Input::text("go")).await;
    let (control, _) = house.text_at_end(second).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(control.n_requests, 0);
    // On another thread it was never allowed.
    let other = house.start_on("u", spec, Input::text("go")).await;
    house.until(other, "parked", is_parked).await;
    worker.leave().await;
}

#[tokio::test]
async fn questions_and_client_tools_wait_for_their_answers() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(
            &[],
            &[
                (
                    "ask_user",
                    json!({"questions": [{"id": "colour", "question": "Which colour?"}]}),
                ),
                ("pick", json!({"from": [1, 2]})),
                ("ask_user", json!({"questions": []})),
            ],
        ),
        _ => Answer::text(&["Blue it is."]),
    })
    .await;
    let mut house = House::new().await;
    let mut input = Input::text("go");
    input.tools = vec![ClientTool {
        name: "pick".into(),
        description: "Picks.".into(),
        parameters: json!({"type": "object"}),
    }];
    let run = house
        .start_on("t", agent(&[BuiltinTool::AskUser]), input)
        .await;
    let worker = hire(&mut house, &stub);
    house.until(run, "parked", is_parked).await;
    answer(&house, run, 2, Given::Result(json!({"picked": 2}))).await;
    // One answer is not all.
    let control = house
        .until(run, "parked", |run| run.requests.len() == 1)
        .await;
    assert!(is_parked(&control));
    answer(&house, run, 1, Given::Answers(json!({"colour": "blue"}))).await;
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "Blue it is.");
    let told = told(stub.requests().last().unwrap());
    assert_eq!(
        told[2..4],
        [r#"tool: {"colour":"blue"}"#, r#"tool: {"picked":2}"#]
    );
    assert!(told[4].contains("questions is empty"), "{}", told[4]);
    worker.leave().await;
}

#[tokio::test]
async fn a_request_that_nobody_answers_in_time_is_told_to_the_model() {
    let stub = maker().await;
    let mut house = House::new().await;
    let mut spec = careful(&[BuiltinTool::Shell]);
    spec.tools.expires_ms = Some(50);
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    let told = told(stub.requests().last().unwrap());
    assert_eq!(
        told[2],
        "tool: nobody has allowed this: nobody answered in time"
    );
    worker.leave().await;
}

async fn say(house: &House, run: RunId, mode: InputMode, text: &str) {
    let input = Command::Input {
        mode,
        parts: vec![Part::text(text)],
        by: by(),
    };
    let scope = Scope::local();
    house.store.command(&scope, run, input).await.unwrap();
}

#[tokio::test]
async fn a_steer_is_heard_between_steps_and_a_follow_up_opens_a_turn() {
    let stub = Stub::thinking(|request: &Value| match n_results(request) {
        0 => Answer::calls(
            &[],
            &[(
                "shell",
                json!({"command": "while [ ! -e go ]; do sleep 0.01; done"}),
            )],
        ),
        _ => Answer::text(&["Yes."]),
    })
    .await;
    let mut house = House::new().await;
    let directory = tempfile::tempdir().unwrap();
    let mut spec = agent(&[BuiltinTool::Shell]);
    spec.directory = Some(directory.path().display().to_string());
    let run = house.start_on("t", spec, Input::text("begin")).await;
    let worker = hire(&mut house, &stub);
    let is_running = |event: &run::Event| matches!(event, run::Event::ToolRunning(_));
    house.until_event(run, "running tool", is_running).await;
    say(&house, run, InputMode::FollowUp, "and then?").await;
    say(&house, run, InputMode::Steer, "be quick").await;
    std::fs::write(directory.path().join("go"), "").unwrap();
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((said.as_str(), control.n_turns), ("Yes.Yes.", 2));
    let requests = stub.requests();
    let users = |request: &Value| {
        let told = told(request).into_iter();
        told.filter(|line| line.starts_with("user"))
            .collect::<Vec<_>>()
    };
    assert_eq!(users(&requests[1]), ["user: begin", "user: be quick"]);
    assert_eq!(told(&requests[1]).last().unwrap(), "user: be quick");
    assert_eq!(
        users(&requests[2]),
        ["user: begin", "user: be quick", "user: and then?"]
    );
    worker.leave().await;
}

#[tokio::test]
async fn a_steer_that_comes_late_is_answered_before_the_next_turn() {
    let stub = Stub::thinking(|request: &Value| match told(request).last().unwrap() {
        last if last.ends_with("begin") => {
            Answer::slow(&["One", " mo", "ment", ". "], Duration::from_millis(50))
        }
        last if last.ends_with("quick") => Answer::text(&["Quick. "]),
        last if last.ends_with("then?") => Answer::text(&["Then. "]),
        _ => Answer::text(&["Bye."]),
    })
    .await;
    let mut house = House::new().await;
    let run = house.start_on("t", agent(&[]), Input::text("begin")).await;
    let worker = hire(&mut house, &stub);
    let is_text = |event: &run::Event| matches!(event, run::Event::TextDelta(_));
    house.until_event(run, "text", is_text).await;
    say(&house, run, InputMode::Steer, "be quick").await;
    say(&house, run, InputMode::FollowUp, "and then?").await;
    say(&house, run, InputMode::FollowUp, "bye").await;
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "One moment. Quick. Then. Bye.");
    assert_eq!((control.n_turns, control.n_steps), (3, 4));
    worker.leave().await;
}
