//! How many attempts there are at once.

use std::time::Duration;

use run::{Input, Status};

use crate::house::{House, outcome, script};

#[tokio::test]
async fn a_worker_performs_no_more_than_its_slots() {
    let mut house = House::new().await;
    let mut runs = Vec::new();
    for n in 0..6 {
        let spec = script(r#"[{"stall_ms":40},{"text":"a"}]"#);
        let run = house
            .start_on(&format!("t{n}"), spec, Input::text("go"))
            .await;
        runs.push(run);
    }
    let mut settings = house.settings();
    settings.slots = 2;
    // Nothing but the free place tells it to go on.
    settings.poll = Duration::from_mins(1);
    let worker = house.hire_as(settings, worker::Scripted);
    let mut most = 0;
    while house.store.counts().await.unwrap() != store::Counts::default() {
        let counts = house.store.counts().await.unwrap();
        most = most.max(counts.running);
        tokio::task::yield_now().await;
    }
    assert!((1..=2).contains(&most), "{most}");
    for run in runs {
        let (control, _) = house.text_at_end(run).await;
        assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    }
    worker.leave().await;
}

#[tokio::test]
async fn an_agent_has_no_more_attempts_than_its_concurrency() {
    let mut house = House::new().await;
    let mut runs = Vec::new();
    for n in 0..4 {
        let mut spec = script(r#"[{"stall_ms":40},{"text":"a"}]"#);
        spec.concurrency = Some(1);
        let run = house
            .start_on(&format!("t{n}"), spec, Input::text("go"))
            .await;
        runs.push(run);
    }
    let worker = house.hire();
    let mut most = 0;
    while house.store.counts().await.unwrap() != store::Counts::default() {
        let counts = house.store.counts().await.unwrap();
        most = most.max(counts.running);
        tokio::task::yield_now().await;
    }
    assert_eq!(most, 1);
    for run in runs {
        house.text_at_end(run).await;
    }
    worker.leave().await;
}

#[tokio::test]
async fn runs_of_one_thread_are_performed_one_after_another() {
    let mut house = House::new().await;
    let first = house
        .start(script(r#"[{"stall_ms":50},{"text":"a"}]"#))
        .await;
    let second = house.start(script(r#"[{"text":"b"}]"#)).await;
    let worker = house.hire();
    let (control, _) = house.text_at_end(second).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    let ended = house.control(first).await.updated_at;
    assert!(control.started_at.unwrap() >= ended);
    worker.leave().await;
}

#[tokio::test]
async fn two_workers_share_the_runs_and_none_is_performed_twice() {
    let mut house = House::new().await;
    let (one, two) = (house.hire(), house.hire());
    let mut runs = Vec::new();
    for n in 0..20 {
        let spec = script(r#"[{"tokens":20},{"tool":"look"},{"text":" end"}]"#);
        let run = house
            .start_on(&format!("t{n}"), spec, Input::text("go"))
            .await;
        runs.push(run);
    }
    for run in runs {
        let (control, text) = house.text_at_end(run).await;
        assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
        assert_eq!((control.attempt, text.split(' ').count()), (1, 21));
    }
    one.leave().await;
    two.leave().await;
}

#[tokio::test]
async fn load_a_thousand_runs_are_performed_once_each() {
    let mut house = House::new().await;
    let worker = house.hire();
    let began = std::time::Instant::now();
    let mut runs = Vec::new();
    for n in 0..1_000 {
        let spec = script(r#"[{"reason":"hm"},{"tokens":200},{"tool":"look"},{"text":" end"}]"#);
        let run = house
            .start_on(&format!("t{n}"), spec, Input::text("go"))
            .await;
        runs.push(run);
    }
    for run in runs {
        let control = house.until(run, "final", run::Run::is_final).await;
        assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
        assert_eq!(control.attempt, 1);
    }
    println!("1000 runs in {:?}", began.elapsed());
    worker.leave().await;
}
