//! Commands of clients in every state of a run.

use run::event::{Decision, InputMode};
use run::{Answer, By, Command, InputId, Part, Refused, RequestId, RunId, Status, WaitMode, Work};
use store::{Applied, CommandError, Commanded, OnConflict, ReadError, Scope};

use super::{Place, World, approval, scope_of, start};

fn stop() -> Command {
    Command::Stop {
        by: By("ann".into()),
        why: None,
        superseded_by: None,
    }
}

fn allow() -> Command {
    Command::Answer {
        request: RequestId::nth(1),
        answer: Answer::Decision {
            decision: Decision::Allow,
            note: None,
        },
        by: By("ann".into()),
    }
}

async fn command(world: &World, run: RunId, command: Command) -> Result<Commanded, CommandError> {
    world.store.command(&Scope::local(), run, command).await
}

pub(crate) async fn a_stop_ends_what_nobody_performs(place: Place) {
    let world = World::open(place).await;
    let mut parked = world.attempt("parked").await;
    parked.ask_and_wait(&world, WaitMode::Parked).await;
    let queued = world.run("queued").await;
    for run in [queued, parked.run] {
        let commanded = command(&world, run, stop()).await.unwrap();
        assert_eq!(commanded.run.control.status(), Status::Aborted);
        assert!(!commanded.run.is_current);
        assert!(commanded.events.last().unwrap().is_final());
    }
    world.worker("w1").await;
    assert_eq!(world.claim("w1", 10).await, []);
    assert_eq!(
        world.kinds(parked.run).await[3..],
        [
            "run.waiting",
            "attempt.ended",
            "stop.requested",
            "request.expired",
            "run.finished"
        ]
    );
}

pub(crate) async fn a_stop_of_a_held_run_is_heard_by_its_worker(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let mut watch = world.store.watch(attempt.run).await.unwrap();
    let commanded = command(&world, attempt.run, stop()).await.unwrap();
    assert_eq!(commanded.events.len(), 1);
    watch.changed().await;
    assert!(watch.control().stop.is_some());
    assert_eq!(world.status(attempt.run).await, Status::Running);
    let again = command(&world, attempt.run, stop()).await.unwrap();
    assert_eq!(again.events, [], "asking twice is not an error");
    let stopped = Work::Finish(watch.control().stopped());
    attempt.work(&world, stopped).await.unwrap();
    assert_eq!(world.status(attempt.run).await, Status::Aborted);
}

pub(crate) async fn a_stop_in_line_leaves_the_line(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let mut line = Vec::new();
    for _ in 0..3 {
        let started = world.store.start(start("t", OnConflict::Enqueue)).await;
        line.push(started.unwrap().run.id);
    }
    command(&world, line[0], stop()).await.unwrap();
    assert_eq!(world.status(attempt.run).await, Status::Running);
    attempt.finish(&world).await;
    let claimed = world.claim("w1", 10).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].run.id, line[1]);
}

pub(crate) async fn a_stop_of_an_ended_run_says_so_and_writes_nothing(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    attempt.finish(&world).await;
    let log = world.log(attempt.run).await;
    assert_eq!(
        command(&world, attempt.run, stop()).await,
        Err(Refused::Final(Status::Succeeded).into())
    );
    assert_eq!(world.log(attempt.run).await, log);
}

pub(crate) async fn inputs_are_accepted_listed_and_taken_back(place: Place) {
    let world = World::open(place).await;
    let run = world.run("t").await;
    let input = |mode| Command::Input {
        mode,
        parts: vec![Part::text("go left")],
        by: By("ann".into()),
    };
    command(&world, run, input(InputMode::Steer)).await.unwrap();
    let two = command(&world, run, input(InputMode::FollowUp))
        .await
        .unwrap();
    assert_eq!(two.run.control.inputs.len(), 2);
    let back = |n| Command::TakeBack {
        input: InputId::nth(n),
    };
    let one = command(&world, run, back(1)).await.unwrap();
    assert_eq!(one.run.control.inputs[0].input, InputId::nth(2));
    assert_eq!(
        command(&world, run, back(1)).await,
        Err(Refused::InputNotPending(InputId::nth(1)).into())
    );
}

