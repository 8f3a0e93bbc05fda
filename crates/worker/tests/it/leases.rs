//! A worker that loses its lease, or its store.

use std::time::Duration;

use run::event::AttemptEnd;
use run::{Event, Status, WorkerId};

use crate::house::{House, outcome, script};

#[tokio::test]
async fn a_worker_that_loses_its_lease_ends_its_attempts_and_works_on_under_another() {
    let mut house = House::new().await;
    let run = house
        .start(script(r#"[{"text":"a"},{"stall_ms":1000},{"text":"b"}]"#))
        .await;
    let worker = house.hire();
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    let first = WorkerId::parse("w1").unwrap();
    assert_eq!(house.record(run).await.worker, Some(first.clone()));
    house.store.release(&first).await.unwrap();
    house.until(run, "lost", |run| run.n_lost == 1).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((control.attempt, &*text), (2, "ab"));
    let events = house.events(run).await;
    let ends = events.iter().filter_map(|e| match &e.event {
        Event::AttemptEnded(ended) => Some(ended.end),
        _ => None,
    });
    assert_eq!(ends.collect::<Vec<_>>(), [AttemptEnd::Lost]);
    worker.leave().await;
}

#[tokio::test]
async fn a_worker_whose_store_does_not_answer_still_stops() {
    let mut house = House::new().await;
    let run = house
        .start(script(r#"[{"tokens":100000,"per_second":200}]"#))
        .await;
    let worker = house.hire();
    house
        .until_event(run, "text", |e| matches!(e, Event::TextDelta(_)))
        .await;
    house.store.close().await;
    let took = worker.leave().await;
    assert!(took < Duration::from_secs(15), "{took:?}");
}
