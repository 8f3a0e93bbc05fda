//! What time makes due.

use futures_util::future::join_all;
use run::event::AttemptEnd;
use run::{
    By, Command, DriverKind, MAX_OPEN_REQUESTS, OnLost, Outcome, Reason, RunId, State, Status,
    WaitMode, Work,
};
use store::{OnConflict, SWEEP_RUNS, Scope, Start, Swept};

use super::{Attempt, Place, World, approval, start};

async fn sweep(world: &World) -> Swept {
    world.store.sweep().await.unwrap()
}

async fn outcome(world: &World, run: RunId) -> Outcome {
    let record = world.store.run(&Scope::local(), run).await.unwrap();
    match &record.control.state {
        State::Final(outcome) => outcome.clone(),
        State::Queued { .. } | State::Running | State::Waiting { .. } => {
            panic!("run {run} is open")
        }
    }
}

async fn attempt_of(world: &World, asked: Start) -> Attempt {
    world.store.start(asked).await.unwrap();
    world.worker("w1").await;
    Attempt::of(&world.claim("w1", 1).await[0])
}

pub(crate) async fn a_lost_attempt_goes_on_at_once_the_second_later(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    world.advance(5_000);
    let swept = sweep(&world).await;
    assert_eq!(swept.lost, [(attempt.run, Status::Queued)]);
    world.worker("w2").await;
    assert_eq!(world.claim("w2", 1).await.len(), 1);
    world.advance(5_000);
    let swept = sweep(&world).await;
    assert_eq!(swept.lost.len(), 1);
    let later = world.now().plus_ms(500);
    assert_eq!(swept.next_at, Some(later), "then a worker can claim it");
    world.worker("w3").await;
    assert_eq!(world.claim("w3", 1).await, []);
    world.advance(500);
    assert_eq!(world.claim("w3", 1).await.len(), 1);
}

pub(crate) async fn attempts_lost_without_progress_end_the_run(place: Place) {
    let world = World::open(place).await;
    let run = world.run("t").await;
    for n in 1..=3 {
        world.advance(60_000);
        world.worker("w1").await;
        assert_eq!(world.claim("w1", 1).await.len(), 1, "attempt {n}");
        world.advance(5_000);
        let status = if n < 3 {
            Status::Queued
        } else {
            Status::Failed
        };
        assert_eq!(sweep(&world).await.lost, [(run, status)]);
    }
    assert_eq!(outcome(&world, run).await.reason, Reason::Lost);
    world.run("t").await;
}

pub(crate) async fn an_agent_that_does_not_go_on_is_interrupted(place: Place) {
    let world = World::open(place).await;
    let mut asked = start("t", OnConflict::Reject);
    asked.spec.on_lost = Some(OnLost::Abort);
    let attempt = attempt_of(&world, asked).await;
    world.advance(5_000);
    let swept = sweep(&world).await;
    assert_eq!(swept.lost, [(attempt.run, Status::Aborted)]);
    let ended = outcome(&world, attempt.run).await;
    assert_eq!(ended.reason, Reason::Interrupted);
}

pub(crate) async fn requests_expire_and_parked_runs_go_on(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let soon = world.now().plus_ms(1_000);
    let later = world.now().plus_ms(2_000);
    let asked = vec![approval(1, Some(soon)), approval(2, Some(later))];
    attempt.append(&world, asked).await.unwrap();
    let wait = Work::Wait {
        mode: WaitMode::Parked,
        due_at: None,
    };
    attempt.work(&world, wait).await.unwrap();
    let swept = sweep(&world).await;
    assert_eq!((swept.n_expired, swept.next_at), (0, Some(soon)));
    world.advance(1_000);
    let swept = sweep(&world).await;
    assert_eq!((swept.n_expired, swept.next_at), (1, Some(later)));
    assert_eq!(world.status(attempt.run).await, Status::Waiting);
    world.advance(1_000);
    assert_eq!(sweep(&world).await.n_expired, 1);
    world.worker("w1").await;
    assert_eq!(world.claim("w1", 1).await.len(), 1);

    // All at once, too: as many as may be open.
    let mut many = world.attempt("many").await;
    let asked = (1..=u32::try_from(MAX_OPEN_REQUESTS).unwrap())
        .map(|n| approval(n, Some(world.now())))
        .collect();
    many.append(&world, asked).await.unwrap();
    assert_eq!(sweep(&world).await.n_expired, MAX_OPEN_REQUESTS);
}

fn with_deadline(thread: &str) -> Start {
    let mut asked = start(thread, OnConflict::Reject);
    asked.spec.budget.wall_ms = Some(20_000);
    asked
}

