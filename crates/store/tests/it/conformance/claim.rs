//! Who gets which run.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use run::event::AttemptEnd;
use run::{By, Command, RunId, WaitMode, Work};
use store::{OnConflict, Scope, Start};

use super::{Attempt, Place, World, scope_of, start};

async fn run_of(world: &World, agent: &str, thread: &str, concurrency: Option<u32>) -> RunId {
    let mut asked = start(thread, OnConflict::Reject);
    agent.clone_into(&mut asked.agent);
    asked.spec.concurrency = concurrency;
    world.store.start(asked).await.unwrap().run.id
}

async fn claim(world: &World, max: usize) -> Vec<RunId> {
    let claimed = world.claim("w1", max).await;
    claimed.into_iter().map(|claimed| claimed.run.id).collect()
}

pub(crate) async fn runs_are_claimed_oldest_first_and_at_most_so_many(place: Place) {
    let world = World::open(place).await;
    world.worker("w1").await;
    let mut runs = Vec::new();
    for n in 0..5 {
        runs.push(world.run(&format!("t{n}")).await);
    }
    assert_eq!(claim(&world, 0).await, []);
    assert_eq!(claim(&world, 2).await, runs[..2]);
    assert_eq!(claim(&world, 10).await, runs[2..]);
    assert_eq!(claim(&world, 10).await, []);
    let record = world.store.run(&Scope::local(), runs[0]).await.unwrap();
    assert_eq!(record.worker.unwrap().as_str(), "w1");
    assert_eq!(record.control.attempt, 1);
}

pub(crate) async fn an_agent_has_its_places_per_tenant(place: Place) {
    let world = World::open(place).await;
    world.worker("w1").await;
    for n in 0..4 {
        run_of(&world, "a", &format!("t{n}"), Some(2)).await;
    }
    let mut other = Start {
        scope: scope_of("other", None),
        ..start("t", OnConflict::Reject)
    };
    "a".clone_into(&mut other.agent);
    other.spec.concurrency = Some(2);
    let others = other.run;
    world.store.start(other).await.unwrap();
    let claimed = claim(&world, 10).await;
    assert_eq!(claimed.len(), 3);
    assert!(claimed.contains(&others));
    assert_eq!(claim(&world, 10).await, []);
}

pub(crate) async fn a_full_agent_does_not_hide_others(place: Place) {
    let world = World::open(place).await;
    world.worker("w1").await;
    for n in 0..100 {
        run_of(&world, "busy", &format!("b{n}"), Some(1)).await;
    }
    let free = run_of(&world, "free", "f", None).await;
    assert_eq!(claim(&world, 1).await.len(), 1);
    assert_eq!(claim(&world, 1).await, [free]);
}

pub(crate) async fn a_run_that_is_due_later_is_claimed_later(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let wait = Work::Wait {
        mode: WaitMode::Parked,
        due_at: Some(world.now().plus_ms(1_000)),
    };
    attempt.work(&world, wait).await.unwrap();
    let swept = world.store.sweep().await.unwrap();
    assert_eq!(swept.next_at, Some(world.now().plus_ms(1_000)));
    world.advance(999);
    assert_eq!(claim(&world, 1).await, []);
    world.advance(1);
    assert_eq!(claim(&world, 1).await, [attempt.run]);
}

pub(crate) async fn a_retry_is_not_passed_over_for_ever(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let lost = || Work::End {
        end: AttemptEnd::Lost,
        why: "test".into(),
    };
    attempt.work(&world, lost()).await.unwrap();
    attempt = Attempt::of(&world.claim("w1", 1).await[0]);
    attempt.work(&world, lost()).await.unwrap();
    assert_eq!(claim(&world, 1).await, [], "the second loss waits");
    world.advance(1_000);
    // A queue that never empties must not keep it waiting.
    for n in 0..10 {
        world.advance(1);
        world.run(&format!("u{n}")).await;
    }
    assert_eq!(claim(&world, 1).await, [attempt.run]);
}

pub(crate) async fn a_dead_or_unknown_worker_gets_nothing(place: Place) {
    let world = World::open(place).await;
    let run = world.run("t").await;
    assert_eq!(claim(&world, 1).await, [], "never registered");
    let worker = world.worker("w1").await;
    world.advance(5_000);
    assert_eq!(claim(&world, 1).await, [], "its lease is over");
    assert!(world.store.renew(&worker, 5_000).await.unwrap());
    assert_eq!(claim(&world, 1).await, [run]);
    world.store.release(&worker).await.unwrap();
    world.run("u").await;
    assert_eq!(claim(&world, 1).await, [], "it gave its lease back");
}

pub(crate) async fn a_place_is_free_again_after_every_kind_of_end(place: Place) {
    let world = World::open(place).await;
    world.worker("w1").await;
    for n in 0..6 {
        run_of(&world, "a", &format!("t{n}"), Some(1)).await;
    }
    let mut due = world.store.due();
    for n in 0..6 {
        let claimed = world.claim("w1", 10).await;
        assert_eq!(claimed.len(), 1, "before end {n}");
        let mut attempt = Attempt::of(&claimed[0]);
        due.mark_unchanged();
        match n {
            0 => attempt.ask_and_wait(&world, WaitMode::Parked).await,
            1 => {
                let command = Command::Conclude(run::Outcome::aborted(run::Reason::Interrupted));
                let scope = Scope::local();
                world
                    .store
                    .command(&scope, attempt.run, command)
                    .await
                    .unwrap();
            }
            2 => {
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
                assert_eq!(claim(&world, 1).await, [], "a stop has to be heard first");
                world.advance(10_000);
                world.worker("w1").await;
                world.store.sweep().await.unwrap();
            }
            3 => {
                world
                    .store
                    .release(&claimed[0].run.worker.clone().unwrap())
                    .await
                    .unwrap();
                world.worker("w2").await;
                assert_eq!(world.store.sweep().await.unwrap().lost.len(), 1);
                world.worker("w1").await;
                // It is due again itself, and older.
                let claimed = world.claim("w1", 1).await;
                assert_eq!(claimed[0].run.id, attempt.run);
                Attempt::of(&claimed[0]).finish(&world).await;
            }
            _ => attempt.finish(&world).await,
        }
        assert!(due.has_changed().unwrap(), "workers hear of the free place");
    }
}

pub(crate) async fn load_workers_at_once_never_share_a_run(place: Place) {
    let world = World::open(place).await;
    let starts = (0..300).map(|n| {
        let thread = format!("t{n}");
        world.store.start(start(&thread, OnConflict::Reject))
    });
    assert!(join_all(starts).await.iter().all(Result::is_ok));
    let workers: Vec<String> = (0..8).map(|n| format!("w{n}")).collect();
    for worker in &workers {
        world.worker(worker).await;
    }
    let claims = workers.iter().map(|worker| async {
        let mut mine = Vec::new();
        loop {
            let claimed = world.claim(worker, 7).await;
            if claimed.is_empty() {
                return mine;
            }
            mine.extend(claimed.into_iter().map(|claimed| claimed.run.id));
        }
    });
    let claimed: Vec<RunId> = join_all(claims).await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 300);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 300);
}
