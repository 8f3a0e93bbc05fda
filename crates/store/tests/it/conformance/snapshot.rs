//! What a log folds to.

use run::{RunId, Snapshot};
use store::{SNAPSHOT_EVERY, Scope};

use super::{Place, World, approval, text};

async fn check(world: &World, run: RunId) {
    let mut folded = Snapshot::default();
    for envelope in world.events(run).await {
        folded.apply(&envelope);
    }
    let snapshot = world.store.snapshot(&Scope::local(), run).await.unwrap();
    assert_eq!(snapshot, folded);
}

pub(crate) async fn it_equals_the_fold_of_the_log_at_any_time(place: Place) {
    let mut world = World::open(place).await;
    let run = world.run("t").await;
    check(&world, run).await;
    world.worker("w1").await;
    let mut attempt = super::Attempt::of(&world.claim("w1", 1).await[0]);
    for n in 0..100 {
        attempt
            .say(&world, &format!("{n} {}", "x".repeat(100)))
            .await;
        if n % 10 == 0 {
            check(&world, run).await;
        }
        if n == 50 {
            world.reopen().await;
            world.worker("w1").await;
            check(&world, run).await;
        }
    }
    attempt
        .append(&world, vec![approval(1, None)])
        .await
        .unwrap();
    check(&world, run).await;
    attempt.finish(&world).await;
    check(&world, run).await;
    world.reopen().await;
    check(&world, run).await;
}

pub(crate) async fn a_long_log_is_read_from_a_checkpoint(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "first").await;
    for round in 0..3_u64 {
        for n in 0..=SNAPSHOT_EVERY / 100 {
            let events = (0..100).map(|_| text(&format!("{round}.{n} "))).collect();
            attempt.append(&world, events).await.unwrap();
        }
        // The first reading keeps what the second begins with.
        check(&world, attempt.run).await;
        check(&world, attempt.run).await;
        world.reopen().await;
        world.worker("w1").await;
        check(&world, attempt.run).await;
    }
    attempt.finish(&world).await;
    check(&world, attempt.run).await;
}
