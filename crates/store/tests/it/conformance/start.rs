//! Starting runs on free and busy threads.

use futures_util::future::join_all;
use run::event::InputMode;
use run::{AgentSpec, DriverKind, InputId, Reason, RunId, State, Status, WaitMode};
use store::{Fate, Idempotency, OnConflict, RunFilter, RunRecord, Scope, Start, StartError};

use super::{Attempt, Place, World, scope_of, start};

async fn record(world: &World, run: RunId) -> RunRecord {
    world.store.run(&Scope::local(), run).await.unwrap()
}

/// Every run, the oldest first.
async fn all_runs(world: &World) -> Vec<RunId> {
    let (mut runs, mut after) = (Vec::new(), None);
    loop {
        let all = RunFilter::default();
        let page = world
            .store
            .runs(&Scope::local(), all, after, 200)
            .await
            .unwrap();
        runs.extend(page.entries.iter().map(|run| run.id));
        after = page.next;
        if after.is_none() {
            runs.reverse();
            return runs;
        }
    }
}

fn reason(record: &RunRecord) -> Option<Reason> {
    match &record.control.state {
        State::Final(outcome) => Some(outcome.reason),
        State::Queued { .. } | State::Running | State::Waiting { .. } => None,
    }
}

pub(crate) async fn a_free_thread_starts_at_once(place: Place) {
    let world = World::open(place).await;
    let asked = start("t", OnConflict::Reject);
    let started = world.store.start(asked.clone()).await.unwrap();
    assert_eq!(started.fate, Fate::Created);
    assert_eq!(started.run, record(&world, asked.run).await);
    assert!(started.run.is_current);
    assert_eq!(world.status(asked.run).await, Status::Queued);
    assert_eq!(world.kinds(asked.run).await, ["run.created"]);
    let thread = world
        .store
        .thread(&asked.scope, &asked.thread)
        .await
        .unwrap();
    assert_eq!(thread.current_run, Some(asked.run));
}

pub(crate) async fn a_busy_thread_refuses_and_names_its_run(place: Place) {
    let world = World::open(place).await;
    let first = world.run("t").await;
    let refused = start("t", OnConflict::Reject);
    let (loser, thread) = (refused.run, refused.thread.clone());
    assert_eq!(
        world.store.start(refused).await,
        Err(StartError::AlreadyActive { thread, run: first })
    );
    let unknown = world.store.run(&Scope::local(), loser).await;
    assert_eq!(unknown, Err(store::ReadError::Unknown));
    // Another thread is another matter.
    world.run("u").await;
}

pub(crate) async fn a_parked_and_a_held_run_are_current_too(place: Place) {
    let world = World::open(place).await;
    for (thread, mode) in [("parked", WaitMode::Parked), ("held", WaitMode::Held)] {
        let mut attempt = world.attempt(thread).await;
        attempt.ask_and_wait(&world, mode).await;
        assert_eq!(world.status(attempt.run).await, Status::Waiting);
        let refused = world.store.start(start(thread, OnConflict::Reject)).await;
        assert!(
            matches!(refused, Err(StartError::AlreadyActive { run, .. }) if run == attempt.run)
        );
        let enqueued = world.store.start(start(thread, OnConflict::Enqueue)).await;
        assert!(!enqueued.unwrap().run.is_current);
    }
}

pub(crate) async fn enqueued_runs_follow_one_another_in_order(place: Place) {
    let world = World::open(place).await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        let started = world.store.start(start("t", OnConflict::Enqueue)).await;
        runs.push(started.unwrap().run.id);
    }
    world.worker("w1").await;
    for (n, run) in runs.iter().enumerate() {
        let claimed = world.claim("w1", 10).await;
        assert_eq!(claimed.len(), 1, "only the current run of a thread is due");
        assert_eq!(claimed[0].run.id, *run, "run {n}");
        Attempt::of(&claimed[0]).finish(&world).await;
    }
    assert_eq!(world.claim("w1", 10).await, []);
}

