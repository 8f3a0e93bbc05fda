//! Pages of events.

use run::Seq;
use store::{READ_BYTES, Scope};

use super::{Place, World, numbers};

pub(crate) async fn pages_go_on_where_the_last_one_ended(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    for n in 0..100 {
        attempt
            .say(&world, &format!("{n} {}", "x".repeat(100)))
            .await;
    }
    attempt.finish(&world).await;
    let scope = Scope::local();
    let log = world.log(attempt.run).await;
    for max in [1, 2, 7, 1_000] {
        let mut seen = Vec::new();
        let mut after = Seq::ZERO;
        loop {
            let page = world
                .store
                .events(&scope, attempt.run, after, max)
                .await
                .unwrap();
            assert!(numbers(&page.frames).len() <= max);
            seen.extend_from_slice(&page.frames);
            after = page.next;
            if page.is_final {
                break;
            }
        }
        assert!(seen == log, "pages of {max}");
    }
    let behind = world
        .store
        .events(&scope, attempt.run, Seq(numbers(&log).len() as u64), 10)
        .await
        .unwrap();
    assert!(behind.frames.is_empty() && behind.is_final);
}

pub(crate) async fn an_empty_page_is_not_final_while_the_run_is_open(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let scope = Scope::local();
    let page = world.store.events(&scope, attempt.run, Seq(2), 10).await;
    let page = page.unwrap();
    assert!(page.frames.is_empty() && !page.is_final && page.next == Seq(2));
}

pub(crate) async fn a_page_is_bounded_in_bytes(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    for _ in 0..40 {
        attempt.say(&world, &"x".repeat(64 * 1024)).await;
    }
    for _ in 0..2 {
        let scope = Scope::local();
        let page = world
            .store
            .events(&scope, attempt.run, Seq::ZERO, 10_000)
            .await
            .unwrap();
        assert!(page.frames.len() <= 2 * READ_BYTES);
        let n = numbers(&world.log(attempt.run).await).len();
        assert_eq!(n, 43, "all pages together have everything");
        world.reopen().await;
    }
}
