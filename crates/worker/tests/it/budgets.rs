//! What a run may consume, and how long it may be silent.

use run::{AgentSpec, Run, Seq, Status};
use store::Scope;

use crate::house::{House, outcome, script};

/// Performs one run to its end.
async fn check(spec: AgentSpec, expected: (Status, &str), text: &str) {
    let mut house = House::new().await;
    let run = house.start(spec).await;
    let worker = house.hire();
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), expected);
    assert_eq!(said, text);
    assert!(control.is_closed());
    worker.leave().await;
}

#[tokio::test]
async fn a_run_that_says_nothing_for_too_long_fails() {
    let mut spec = script(r#"[{"text":"a"},{"stall_ms":60000},{"text":"never"}]"#);
    spec.silence_ms = 150;
    check(spec, (Status::Failed, "silence"), "a").await;
}

#[tokio::test]
async fn a_running_tool_and_a_waiting_person_are_not_silent() {
    let mut spec = script(
        r#"[{"tool":"look","delay_ms":500},{"approval":"May I?","held":true,"expires_ms":500},{"text":"b"}]"#,
    );
    spec.silence_ms = 150;
    check(
        spec,
        (Status::Succeeded, "completed"),
        "(no answer: May I?)b",
    )
    .await;
}

#[tokio::test]
async fn a_deadline_fails_the_run() {
    let mut spec = script(r#"[{"text":"a"},{"tool":"look","delay_ms":60000}]"#);
    spec.budget.wall_ms = Some(200);
    check(spec, (Status::Failed, "deadline"), "a").await;
}

#[tokio::test]
async fn used_up_tokens_and_steps_fail_the_run() {
    let steps = r#"[{"text":"a b"},{"tool":"look"},{"text":" c d"},{"stall_ms":200},{"tool":"look"},{"stall_ms":60000}]"#;
    let mut spec = script(steps);
    spec.budget.tokens = Some(4);
    check(spec, (Status::Failed, "budget"), "a b c d").await;
    let mut spec = script(steps);
    spec.budget.steps = Some(2);
    check(spec, (Status::Failed, "budget"), "a b c d").await;
}

#[tokio::test]
async fn a_run_that_is_done_as_its_budget_is_used_up_is_done() {
    let mut spec = script(r#"[{"text":"a b"}]"#);
    spec.budget.tokens = Some(2);
    spec.budget.steps = Some(1);
    check(spec, (Status::Succeeded, "completed"), "a b").await;
}

#[tokio::test]
async fn a_run_that_nobody_follows_is_aborted() {
    let mut spec = script(r#"[{"text":"a"},{"tool":"look","delay_ms":60000}]"#);
    spec.budget.unwatched_ms = Some(300);
    check(spec.clone(), (Status::Aborted, "unwatched"), "a").await;

    // With a follower it goes on.
    let mut house = House::new().await;
    spec.script[1].delay_ms = Some(1_000);
    let run = house.start(spec).await;
    let follower = house.store.follow(&Scope::local(), run, Seq::ZERO).await;
    let worker = house.hire();
    let control = house.until(run, "final", Run::is_final).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    drop(follower);
    worker.leave().await;
}