pub(crate) async fn steer_goes_to_the_current_run_or_starts(place: Place) {
    let world = World::open(place).await;
    let first = world
        .store
        .start(start("t", OnConflict::Steer))
        .await
        .unwrap();
    assert_eq!(first.fate, Fate::Created);
    let steered = world
        .store
        .start(start("t", OnConflict::Steer))
        .await
        .unwrap();
    assert_eq!(steered.fate, Fate::Steered(InputId::nth(1)));
    assert_eq!(steered.run.id, first.run.id);
    assert_eq!(
        steered.run.control.inputs[0].mode,
        InputMode::Steer,
        "it waits to be heard"
    );
    assert_eq!(
        world.kinds(first.run.id).await,
        ["run.created", "input.received"]
    );
}

pub(crate) async fn steer_is_refused_where_no_input_is_heard(place: Place) {
    let world = World::open(place).await;
    let mut asked = start("t", OnConflict::Steer);
    asked.spec = AgentSpec::new(DriverKind::Model);
    world.store.start(asked.clone()).await.unwrap();
    asked.run = start("t", OnConflict::Steer).run;
    assert!(matches!(
        world.store.start(asked).await,
        Err(StartError::Refused(run::Refused::InputNotAccepted { .. }))
    ));
}

pub(crate) async fn supersede_ends_a_queued_run_and_takes_its_place(place: Place) {
    let world = World::open(place).await;
    let old = world.run("t").await;
    let waits = world
        .store
        .start(start("t", OnConflict::Enqueue))
        .await
        .unwrap();
    let new = world
        .store
        .start(start("t", OnConflict::Supersede(old)))
        .await
        .unwrap();
    assert!(new.run.is_current, "the queued run ended at once");
    let old = record(&world, old).await;
    assert_eq!(reason(&old), Some(Reason::Superseded));
    assert!(
        !record(&world, waits.run.id).await.is_current,
        "the new run stands before it"
    );
}

pub(crate) async fn supersede_tells_a_held_run_and_waits_first_in_line(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let waits = world
        .store
        .start(start("t", OnConflict::Enqueue))
        .await
        .unwrap();
    let new = world
        .store
        .start(start("t", OnConflict::Supersede(attempt.run)))
        .await
        .unwrap();
    assert!(!new.run.is_current);
    let old = record(&world, attempt.run).await;
    let stop = old.control.stop.clone().unwrap();
    assert_eq!(stop.superseded_by, Some(new.run.id));
    let stopped = run::Work::Finish(old.control.stopped());
    attempt.work(&world, stopped).await.unwrap();
    assert_eq!(
        reason(&record(&world, attempt.run).await),
        Some(Reason::Superseded)
    );
    assert!(record(&world, new.run.id).await.is_current);
    assert!(!record(&world, waits.run.id).await.is_current);
}

pub(crate) async fn superseding_what_is_not_current_names_what_is(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let waits = world
        .store
        .start(start("t", OnConflict::Enqueue))
        .await
        .unwrap();
    let mismatch = |current| StartError::SupersedeMismatch { current };
    let named = OnConflict::Supersede(waits.run.id);
    assert_eq!(
        world.store.start(start("t", named)).await,
        Err(mismatch(Some(attempt.run)))
    );
    attempt.finish(&world).await;
    let named = OnConflict::Supersede(attempt.run);
    assert_eq!(
        world.store.start(start("t", named)).await,
        Err(mismatch(Some(waits.run.id)))
    );
    assert_eq!(
        world.store.start(start("unknown", named)).await,
        Err(mismatch(None))
    );
}

pub(crate) async fn superseding_the_last_run_of_a_free_thread_starts(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    attempt.finish(&world).await;
    let named = OnConflict::Supersede(attempt.run);
    let started = world.store.start(start("t", named)).await.unwrap();
    assert!(started.run.is_current);
    let last = record(&world, attempt.run).await;
    assert_eq!(reason(&last), Some(Reason::Completed), "it is not stamped");
}

