//! A worker dies, another one goes on.

use std::time::Duration;

use run::{Event, OnLost, Status};

use crate::house::{House, outcome, script};

#[tokio::test]
async fn another_worker_goes_on_behind_what_was_written() {
    let mut house = House::new().await;
    let steps = r#"[{"reason":"hm"},{"tokens":400,"per_second":800},{"tool":"look"},{"tokens":20},{"text":"end"}]"#;
    let whole = {
        let run = house
            .start_on("other", script(steps), run::Input::text("go"))
            .await;
        let worker = house.hire();
        let (_, text) = house.text_at_end(run).await;
        worker.leave().await;
        text
    };
    let run = house.start(script(steps)).await;
    let first = house.hire();
    house
        .until_event(run, "some words", |e| matches!(e, Event::TextDelta(_)))
        .await;
    house
        .until(run, "under way", |run| run.n_messages == 1)
        .await;
    first.kill().await;
    let second = house.hire();
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((text, control.attempt), (whole, 2));
    second.leave().await;
}

#[tokio::test]
async fn an_agent_that_does_not_go_on_is_interrupted() {
    let mut house = House::new().await;
    let mut spec = script(r#"[{"text":"a"},{"stall_ms":60000}]"#);
    spec.on_lost = Some(OnLost::Abort);
    let run = house.start(spec).await;
    let first = house.hire();
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    first.kill().await;
    let second = house.hire();
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "interrupted"));
    assert_eq!((control.is_closed(), &*text), (true, "a"));
    second.leave().await;
}

#[tokio::test]
async fn an_exit_is_a_lost_attempt_and_happens_once() {
    let mut house = House::new().await;
    let run = house
        .start(script(r#"[{"text":"a"},{"exit":true},{"text":"b"}]"#))
        .await;
    let worker = house.hire();
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((&*text, control.attempt), ("ab", 2));
    worker.leave().await;
}

#[tokio::test]
async fn attempts_that_only_die_end_the_run_as_lost() {
    let mut house = House::new().await;
    let mut spec =
        script(r#"[{"exit":true},{"exit":true},{"exit":true},{"exit":true},{"text":"never"}]"#);
    spec.backoff.first_ms = 10;
    let run = house.start(spec).await;
    let worker = house.hire();
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Failed, "lost"));
    assert_eq!((&*text, control.attempt), ("", 3));
    worker.leave().await;
}

#[tokio::test]
async fn a_run_that_waits_held_when_its_worker_dies_waits_parked() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"text":"a"},{"approval":"May I?","held":true},{"text":"b"}]"#,
        ))
        .await;
    let first = house.hire();
    house
        .until(run, "held", |run| {
            !run.requests.is_empty() && run.due_at().is_none() && run.status() == Status::Waiting
        })
        .await;
    first.kill().await;
    let second = house.hire();
    house.until(run, "lost", |run| run.n_lost == 1).await;
    house.decide(run, 1, run::event::Decision::Allow).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((&*text, control.n_requests), ("ab", 1));
    second.leave().await;
}

#[tokio::test]
async fn a_run_whose_workers_die_again_and_again_says_everything_once() {
    let mut house = House::new().await;
    let mut spec = script(
        r#"[{"reason":"hm"},{"tokens":300,"per_second":600},{"tool":"look","delay_ms":20},{"text":"then"},
            {"approval":"May I?"},{"tokens":200,"per_second":600},{"stall_ms":30},{"text":"end"}]"#,
    );
    spec.max_lost_attempts = 1_000;
    spec.backoff.first_ms = 1;
    spec.backoff.max_ms = 5;
    let whole = {
        let input = run::Input::text("go");
        let run = house.start_on("other", spec.clone(), input).await;
        let worker = house.hire();
        house
            .until(run, "asking", |run| run.status() == Status::Waiting)
            .await;
        house.decide(run, 1, run::event::Decision::Allow).await;
        let (_, text) = house.text_at_end(run).await;
        worker.leave().await;
        text
    };
    let run = house.start(spec).await;
    for n in 0..10 {
        let mut settings = house.settings();
        settings.lease = Duration::from_millis(250);
        settings.renew = Duration::from_millis(50);
        let worker = house.hire_as(settings, worker::Scripted);
        let before = house.events(run).await.len();
        // Some way into the attempt, or at its end.
        let is_far = |events: usize| events >= before + 1 + n % 5;
        let mut watch = house.store.watch(run).await.unwrap();
        while !is_far(house.events(run).await.len()) {
            let control = watch.control();
            if control.status() == Status::Waiting {
                house.decide(run, 1, run::event::Decision::Allow).await;
            }
            if control.is_final() {
                break;
            }
            watch.changed().await;
        }
        worker.kill().await;
    }
    let last = house.hire();
    let either = |run: &run::Run| run.is_final() || run.status() == Status::Waiting;
    let control = house.until(run, "asking or final", either).await;
    if !control.is_final() {
        house.decide(run, 1, run::event::Decision::Allow).await;
    }
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((text, control.n_requests), (whole, 1));
    assert!(control.attempt > 5, "{}", control.attempt);
    last.leave().await;
}
