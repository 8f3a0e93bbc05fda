//! A stop ends a run wherever it is.

use run::{Event, Run, State, Status, WaitMode};

use crate::house::{House, outcome, script};

#[tokio::test]
async fn a_queued_run_ends_at_once_without_a_worker() {
    let mut house = House::new().await;
    let run = house.start(script(r#"[{"text":"a"}]"#)).await;
    house.stop(run).await;
    let control = house.control(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
}

#[tokio::test]
async fn a_parked_run_ends_at_once() {
    let mut house = House::new().await;
    let run = house
        .start(script(r#"[{"approval":"May I?"},{"text":"a"}]"#))
        .await;
    let worker = house.hire();
    house.until(run, "parked", is_parked).await;
    house.stop(run).await;
    let control = house.control(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    assert!(control.is_closed());
    worker.leave().await;
}

#[tokio::test]
async fn a_held_run_is_ended_by_its_worker() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"approval":"May I?","held":true},{"text":"a"}]"#,
        ))
        .await;
    let worker = house.hire();
    house.until(run, "held", is_held_waiting).await;
    house.stop(run).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    assert_eq!((control.is_closed(), &*text), (true, ""));
    worker.leave().await;
}

#[tokio::test]
async fn a_running_run_keeps_the_text_it_has() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"text":"so far"},{"stall_ms":60000},{"text":"never"}]"#,
        ))
        .await;
    let worker = house.hire();
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    house.stop(run).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    assert_eq!((control.is_closed(), &*text), (true, "so far"));
    assert_eq!(control.attempt, 1);
    worker.leave().await;
}

#[tokio::test]
async fn a_stop_asked_for_twice_is_one_stop() {
    let mut house = House::new().await;
    let run = house.start(script(r#"[{"stall_ms":60000}]"#)).await;
    let worker = house.hire();
    house.until(run, "running", |run| run.attempt == 1).await;
    house.stop(run).await;
    let scope = store::Scope::local();
    let again = run::Command::Stop {
        by: crate::house::by(),
        why: None,
        superseded_by: None,
    };
    // Either it is under way or it is over; both are fine, and neither is a second stop.
    let _ = house.store.command(&scope, run, again).await;
    house.text_at_end(run).await;
    let kinds = house.kinds(run).await;
    let n = kinds
        .iter()
        .filter(|kind| *kind == "stop.requested")
        .count();
    assert_eq!(n, 1);
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

fn is_held_waiting(run: &Run) -> bool {
    matches!(
        run.state,
        State::Waiting {
            mode: WaitMode::Held,
            ..
        }
    )
}
