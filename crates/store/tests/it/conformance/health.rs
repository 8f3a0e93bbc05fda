//! Counts, and the end of a store.

use futures_util::future::join_all;
use run::WaitMode;
use store::{Counts, Health, OnConflict, ReadError, Scope, StartError};

use super::{Place, World, start};

pub(crate) async fn counts_agree_with_what_there_is(place: Place) {
    let mut world = World::open(place).await;
    let mut waiting = world.attempt("a").await;
    waiting.ask_and_wait(&world, WaitMode::Parked).await;
    world.attempt("b").await;
    world.attempt("c").await.finish(&world).await;
    for _ in 0..3 {
        world
            .store
            .start(start("d", OnConflict::Enqueue))
            .await
            .unwrap();
    }
    for _ in 0..2 {
        let counts = Counts {
            queued: 3,
            running: 1,
            waiting: 1,
        };
        assert_eq!(world.store.counts().await, Ok(counts));
        world.reopen().await;
    }
    assert_eq!(*world.store.health().borrow(), Health::Ok);
    let instance = world.store.instance().to_owned();
    world.reopen().await;
    assert_eq!(world.store.instance(), instance);
}

pub(crate) async fn a_closed_store_says_so(place: Place) {
    let world = World::open(place).await;
    let run = world.run("t").await;
    world.store.close().await;
    world.store.close().await;
    let refused = world.store.start(start("u", OnConflict::Reject)).await;
    assert!(matches!(refused, Err(StartError::Unavailable(why)) if why.code == "closed"));
    let read = world.store.run(&Scope::local(), run).await;
    assert!(matches!(read, Err(ReadError::Unavailable(why)) if why.code == "closed"));
}

pub(crate) async fn load_close_answers_everything_that_was_asked(place: Place) {
    let mut world = World::open(place).await;
    let tasks: Vec<_> = (0..2_000)
        .map(|n| {
            let store = world.store.clone();
            tokio::spawn(async move {
                let started = store
                    .start(start(&format!("t{n}"), OnConflict::Reject))
                    .await;
                let read = store.counts().await;
                (started, read)
            })
        })
        .collect();
    tokio::task::yield_now().await;
    world.store.close().await;
    let mut n_started = 0;
    for answer in join_all(tasks).await {
        match answer.unwrap().0 {
            Ok(_) => n_started += 1,
            Err(StartError::Unavailable(why)) => assert_eq!(why.code, "closed"),
            Err(other) => panic!("{other}"),
        }
    }
    world.reopen().await;
    let counts = world.store.counts().await.unwrap();
    assert_eq!(
        counts.queued, n_started,
        "what was answered is there, and no more"
    );
}