pub(crate) async fn a_deadline_gives_a_worker_time_and_then_ends_the_run(place: Place) {
    let world = World::open(place).await;
    let attempt = attempt_of(&world, with_deadline("t")).await;
    world.advance(29_999);
    world.worker("w1").await;
    let swept = sweep(&world).await;
    assert_eq!(swept.concluded, []);
    assert_eq!(swept.next_at, Some(world.now().plus_ms(1)));
    world.advance(1);
    assert_eq!(sweep(&world).await.concluded, [attempt.run]);
    let ended = outcome(&world, attempt.run).await;
    assert_eq!(ended.reason, Reason::Deadline);
    assert!(
        attempt
            .work(&world, Work::Finish(Outcome::completed()))
            .await
            .is_err()
    );
}

pub(crate) async fn a_deadline_also_ends_a_queued_run(place: Place) {
    let world = World::open(place).await;
    let attempt = attempt_of(&world, with_deadline("t")).await;
    let end = Work::End {
        end: AttemptEnd::HandedOver,
        why: "test".into(),
    };
    attempt.work(&world, end).await.unwrap();
    assert_eq!(
        sweep(&world).await.next_at,
        Some(world.now().plus_ms(5_000)),
        "the lease is first"
    );
    world.advance(19_999);
    let swept = sweep(&world).await;
    assert_eq!(swept.next_at, Some(world.now().plus_ms(1)));
    world.advance(1);
    assert_eq!(sweep(&world).await.concluded, [attempt.run]);
    assert_eq!(outcome(&world, attempt.run).await.reason, Reason::Deadline);
}

pub(crate) async fn a_stop_that_hangs_is_ended_from_outside(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let next = world
        .store
        .start(start("t", OnConflict::Enqueue))
        .await
        .unwrap();
    let stop = Command::Stop {
        by: By::server(),
        why: None,
        superseded_by: None,
    };
    let scope = Scope::local();
    world
        .store
        .command(&scope, attempt.run, stop)
        .await
        .unwrap();
    world.advance(9_999);
    world.worker("w1").await;
    assert_eq!(sweep(&world).await.concluded, []);
    world.advance(1);
    assert_eq!(sweep(&world).await.concluded, [attempt.run]);
    let ended = outcome(&world, attempt.run).await;
    assert_eq!(ended.reason, Reason::Stopped);
    let claimed = world.claim("w1", 1).await;
    assert_eq!(claimed[0].run.id, next.run.id);
}

pub(crate) async fn due_runs_that_nobody_claims_do_not_fill_the_sweep(place: Place) {
    let world = World::open(place).await;
    world.worker("w1").await;
    let n = SWEEP_RUNS + 10;
    for n in 0..n {
        world.run(&format!("t{n}")).await;
    }
    let claimed = world.claim("w1", n).await;
    assert_eq!(claimed.len(), n);
    let waits = claimed.iter().map(|claimed| async {
        let wait = Work::Wait {
            mode: WaitMode::Parked,
            due_at: Some(world.now().plus_ms(1)),
        };
        Attempt::of(claimed).work(&world, wait).await.unwrap()
    });
    join_all(waits).await;
    let last = attempt_of(&world, with_deadline("deadline")).await;
    world.advance(30_000);
    world.worker("w1").await;
    let swept = sweep(&world).await;
    assert!(!swept.more);
    assert_eq!(swept.concluded, [last.run]);
}

pub(crate) async fn load_a_sweep_says_that_there_is_more(place: Place) {
    let world = World::open(place).await;
    world.worker("w1").await;
    let n = SWEEP_RUNS + 10;
    let starts = (0..n).map(|n| {
        let mut asked = start(&format!("t{n}"), OnConflict::Reject);
        asked.spec = run::AgentSpec::new(DriverKind::Command);
        world.store.start(asked)
    });
    join_all(starts).await;
    assert_eq!(world.claim("w1", n).await.len(), n);
    world.advance(5_000);
    let swept = sweep(&world).await;
    assert_eq!((swept.lost.len(), swept.more), (SWEEP_RUNS, true));
    let swept = sweep(&world).await;
    assert_eq!((swept.lost.len(), swept.more), (10, false));
    assert_eq!(world.store.counts().await.unwrap().running, 0);
}

pub(crate) async fn the_next_sweep_is_known_also_behind_what_this_one_did(place: Place) {
    let world = World::open(place).await;
    assert_eq!(sweep(&world).await, Swept::default());
    let attempt = attempt_of(&world, with_deadline("t")).await;
    let lease = world.now().plus_ms(5_000);
    assert_eq!(sweep(&world).await.next_at, Some(lease));
    world.advance(5_000);
    let swept = sweep(&world).await;
    assert_eq!(swept.lost.len(), 1);
    let deadline = world.now().plus_ms(15_000);
    assert_eq!(swept.next_at, Some(deadline));
    world.advance(15_000);
    assert_eq!(sweep(&world).await.concluded, [attempt.run]);
    assert_eq!(sweep(&world).await, Swept::default());
}