pub(crate) async fn load_of_a_thousand_rejecting_starts_one_wins(place: Place) {
    let world = World::open(place).await;
    let starts = (0..1_000).map(|_| world.store.start(start("t", OnConflict::Reject)));
    let answers = join_all(starts).await;
    let won: Vec<RunId> = answers
        .iter()
        .filter_map(|answer| answer.as_ref().ok())
        .map(|started| started.run.id)
        .collect();
    assert_eq!(won.len(), 1);
    for answer in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(answer, StartError::AlreadyActive { run, .. } if run == won[0]));
    }
    let all = RunFilter::default();
    let page = world
        .store
        .runs(&Scope::local(), all, None, 10)
        .await
        .unwrap();
    assert_eq!(page.entries.len(), 1, "the losers left nothing");
    world.worker("w1").await;
    assert_eq!(world.claim("w1", 2_000).await.len(), 1);
}

pub(crate) async fn load_a_thousand_enqueued_starts_run_one_after_another(place: Place) {
    let world = World::open(place).await;
    let starts = (0..1_000).map(|_| world.store.start(start("t", OnConflict::Enqueue)));
    let answers = join_all(starts).await;
    assert!(answers.iter().all(Result::is_ok));
    let runs = all_runs(&world).await;
    world.worker("w1").await;
    let mut performed = Vec::new();
    loop {
        let claimed = world.claim("w1", 10).await;
        assert!(claimed.len() <= 1);
        let Some(claimed) = claimed.first() else {
            break;
        };
        performed.push(claimed.run.id);
        Attempt::of(claimed).finish(&world).await;
    }
    assert!(performed == runs, "in the order of their creation");
}

pub(crate) async fn load_of_a_thousand_superseding_starts_none_is_lost(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let named = OnConflict::Supersede(attempt.run);
    let starts = (0..1_000).map(|_| world.store.start(start("t", named)));
    let answers = join_all(starts).await;
    assert!(answers.iter().all(Result::is_ok));
    let runs = all_runs(&world).await;
    assert_eq!(runs.len(), 1_001);
    let last = *runs.last().unwrap();
    for run in &runs[1..1_000] {
        let record = record(&world, *run).await;
        assert_eq!(reason(&record), Some(Reason::Superseded));
        let kinds = world.kinds(*run).await;
        assert_eq!(kinds, ["run.created", "run.finished"], "one final event");
    }
    attempt.finish(&world).await;
    assert!(record(&world, last).await.is_current);
    assert_eq!(
        world.store.start(start("t", named)).await,
        Err(StartError::SupersedeMismatch {
            current: Some(last)
        })
    );
}

fn keyed(key: &str, body: u8) -> Start {
    Start {
        idempotency: Some(Idempotency {
            key: key.to_owned(),
            body_hash: [body; 32],
        }),
        ..start("t", OnConflict::Enqueue)
    }
}

pub(crate) async fn a_repeated_key_gives_the_same_run(place: Place) {
    let mut world = World::open(place).await;
    let first = world.store.start(keyed("k", 1)).await.unwrap();
    for _ in 0..2 {
        let again = world.store.start(keyed("k", 1)).await.unwrap();
        assert_eq!(
            (again.fate, again.run.id),
            (Fate::Repeated, first.run.id),
            "before and after reopening"
        );
        world.reopen().await;
    }
    world.worker("w1").await;
    let claimed = world.claim("w1", 1).await;
    Attempt::of(&claimed[0]).finish(&world).await;
    let again = world.store.start(keyed("k", 1)).await.unwrap();
    assert_eq!(again.run.control.status(), Status::Succeeded);
    world
        .store
        .delete_run(&Scope::local(), first.run.id)
        .await
        .unwrap();
    let anew = world.store.start(keyed("k", 1)).await.unwrap();
    assert_eq!(anew.fate, Fate::Created, "a deleted run is no answer");
}

pub(crate) async fn a_repeated_key_steers_once(place: Place) {
    let world = World::open(place).await;
    let run = world.run("t").await;
    let steer = || Start {
        on_conflict: OnConflict::Steer,
        ..keyed("k", 1)
    };
    let first = world.store.start(steer()).await.unwrap();
    assert_eq!(first.fate, Fate::Steered(InputId::nth(1)));
    let again = world.store.start(steer()).await.unwrap();
    assert_eq!((again.fate, again.run.id), (Fate::Repeated, run));
    assert_eq!(world.kinds(run).await, ["run.created", "input.received"]);
}

