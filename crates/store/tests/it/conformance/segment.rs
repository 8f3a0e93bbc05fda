//! Names that clients of other protocols give to stretches of runs.

use run::Seq;
use store::{CommandError, Fate, OnConflict, Scope, Segment, SegmentName};

use super::{Place, World, scope_of, start};

fn name(id: &str) -> SegmentName {
    SegmentName {
        face: "agui",
        id: id.to_owned(),
    }
}

pub(crate) async fn a_start_under_a_name_that_was_used_is_the_same_run(place: Place) {
    let mut world = World::open(place).await;
    let mut first = start("t", OnConflict::Reject);
    first.segment = Some(name("r1"));
    let started = world.store.start(first.clone()).await.unwrap();
    let run = started.run.id;
    world.reopen().await;
    let mut again = start("t", OnConflict::Reject);
    again.segment = Some(name("r1"));
    let repeated = world.store.start(again.clone()).await.unwrap();
    assert_eq!((repeated.run.id, repeated.fate), (run, Fate::Repeated));
    // Another user's names are others.
    again.scope = scope_of("default", Some("bob"));
    again.thread = run::ThreadId::parse("u").unwrap();
    let other = world.store.start(again).await.unwrap();
    assert_eq!(other.fate, Fate::Created);
    let found = world.store.segment(&Scope::local(), &name("r1")).await;
    let first_seq = Seq(1);
    assert_eq!(found.unwrap(), Some(Segment { run, first_seq }));
}

pub(crate) async fn a_name_keeps_its_meaning_and_goes_with_its_run(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let (run, scope) = (attempt.run, Scope::local());
    let at = |seq| Segment {
        run,
        first_seq: Seq(seq),
    };
    let store = &world.store;
    for (given, kept) in [(7, 7), (9, 7)] {
        let named = store.name_segment(&scope, name("r2"), at(given)).await;
        assert_eq!(named, Ok(at(kept)));
    }
    let foreign = store
        .name_segment(&scope_of("default", Some("bob")), name("r3"), at(1))
        .await;
    assert_eq!(foreign, Err(CommandError::Unknown));
    let names = store.segments(run).await.unwrap();
    assert_eq!(names, [("agui".to_owned(), "r2".to_owned(), Seq(7))]);
    attempt.finish(&world).await;
    store.delete_run(&scope, run).await.unwrap();
    assert_eq!(store.segment(&scope, &name("r2")).await.unwrap(), None);
}
