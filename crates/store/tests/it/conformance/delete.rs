//! What goes away, and what stays.

use run::Seq;
use store::{DeleteError, FollowError, OnConflict, ReadError, Scope};

use super::{Place, World, numbers, start};

pub(crate) async fn an_open_run_is_not_deleted(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let scope = Scope::local();
    assert_eq!(
        world.store.delete_run(&scope, attempt.run).await,
        Err(DeleteError::Open(attempt.run))
    );
}

pub(crate) async fn a_deleted_run_is_gone_with_its_log(place: Place) {
    let mut world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let scope = Scope::local();
    let mut follower = world
        .store
        .follow(&scope, attempt.run, Seq::ZERO)
        .await
        .unwrap();
    attempt.finish(&world).await;
    world.store.delete_run(&scope, attempt.run).await.unwrap();
    for _ in 0..2 {
        let store = &world.store;
        let run = store.run(&scope, attempt.run).await;
        assert_eq!(run, Err(ReadError::Unknown));
        let events = store.events(&scope, attempt.run, Seq::ZERO, 10).await;
        assert_eq!(events, Err(FollowError::Unknown));
        assert_eq!(
            store.delete_run(&scope, attempt.run).await,
            Err(DeleteError::Unknown)
        );
        world.reopen().await;
    }
    // Whoever was following sees what was ready, or hears that the log is gone; nobody waits for ever.
    loop {
        match follower.next().await {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                assert!(matches!(
                    error,
                    FollowError::LogExpired | FollowError::Unavailable(_)
                ));
                break;
            }
        }
    }
}

pub(crate) async fn what_follows_a_deleted_run_is_not_confused_with_it(place: Place) {
    let mut world = World::open(place).await;
    // Somebody else's events keep the journal from being emptied.
    let mut other = world.attempt("other").await;
    other.say(&world, "still here").await;
    for n in 0..3 {
        let mut attempt = world.attempt("t").await;
        for _ in 0..=n {
            attempt.say(&world, "of the first").await;
        }
        attempt.finish(&world).await;
        let scope = Scope::local();
        world.store.delete_run(&scope, attempt.run).await.unwrap();
        let next = world.run("t").await;
        world.reopen().await;
        assert_eq!(world.kinds(next).await, ["run.created"]);
        let mut attempt = world.store.run(&scope, next).await.unwrap();
        assert_eq!(attempt.control.last_seq, Seq(1));
        let stop = run::Command::Conclude(run::Outcome::aborted(run::Reason::Stopped));
        attempt = world.store.command(&scope, next, stop).await.unwrap().run;
        assert_eq!(attempt.control.last_seq, Seq(2));
        assert_eq!(numbers(&world.log(next).await), [1, 2]);
    }
}

pub(crate) async fn an_old_log_expires_and_its_run_stays(place: Place) {
    let mut world = World::with(place, |options| options.retain_ms = Some(1_000)).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "something").await;
    attempt.finish(&world).await;
    let open = world.run("open").await;
    let scope = Scope::local();
    world.advance(1_000);
    World::until("the log has expired", async || {
        world
            .store
            .run(&scope, attempt.run)
            .await
            .unwrap()
            .log_expired
    })
    .await;
    for _ in 0..2 {
        let store = &world.store;
        let record = store.run(&scope, attempt.run).await.unwrap();
        assert!(record.log_expired);
        assert_eq!(record.control.status(), run::Status::Succeeded);
        assert_eq!(record.control.last_seq, Seq(6));
        let events = store.events(&scope, attempt.run, Seq::ZERO, 10).await;
        assert_eq!(events, Err(FollowError::LogExpired));
        let follow = store.follow(&scope, attempt.run, Seq(2)).await;
        assert!(matches!(follow, Err(FollowError::LogExpired)));
        let behind = store.events(&scope, attempt.run, Seq(6), 10).await;
        assert!(behind.unwrap().is_final, "who has seen the end has seen it");
        assert!(store.snapshot(&scope, attempt.run).await.is_ok());
        assert_eq!(world.kinds(open).await, ["run.created"]);
        world.reopen().await;
    }
}

pub(crate) async fn a_log_does_not_expire_while_it_is_followed(place: Place) {
    let world = World::with(place, |options| options.retain_ms = Some(1_000)).await;
    let (mut read, mut other) = (world.attempt("a").await, world.attempt("b").await);
    for attempt in [&mut read, &mut other] {
        for _ in 0..40 {
            attempt.say(&world, &"x".repeat(20_000)).await;
        }
        attempt.finish(&world).await;
    }
    let scope = Scope::local();
    let log = world.log(read.run).await;
    let mut follower = world
        .store
        .follow(&scope, read.run, Seq::ZERO)
        .await
        .unwrap();
    let mut seen = follower.next().await.unwrap().unwrap().to_vec();
    assert!(seen.len() < log.len());
    world.advance(1_000);
    World::until("the other log has expired", async || {
        world
            .store
            .run(&scope, other.run)
            .await
            .unwrap()
            .log_expired
    })
    .await;
    while let Some(frames) = follower.next().await.unwrap() {
        seen.extend_from_slice(&frames);
    }
    assert!(seen == log);
    drop(follower);
    World::until("nobody follows any more", async || {
        world.store.run(&scope, read.run).await.unwrap().log_expired
    })
    .await;
    world
        .store
        .start(start("a", OnConflict::Reject))
        .await
        .unwrap();
}