pub(crate) async fn a_key_with_another_body_is_refused_and_other_users_have_their_own(
    place: Place,
) {
    let world = World::open(place).await;
    let first = world.store.start(keyed("k", 1)).await.unwrap();
    assert_eq!(
        world.store.start(keyed("k", 2)).await,
        Err(StartError::KeyReused { run: first.run.id })
    );
    for scope in [scope_of("default", Some("ann")), scope_of("other", None)] {
        let theirs = Start {
            scope,
            thread: run::ThreadId::parse("theirs").unwrap(),
            ..keyed("k", 2)
        };
        let started = world.store.start(theirs).await.unwrap();
        assert_eq!(started.fate, Fate::Created);
    }
}

pub(crate) async fn the_same_run_id_is_the_same_start(place: Place) {
    let world = World::open(place).await;
    let asked = start("t", OnConflict::Enqueue);
    let (again, other) = (
        world.store.start(asked.clone()),
        world.store.start(start("u", OnConflict::Reject)),
    );
    let first = world.store.start(asked.clone()).await.unwrap();
    assert_eq!(first.fate, Fate::Created);
    let (again, other) = tokio::join!(again, other);
    assert_eq!(again.unwrap().fate, Fate::Repeated);
    assert_eq!(other.unwrap().fate, Fate::Created, "it harms nobody else");
    let stranger = Start {
        scope: scope_of("other", None),
        ..asked
    };
    assert_eq!(world.store.start(stranger).await, Err(StartError::Unknown));
}

pub(crate) async fn a_full_queue_refuses_also_within_one_commit(place: Place) {
    let world = World::with(place, |options| options.queued_runs = 10).await;
    let starts = (0..100).map(|n| {
        let thread = format!("t{n}");
        world.store.start(start(&thread, OnConflict::Reject))
    });
    let answers = join_all(starts).await;
    let n_started = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(n_started, 10);
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refused, StartError::QueueFull { max: 10 });
    }
    // Another tenant has a queue of its own, and a steer needs no place in it.
    let other = Start {
        scope: scope_of("other", None),
        ..start("t", OnConflict::Reject)
    };
    world.store.start(other).await.unwrap();
    let steered = world.store.start(start("t0", OnConflict::Steer)).await;
    assert!(matches!(steered.unwrap().fate, Fate::Steered(_)));
    // A claim makes room.
    world.worker("w1").await;
    assert_eq!(world.claim("w1", 1).await.len(), 1);
    world.run("after").await;
}

pub(crate) async fn a_thread_of_somebody_else_is_unknown(place: Place) {
    let world = World::open(place).await;
    let anns = Start {
        scope: scope_of("default", Some("ann")),
        ..start("t", OnConflict::Reject)
    };
    world.store.start(anns).await.unwrap();
    let bobs = Start {
        scope: scope_of("default", Some("bob")),
        ..start("t", OnConflict::Enqueue)
    };
    assert_eq!(world.store.start(bobs).await, Err(StartError::Unknown));
    let other_tenants = Start {
        scope: scope_of("other", Some("bob")),
        ..start("t", OnConflict::Reject)
    };
    world.store.start(other_tenants).await.unwrap();
}

pub(crate) async fn the_next_in_line_is_current_in_the_same_transaction(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let next = world
        .store
        .start(start("t", OnConflict::Enqueue))
        .await
        .unwrap();
    let mut due = world.store.due();
    due.mark_unchanged();
    attempt.finish(&world).await;
    assert!(due.has_changed().unwrap(), "workers are told");
    assert!(record(&world, next.run.id).await.is_current);
    let refused = world.store.start(start("t", OnConflict::Reject)).await;
    assert!(matches!(refused, Err(StartError::AlreadyActive { run, .. }) if run == next.run.id));
}
