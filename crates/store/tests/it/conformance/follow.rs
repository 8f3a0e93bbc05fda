//! Following a log: replay and live without a gap or a double.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use run::{RunId, Seq, frame};
use store::{FollowError, Follower, OnConflict, Ready, Scope, Store};
use tokio::sync::watch;

use super::{Attempt, Place, World, numbers, start};

async fn follow(store: &Store, run: RunId, after: u64) -> Follower {
    let scope = Scope::local();
    store.follow(&scope, run, Seq(after)).await.unwrap()
}

async fn to_the_end(mut follower: Follower) -> Vec<u8> {
    let mut seen = Vec::new();
    while let Some(frames) = follower.next().await.unwrap() {
        assert!(!frames.is_empty());
        seen.extend_from_slice(&frames);
    }
    seen
}

pub(crate) async fn load_every_follower_sees_the_log_as_it_is(place: Place) {
    const APPENDS: usize = 600;
    let world = Arc::new(World::open(place).await);
    let mut attempt = world.attempt("t").await;
    let written = watch::Sender::new(0);
    let mut followers = Vec::new();
    for n in 0..120 {
        let (world, run, mut written) = (Arc::clone(&world), attempt.run, written.subscribe());
        followers.push(tokio::spawn(async move {
            // They come one after another, and every third is slow: it reads again only when much has been written.
            let mut at = n * 4;
            written.wait_for(|written| *written >= at).await.unwrap();
            let mut follower = follow(&world.store, run, 0).await;
            let mut seen = Vec::new();
            while let Some(frames) = follower.next().await.unwrap() {
                seen.extend_from_slice(&frames);
                if n % 3 == 0 {
                    at = (*written.borrow() + n).min(APPENDS);
                    written.wait_for(|written| *written >= at).await.unwrap();
                }
            }
            seen
        }));
    }
    for n in 0..APPENDS {
        attempt
            .say(&world, &format!("{n} {}", "x".repeat(n % 300)))
            .await;
        if n % 100 == 0 {
            // What is folded by age meanwhile changes nothing for anybody.
            world.advance(3_000);
            world.worker("w1").await;
        }
        written.send_replace(n + 1);
    }
    attempt.finish(&world).await;
    let log = world.log(attempt.run).await;
    let last = numbers(&log).len() as u64;
    assert_eq!(numbers(&log), (1..=last).collect::<Vec<_>>());
    for seen in join_all(followers).await {
        assert!(seen.unwrap() == log, "a follower saw something else");
    }
}

pub(crate) async fn a_cursor_that_the_log_cannot_have_given_is_an_error(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let scope = Scope::local();
    for last in [2, 3] {
        let refused = world
            .store
            .follow(&scope, attempt.run, Seq(last + 1))
            .await
            .err();
        let expected = FollowError::CursorUnknown {
            after: Seq(last + 1),
            last: Seq(last),
        };
        assert_eq!(refused, Some(expected.clone()));
        let events = world
            .store
            .events(&scope, attempt.run, Seq(u64::MAX - 1), 1);
        assert!(matches!(
            events.await,
            Err(FollowError::CursorUnknown { .. })
        ));
        let mut at_the_end = follow(&world.store, attempt.run, last).await;
        if last == 2 {
            assert_eq!(at_the_end.ready().await, Ok(Ready::Nothing));
            attempt.finish(&world).await;
        } else {
            assert_eq!(at_the_end.next().await, Ok(None));
        }
    }
}

pub(crate) async fn a_follower_begins_in_the_middle(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    for n in 0..100 {
        attempt
            .say(&world, &format!("{n} {}", "x".repeat(100)))
            .await;
    }
    for _ in 0..2 {
        let log = world.log(attempt.run).await;
        for after in [0, 1, 2, 50, 99, 103] {
            let mut follower = follow(&world.store, attempt.run, after).await;
            let mut seen = Vec::new();
            while let Ready::Frames(frames) = follower.ready().await.unwrap() {
                seen.extend_from_slice(&frames);
            }
            let expected: Vec<u8> = frame::split(&log)
                .skip(usize::try_from(after).unwrap())
                .flatten()
                .copied()
                .collect();
            assert!(seen == expected, "after {after}");
        }
        world.reopen().await;
    }
}

