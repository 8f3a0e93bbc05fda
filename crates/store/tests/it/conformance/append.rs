//! What workers write.

use run::event::{Custom, MessageStarted};
use run::{Event, MAX_EVENT_BYTES, MessageId, Refused, Role, Seq};
use store::{Scope, WorkError};

use super::{Attempt, Place, World, numbers, text};

fn custom(value: serde_json::Value) -> Event {
    Custom {
        name: "x".into(),
        value,
    }
    .into()
}

pub(crate) async fn numbers_have_no_gaps(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    for n in 0..300 {
        let appended = attempt.say(&world, &format!("word {n} ")).await;
        assert!(appended.first <= appended.last);
    }
    attempt.finish(&world).await;
    let numbers = numbers(&world.log(attempt.run).await);
    let last = numbers.len() as u64;
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    let record = world.store.run(&Scope::local(), attempt.run).await.unwrap();
    assert_eq!(record.control.last_seq, Seq(last));
}

pub(crate) async fn a_repeated_append_answers_the_first_also_after_reopening(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let first = attempt.say(&world, "once").await;
    let log = world.log(attempt.run).await;
    for _ in 0..2 {
        let again = attempt.repeat(&world, vec![text("once")]).await.unwrap();
        assert_eq!((again.first, again.last), (first.first, first.last));
        assert_eq!(world.log(attempt.run).await, log);
        world.reopen().await;
    }
    // Also when the run has ended meanwhile: the events are there.
    attempt.finish(&world).await;
    world.reopen().await;
    let again = attempt.repeat(&world, vec![text("once")]).await.unwrap();
    assert_eq!((again.first, again.last), (first.first, first.last));
}

pub(crate) async fn a_repeat_is_known_after_others_wrote_and_the_store_was_reopened(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let mut other = world.attempt("u").await;
    let mut last = attempt.say(&world, "first").await;
    for n in 0..200 {
        last = attempt
            .say(&world, &format!("{n} {}", "x".repeat(30)))
            .await;
        if n % 50 == 0 {
            // What waits is folded by age, and what others write follows.
            world.advance(3_000);
            world.worker("w1").await;
        }
    }
    world.advance(3_000);
    world.worker("w1").await;
    for n in 0..100 {
        other.say(&world, &format!("{n} {}", "y".repeat(100))).await;
    }
    let log = world.log(attempt.run).await;
    world.reopen().await;
    world.worker("w1").await;
    let again = attempt.repeat(&world, vec![text("again")]).await.unwrap();
    assert_eq!((again.first, again.last), (last.first, last.last));
    assert!(world.log(attempt.run).await == log);
}

pub(crate) async fn an_older_append_number_is_refused(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "one").await;
    attempt.say(&world, "two").await;
    attempt.no = 1;
    let refused = attempt.repeat(&world, vec![text("one")]).await;
    assert!(matches!(
        refused,
        Err(WorkError::Refused(Refused::Unfit(_)))
    ));
    attempt.no = 3;
    let empty = attempt.repeat(&world, vec![]).await;
    assert!(matches!(empty, Err(WorkError::Refused(Refused::Unfit(_)))));
}

pub(crate) async fn an_old_fence_fails_alone(place: Place) {
    let world = World::open(place).await;
    let mut old = world.attempt("t").await;
    old.say(&world, "one").await;
    let why = "test".to_owned();
    let end = run::event::AttemptEnd::HandedOver;
    old.work(&world, run::Work::End { end, why }).await.unwrap();
    let mut new = Attempt::of(&world.claim("w1", 1).await[0]);
    let mut other = world.attempt("u").await;
    assert!(new.fence > old.fence);
    for _ in 0..20 {
        let started = vec![
            MessageStarted {
                message: MessageId::nth(9),
                role: Role::Assistant,
            }
            .into(),
        ];
        old.no += 1;
        let (fenced, written, others) = tokio::join!(
            old.repeat(&world, started),
            new.append(&world, vec![custom(1.into())]),
            other.append(&world, vec![custom(2.into())])
        );
        let refused = Refused::Fenced {
            given: old.fence,
            current: new.fence,
        };
        assert_eq!(fenced, Err(refused.into()));
        written.unwrap();
        others.unwrap();
    }
    let stop = run::Work::Finish(run::Outcome::completed());
    assert!(old.work(&world, stop).await.is_err());
    assert!(world.status(old.run).await == run::Status::Running);
}

pub(crate) async fn a_too_large_event_leaves_no_trace(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "one").await;
    let log = world.log(attempt.run).await;
    let large = custom("x".repeat(MAX_EVENT_BYTES).into());
    let refused = attempt
        .append(&world, vec![custom(1.into()), large, custom(2.into())])
        .await;
    assert!(
        matches!(&refused, Err(WorkError::TooLarge { kind, bytes, max }) if kind == "custom" && bytes > max)
    );
    assert_eq!(world.log(attempt.run).await, log);
    let many = vec![custom("x".repeat(MAX_EVENT_BYTES / 2).into()); 9];
    let refused = attempt.repeat(&world, many).await;
    assert!(
        matches!(&refused, Err(WorkError::Refused(Refused::Unfit(why))) if why.contains("bytes"))
    );
    assert_eq!(world.log(attempt.run).await, log);
    // The same number is still free.
    attempt
        .repeat(&world, vec![custom(1.into())])
        .await
        .unwrap();
    world.reopen().await;
    let kinds = world.kinds(attempt.run).await;
    assert_eq!(kinds[2..], ["message.started", "text.delta", "custom"]);
}

pub(crate) async fn an_unfit_event_leaves_no_trace(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let log = world.log(attempt.run).await;
    let refused = attempt
        .append(&world, vec![custom(1.into()), text("no message is open")])
        .await;
    assert!(matches!(
        refused,
        Err(WorkError::Refused(Refused::Unfit(_)))
    ));
    assert_eq!(world.log(attempt.run).await, log);
    attempt
        .repeat(&world, vec![custom(1.into())])
        .await
        .unwrap();
}

pub(crate) async fn an_event_of_a_mebibyte_fits(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let large = "x".repeat(MAX_EVENT_BYTES - 200);
    for _ in 0..3 {
        attempt
            .append(&world, vec![custom(large.clone().into())])
            .await
            .unwrap();
    }
    let log = world.log(attempt.run).await;
    assert_eq!(numbers(&log), (1..=5).collect::<Vec<_>>());
    attempt.finish(&world).await;
    world.reopen().await;
    assert!(world.log(attempt.run).await.starts_with(&log));
}

pub(crate) async fn events_of_one_commit_are_in_the_log_in_order(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let events = (0..500).map(|n| custom(n.into())).collect();
    let appended = attempt.append(&world, events).await.unwrap();
    assert_eq!((appended.first, appended.last), (Seq(3), Seq(502)));
    let seen: Vec<Event> = world.events(attempt.run).await[2..]
        .iter()
        .map(|envelope| envelope.event.clone())
        .collect();
    let expected: Vec<Event> = (0..500).map(|n| custom(n.into())).collect();
    assert_eq!(seen, expected);
}
