//! Leases of workers.

use run::{Status, WorkerId};
use store::Store;

use super::{Attempt, Place, World};

fn w1() -> WorkerId {
    WorkerId::parse("w1").unwrap()
}

async fn renew(store: &Store) -> bool {
    store.renew(&w1(), 5_000).await.unwrap()
}

pub(crate) async fn an_expired_lease_that_was_not_settled_can_be_renewed(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    world.advance(60_000);
    assert!(renew(&world.store).await);
    assert_eq!(world.store.sweep().await.unwrap().lost, []);
    attempt.say(&world, "still here").await;
}

pub(crate) async fn a_settled_lease_is_gone(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    world.advance(5_000);
    let swept = world.store.sweep().await.unwrap();
    assert_eq!(swept.lost, [(attempt.run, Status::Queued)]);
    assert!(!renew(&world.store).await);
    assert!(
        attempt
            .repeat(&world, vec![super::approval(1, None)])
            .await
            .is_err()
    );
}

pub(crate) async fn an_outcome_is_written_after_the_lease_as_long_as_the_fence_holds(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    world.advance(60_000);
    attempt.finish(&world).await;
    assert_eq!(world.status(attempt.run).await, Status::Succeeded);
    assert_eq!(world.store.sweep().await.unwrap().lost, []);
}

pub(crate) async fn leases_of_an_earlier_boot_are_void(place: Place) {
    let mut world = World::open(place).await;
    let attempt = world.attempt("t").await;
    world.reopen().await;
    assert!(!renew(&world.store).await);
    world.worker("w1").await;
    let swept = world.store.sweep().await.unwrap();
    assert_eq!(
        swept.lost,
        [],
        "a worker that came back under its name keeps its run"
    );
    world.reopen().await;
    let swept = world.store.sweep().await.unwrap();
    assert_eq!(swept.lost, [(attempt.run, Status::Queued)]);
}

pub(crate) async fn a_new_lease_is_told_to_whoever_sweeps(place: Place) {
    let world = World::open(place).await;
    let mut due = world.store.due();
    due.mark_unchanged();
    world.worker("w1").await;
    assert!(due.has_changed().unwrap());
    due.mark_unchanged();
    assert!(renew(&world.store).await);
    assert!(!due.has_changed().unwrap(), "but not at each renewal");
}

pub(crate) async fn a_released_worker_leaves_its_runs_to_the_next_sweep(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let mut due = world.store.due();
    due.mark_unchanged();
    world.store.release(&w1()).await.unwrap();
    assert!(due.has_changed().unwrap());
    let swept = world.store.sweep().await.unwrap();
    assert_eq!(swept.lost, [(attempt.run, Status::Queued)]);
    world.worker("w2").await;
    Attempt::of(&world.claim("w2", 1).await[0])
        .finish(&world)
        .await;
}