pub(crate) async fn a_follower_of_an_ended_run_ends(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    attempt.finish(&world).await;
    let log = world.log(attempt.run).await;
    assert_eq!(
        to_the_end(follow(&world.store, attempt.run, 0).await).await,
        log
    );
    let behind = to_the_end(follow(&world.store, attempt.run, 3).await).await;
    assert!(behind.is_empty());
}

pub(crate) async fn an_idle_run_wakes_its_followers(place: Place) {
    let mut world = World::open(place).await;
    let current = world.attempt("t").await;
    let waits = world
        .store
        .start(start("t", OnConflict::Enqueue))
        .await
        .unwrap();
    // Long enough to be folded and forgotten, then read back for its follower.
    world.reopen().await;
    world.advance(10_000);
    world.worker("w1").await;
    let mut follower = follow(&world.store, waits.run.id, 1).await;
    assert_eq!(follower.ready().await, Ok(Ready::Nothing));
    let next = tokio::spawn(async move {
        let frames = follower.next().await;
        (frames, follower)
    });
    current.finish(&world).await;
    let claimed = world.claim("w1", 1).await;
    let (frames, follower) = next.await.unwrap();
    assert_eq!(numbers(&frames.unwrap().unwrap()), [2]);
    Attempt::of(&claimed[0]).finish(&world).await;
    assert_eq!(numbers(&to_the_end(follower).await), [3]);
}

pub(crate) async fn dropping_a_waiting_future_loses_nothing(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let mut follower = follow(&world.store, attempt.run, 0).await;
    let mut seen = Vec::new();
    attempt.say(&world, "first").await;
    for n in 0..300 {
        let said = format!("{n} {}", "x".repeat(50));
        tokio::select! {
            biased;
            _ = attempt.say(&world, &said) => {}
            frames = follower.next() => seen.extend_from_slice(&frames.unwrap().unwrap()),
        }
        // A write that was dropped under way may have happened or not: repeat it under its number.
        attempt
            .repeat(&world, vec![super::text(&n.to_string())])
            .await
            .unwrap();
        let quick = tokio::time::timeout(Duration::from_micros(n % 200), follower.next());
        if let Ok(frames) = quick.await {
            seen.extend_from_slice(&frames.unwrap().unwrap());
        }
    }
    attempt.finish(&world).await;
    seen.extend(to_the_end(follower).await);
    assert!(seen == world.log(attempt.run).await);
}

pub(crate) async fn a_follower_ends_only_behind_the_final_event(place: Place) {
    let world = Arc::new(World::open(place).await);
    for n in 0..40 {
        let attempt = world.attempt(&format!("t{n}")).await;
        let followers: Vec<_> = (0..4)
            .map(|_| {
                let (world, run) = (Arc::clone(&world), attempt.run);
                tokio::spawn(async move { to_the_end(follow(&world.store, run, 0).await).await })
            })
            .collect();
        attempt.finish(&world).await;
        for seen in join_all(followers).await {
            let seen = seen.unwrap();
            let last = frame::split(&seen).last().and_then(frame::parse).unwrap();
            assert!(last.event.is_final());
        }
    }
}

pub(crate) async fn a_closed_store_ends_its_followers(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let mut follower = follow(&world.store, attempt.run, 2).await;
    let waiting = tokio::spawn(async move { follower.next().await });
    world.store.close().await;
    let ended = waiting.await.unwrap();
    assert!(matches!(&ended, Err(FollowError::Unavailable(why)) if why.code == "closed"));
}

pub(crate) async fn a_watch_counts_followers_and_wakes(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let mut watch = world.store.watch(attempt.run).await.unwrap();
    assert_eq!(watch.n_followers(), 0);
    let follower = follow(&world.store, attempt.run, 0).await;
    assert_eq!(watch.n_followers(), 1);
    drop(follower);
    assert_eq!(watch.n_followers(), 0);
    attempt
        .append(&world, vec![super::approval(1, None)])
        .await
        .unwrap();
    watch.changed().await;
    assert_eq!(watch.control().requests.len(), 1);
    let nobodys = start("x", OnConflict::Reject).run;
    assert!(world.store.watch(nobodys).await.is_err());
}
