//! The server stops in good order.

use std::time::Duration;

use run::event::AttemptEnd;
use run::{Event, Status};

use crate::house::{House, outcome, script};

#[tokio::test]
async fn attempts_hand_over_at_the_next_good_place() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"text":"a"},{"stall_ms":50},{"text":"b"},{"stall_ms":50},{"text":"c"},{"stall_ms":60000},{"text":"d"}]"#,
        ))
        .await;
    let mut settings = house.settings();
    settings.drain = Duration::from_mins(1);
    let first = house.hire_as(settings, worker::Scripted);
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    assert!(first.leave().await < Duration::from_secs(10));
    let control = house.control(run).await;
    assert_eq!((control.status(), control.n_lost), (Status::Queued, 0));
    house.stop(run).await;
}

#[tokio::test]
async fn an_attempt_without_a_good_place_hands_over_after_the_drain() {
    let mut house = House::new().await;
    let run = house
        .start(script(r#"[{"text":"a"},{"tool":"look","delay_ms":60000}]"#))
        .await;
    let first = house.hire();
    house
        .until_event(run, "running tool", |e| matches!(e, Event::ToolRunning(_)))
        .await;
    let took = first.leave().await;
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let events = house.events(run).await;
    let ends: Vec<_> = events
        .iter()
        .filter_map(|e| match &e.event {
            Event::AttemptEnded(ended) => Some(ended.end),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [AttemptEnd::HandedOver]);
    // A hand-over is no loss, and what is closed stays open for nobody.
    let control = house.control(run).await;
    assert_eq!((control.n_lost, control.calls.len()), (0, 0));
    house.stop(run).await;
    assert_eq!(
        outcome(&*house.control(run).await),
        (Status::Aborted, "stopped")
    );
}

#[tokio::test]
async fn a_worker_that_left_claims_nothing_and_the_next_one_goes_on() {
    let mut house = House::new().await;
    let first = house.hire();
    first.leave().await;
    let run = house.start(script(r#"[{"text":"a"}]"#)).await;
    assert_eq!(house.control(run).await.status(), Status::Queued);
    let second = house.hire();
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    second.leave().await;
}

#[tokio::test]
async fn an_attempt_that_waits_for_a_person_hands_over_at_once() {
    let mut house = House::new().await;
    let run = house
        .start(script(
            r#"[{"approval":"May I?","held":true},{"text":"b"}]"#,
        ))
        .await;
    let mut settings = house.settings();
    settings.drain = Duration::from_mins(1);
    let first = house.hire_as(settings, worker::Scripted);
    house
        .until(run, "waiting", |run| run.status() == Status::Waiting)
        .await;
    assert!(first.leave().await < Duration::from_secs(10));
    let second = house.hire();
    house.decide(run, 1, run::event::Decision::Allow).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((&*text, control.n_requests), ("b", 1));
    second.leave().await;
}