pub(crate) async fn the_first_of_two_answers_wins(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    attempt.ask_and_wait(&world, WaitMode::Held).await;
    let (a, b) = tokio::join!(
        command(&world, attempt.run, allow()),
        command(&world, attempt.run, allow())
    );
    let refused = Refused::RequestAnswered(RequestId::nth(1));
    let lost = [a, b].into_iter().filter_map(Result::err);
    assert_eq!(lost.collect::<Vec<_>>(), [refused.into()]);
    assert_eq!(world.status(attempt.run).await, Status::Running);
}

pub(crate) async fn an_answer_races_a_park_and_is_never_lost(place: Place) {
    let world = World::open(place).await;
    for n in 0..50 {
        let mut attempt = world.attempt(&format!("t{n}")).await;
        attempt
            .append(&world, vec![approval(1, None)])
            .await
            .unwrap();
        let wait = Work::Wait {
            mode: WaitMode::Parked,
            due_at: None,
        };
        let (parked, answered) = tokio::join!(
            attempt.work(&world, wait),
            command(&world, attempt.run, allow())
        );
        answered.unwrap();
        if parked.unwrap().wrote {
            let claimed = world.claim("w1", 1).await;
            assert_eq!(claimed.len(), 1, "the answer made the parked run due");
            super::Attempt::of(&claimed[0]).finish(&world).await;
        } else {
            attempt.finish(&world).await;
        }
    }
}

pub(crate) async fn an_answer_after_reopening_makes_the_run_due(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    attempt.ask_and_wait(&world, WaitMode::Parked).await;
    world.reopen().await;
    assert_eq!(world.status(attempt.run).await, Status::Waiting);
    world.worker("w1").await;
    assert_eq!(world.claim("w1", 1).await, []);
    let mut due = world.store.due();
    due.mark_unchanged();
    command(&world, attempt.run, allow()).await.unwrap();
    assert!(due.has_changed().unwrap());
    assert_eq!(world.claim("w1", 1).await.len(), 1);
}

pub(crate) async fn unknown_and_foreign_runs_answer_alike(place: Place) {
    let world = World::open(place).await;
    let anns = store::Start {
        scope: scope_of("default", Some("ann")),
        ..start("t", OnConflict::Reject)
    };
    let run = anns.run;
    world.store.start(anns).await.unwrap();
    let nobodys = start("x", OnConflict::Reject).run;
    for (scope, run) in [
        (scope_of("default", Some("bob")), run),
        (scope_of("other", None), run),
        (scope_of("default", None), nobodys),
    ] {
        let store = &world.store;
        assert_eq!(
            store.command(&scope, run, stop()).await,
            Err(CommandError::Unknown)
        );
        assert_eq!(store.run(&scope, run).await, Err(ReadError::Unknown));
        assert_eq!(store.snapshot(&scope, run).await, Err(ReadError::Unknown));
        let events = store.events(&scope, run, run::Seq::ZERO, 1).await;
        assert_eq!(events, Err(store::FollowError::Unknown));
        assert!(matches!(
            store.follow(&scope, run, run::Seq::ZERO).await,
            Err(store::FollowError::Unknown)
        ));
        assert_eq!(
            store.delete_run(&scope, run).await,
            Err(store::DeleteError::Unknown)
        );
    }
    assert!(
        command(&world, run, stop()).await.is_ok(),
        "the tenant sees it"
    );
}

pub(crate) async fn a_result_is_applied_once(place: Place) {
    let mut world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let applied = |by: &str| Applied {
        at: world.now(),
        by: by.to_owned(),
        reference: Some("r1".to_owned()),
    };
    let (first, second) = (applied("ann"), applied("bob"));
    let scope = Scope::local();
    assert_eq!(
        world.store.apply(&scope, attempt.run, first.clone()).await,
        Err(CommandError::NotSucceeded(Status::Running))
    );
    attempt.finish(&world).await;
    for who in [&first, &second] {
        let record = world
            .store
            .apply(&scope, attempt.run, who.clone())
            .await
            .unwrap();
        assert_eq!(record.applied.as_ref(), Some(&first));
    }
    world.reopen().await;
    let record = world.store.run(&scope, attempt.run).await.unwrap();
    assert_eq!(record.applied, Some(first));
}
