//! What clients say reaches the run that waits for it.

use run::event::{Decision, InputMode};
use run::{Answer, Command, Event, RequestId, Run, State, Status, WaitMode};
use serde_json::json;

use crate::house::{House, by, outcome, script};

#[tokio::test]
async fn a_parked_run_goes_on_with_its_answer_in_another_attempt() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"text":"a"},{"approval":"May I?"},{"text":"b"}]"#,
        ))
        .await;
    let worker = house.hire();
    house
        .until(run, "parked", |run| waits(run, WaitMode::Parked))
        .await;
    house.decide(run, 1, Decision::Deny).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((&*text, control.attempt), ("a(denied: May I?)b", 2));
    worker.leave().await;
}

#[tokio::test]
async fn a_held_run_goes_on_in_its_attempt() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"text":"a"},{"question":"Which?","held":true},{"text":"b"}]"#,
        ))
        .await;
    let worker = house.hire();
    house
        .until(run, "held", |run| waits(run, WaitMode::Held))
        .await;
    let answer = Command::Answer {
        request: RequestId::nth(1),
        answer: Answer::Answers(json!({"answer": "this"})),
        by: by(),
    };
    house.command(run, answer).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((&*text, control.attempt), ("a(answered: this)b", 1));
    worker.leave().await;
}

#[tokio::test]
async fn a_request_that_nobody_answers_in_time_expires() {
    let mut house = House::new().await;
    for held in [true, false] {
        let steps =
            format!(r#"[{{"approval":"May I?","held":{held},"expires_ms":100}},{{"text":"b"}}]"#);
        let run = house.start(script(&steps)).await;
        let worker = house.hire();
        let (control, text) = house.text_at_end(run).await;
        assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
        assert_eq!(text, "(no answer: May I?)b");
        worker.leave().await;
    }
}

#[tokio::test]
async fn inputs_are_heard_once_each() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"text":"a"},{"tool":"look","delay_ms":300},{"text":"b"}]"#,
        ))
        .await;
    house.input(run, InputMode::Steer, "early").await;
    let worker = house.hire();
    house
        .until_event(run, "running tool", |e| matches!(e, Event::ToolRunning(_)))
        .await;
    house.input(run, InputMode::FollowUp, "more").await;
    house.input(run, InputMode::Steer, "left").await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(text, "(steered: early)a(steered: left)bYou said: more");
    assert_eq!((control.n_turns, control.attempt), (2, 1));
    let kinds = house.kinds(run).await;
    let n = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!((n("input.consumed"), n("input.returned")), (3, 0));
    worker.leave().await;
}

#[tokio::test]
async fn an_input_that_comes_as_the_run_ends_is_never_lost() {
    let mut house = House::new().await;
    let worker = house.hire();
    for n in 0..20_u32 {
        let run = house.start(script(r#"[{"tokens":3}]"#)).await;
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
        let parts = vec![run::Part::text("more")];
        let command = Command::Input {
            mode: InputMode::FollowUp,
            parts,
            by: by(),
        };
        let scope = store::Scope::local();
        let accepted = house.store.command(&scope, run, command).await.is_ok();
        let (control, text) = house.text_at_end(run).await;
        assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
        assert_eq!(text.ends_with("You said: more"), accepted);
    }
    worker.leave().await;
}

fn waits(run: &Run, how: WaitMode) -> bool {
    matches!(&run.state, State::Waiting { mode, .. } if *mode == how)
}
