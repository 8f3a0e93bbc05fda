//! What was before a run on its thread.

use run::{By, Command, RunId};
use store::{OnConflict, ReadError, Scope, Start};

use super::{Attempt, Place, World, scope_of, start};

/// All pages of so many runs each.
async fn pages(world: &World, run: RunId, max: usize) -> Vec<RunId> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = world
            .store
            .history(&Scope::local(), run, after, max)
            .await
            .unwrap();
        assert!(page.entries.len() <= max);
        seen.extend(page.entries.into_iter().map(|run| run.id));
        after = page.next;
        if after.is_none() {
            return seen;
        }
    }
}

async fn finished(world: &World, thread: &str) -> RunId {
    let attempt = world.attempt(thread).await;
    attempt.finish(world).await;
    attempt.run
}

pub(crate) async fn finished_runs_come_back_the_last_one_first(place: Place) {
    let mut world = World::open(place).await;
    let mut runs = Vec::new();
    for n in 0..5 {
        runs.push(finished(&world, "t").await);
        finished(&world, "another").await;
        // Some of them in one millisecond.
        world.advance(n % 2);
    }
    let open = world.run("t").await;
    runs.reverse();
    for max in [1, 2, 5, 100] {
        assert_eq!(pages(&world, open, max).await, runs);
        assert_eq!(pages(&world, runs[0], max).await, runs[1..]);
    }
    world.reopen().await;
    assert_eq!(pages(&world, open, 3).await, runs);
    assert_eq!(pages(&world, runs[4], 3).await, []);
}

pub(crate) async fn the_order_is_that_of_the_ends(place: Place) {
    let world = World::open(place).await;
    let first = world.attempt("t").await;
    let mut queued = Vec::new();
    for _ in 0..3 {
        let started = world.store.start(start("t", OnConflict::Enqueue)).await;
        queued.push(started.unwrap().run.id);
    }
    let [stays, stopped, last] = queued[..] else {
        panic!()
    };
    let stop = Command::Stop {
        by: By::server(),
        why: None,
        superseded_by: None,
    };
    let scope = Scope::local();
    world.store.command(&scope, stopped, stop).await.unwrap();
    world.advance(1);
    first.finish(&world).await;
    // What never began was never said to anybody.
    assert_eq!(pages(&world, stays, 1).await, [first.run]);
    world.advance(1);
    let next = Attempt::of(&world.claim("w1", 1).await[0]);
    assert_eq!(next.run, stays);
    next.finish(&world).await;
    assert_eq!(pages(&world, last, 2).await, [stays, first.run]);
}

pub(crate) async fn a_run_that_ends_meanwhile_is_never_before_itself(place: Place) {
    let world = World::open(place).await;
    for n in 0..50 {
        let attempt = world.attempt(&format!("t{n}")).await;
        let looks = async {
            for _ in 0..10 {
                let before = pages(&world, attempt.run, 100).await;
                assert!(!before.contains(&attempt.run));
            }
        };
        tokio::join!(attempt.finish(&world), looks);
    }
}

pub(crate) async fn runs_whose_log_is_gone_are_left_out(place: Place) {
    let world = World::with(place, |options| options.retain_ms = Some(1_000)).await;
    let old = finished(&world, "t").await;
    world.advance(900);
    let young = finished(&world, "t").await;
    let open = world.run("t").await;
    assert_eq!(pages(&world, open, 9).await, [young, old]);
    world.advance(100);
    World::until("the old log has expired", async || {
        pages(&world, open, 9).await == [young]
    })
    .await;
}

pub(crate) async fn what_was_done_again_is_left_out_once_it_was(place: Place) {
    let mut world = World::open(place).await;
    let again = |run: RunId, thread: &str| Start {
        retries: Some(run),
        ..start(thread, OnConflict::Enqueue)
    };
    let first = finished(&world, "t").await;
    world.advance(1);
    let second = finished(&world, "t").await;
    world.advance(1);
    // One that never began takes nobody's place.
    let held = world.attempt("t").await;
    let cancelled = world.store.start(again(second, "t")).await.unwrap().run.id;
    let scope = Scope::local();
    let stop = Command::Stop {
        by: By::server(),
        why: None,
        superseded_by: None,
    };
    world.store.command(&scope, cancelled, stop).await.unwrap();
    assert_eq!(pages(&world, held.run, 9).await, [second, first]);
    held.finish(&world).await;
    world.advance(1);
    // The run that does it again is not told of the first time, not even before it begins.
    let retry = world.store.start(again(first, "t")).await.unwrap().run.id;
    world.reopen().await;
    assert_eq!(pages(&world, retry, 9).await, [held.run, second]);
    // Who came before it is.
    assert_eq!(pages(&world, second, 9).await, [first]);
    world.worker("w1").await;
    Attempt::of(&world.claim("w1", 1).await[0])
        .finish(&world)
        .await;
    let last = world.run("t").await;
    assert_eq!(pages(&world, last, 9).await, [retry, held.run, second]);
}

pub(crate) async fn the_history_of_somebody_else_is_unknown(place: Place) {
    let world = World::open(place).await;
    let run = world.run("t").await;
    for scope in [scope_of("other", None), scope_of("default", Some("ann"))] {
        let page = world.store.history(&scope, run, None, 10).await;
        assert_eq!(page, Err(ReadError::Unknown));
    }
}
