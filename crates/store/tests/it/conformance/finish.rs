//! How runs and attempts end.

use run::event::{AttemptEnd, Custom, InputMode, ToolCalled, ToolKind, ToolStarted, TurnStarted};
use run::{By, CallId, Command, InputId, Outcome, Part, Refused, Status, TurnId, WaitMode, Work};
use store::{Scope, WorkError};

use super::{Attempt, Place, World, approval};

fn completed() -> Work {
    Work::Finish(Outcome::completed())
}

pub(crate) async fn the_end_closes_what_is_open(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "half a sent").await;
    let call = CallId::nth(1);
    let events = vec![
        TurnStarted {
            turn: TurnId::nth(1),
            input: None,
            model: None,
        }
        .into(),
        ToolStarted {
            call: call.clone(),
            name: "look".into(),
            kind: ToolKind::Search,
            title: None,
            message: None,
            idempotent: false,
        }
        .into(),
        ToolCalled {
            call,
            args: serde_json::json!({}),
            vendor: None,
        }
        .into(),
        approval(1, None),
    ];
    attempt.append(&world, events).await.unwrap();
    let stop = Command::Conclude(Outcome::aborted(run::Reason::Interrupted));
    let scope = Scope::local();
    world
        .store
        .command(&scope, attempt.run, stop)
        .await
        .unwrap();
    let record = world.store.run(&scope, attempt.run).await.unwrap();
    assert!(record.control.is_closed());
    assert_eq!(
        world.kinds(attempt.run).await[8..],
        [
            "tool.completed",
            "message.completed",
            "request.expired",
            "turn.completed",
            "run.finished"
        ]
    );
}

pub(crate) async fn there_is_one_final_event_and_nothing_after_it(place: Place) {
    let world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    let (a, b) = tokio::join!(
        attempt.work(&world, completed()),
        attempt.work(&world, completed())
    );
    let refused = WorkError::from(Refused::Final(Status::Succeeded));
    let lost = [a, b].into_iter().filter_map(Result::err);
    assert_eq!(lost.collect::<Vec<_>>(), std::slice::from_ref(&refused));
    let late = Custom {
        name: "late".into(),
        value: 1.into(),
    };
    assert_eq!(
        attempt.append(&world, vec![late.into()]).await,
        Err(refused.clone())
    );
    let wait = Work::Wait {
        mode: WaitMode::Held,
        due_at: None,
    };
    assert_eq!(attempt.work(&world, wait).await, Err(refused));
    let kinds = world.kinds(attempt.run).await;
    assert_eq!(kinds, ["run.created", "attempt.started", "run.finished"]);
    let page = world
        .store
        .events(&Scope::local(), attempt.run, run::Seq::ZERO, 3)
        .await
        .unwrap();
    assert!(page.is_final, "also when the page is just full");
}

pub(crate) async fn a_follow_up_refuses_the_end(place: Place) {
    let world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let input = Command::Input {
        mode: InputMode::FollowUp,
        parts: vec![Part::text("and then?")],
        by: By("ann".into()),
    };
    let scope = Scope::local();
    world
        .store
        .command(&scope, attempt.run, input)
        .await
        .unwrap();
    let one = InputId::nth(1);
    assert_eq!(
        attempt.work(&world, completed()).await,
        Err(Refused::InputsPending(vec![one.clone()]).into())
    );
    let consume = Work::Consume {
        input: one,
        turn: TurnId::nth(1),
    };
    attempt.work(&world, consume).await.unwrap();
    attempt.work(&world, completed()).await.unwrap();
}

pub(crate) async fn the_output_is_kept_with_the_run(place: Place) {
    let mut world = World::open(place).await;
    let attempt = world.attempt("t").await;
    let output = serde_json::json!({"cost": 0.1, "list": [1, null]});
    let done = Outcome::completed().with_output(output.clone());
    attempt.work(&world, Work::Finish(done)).await.unwrap();
    for _ in 0..2 {
        let record = world.store.run(&Scope::local(), attempt.run).await.unwrap();
        assert_eq!(record.output.as_ref(), Some(&output));
        assert_eq!(record.worker, None);
        world.reopen().await;
    }
}

pub(crate) async fn a_handed_over_run_goes_on_under_a_new_fence(place: Place) {
    let mut world = World::open(place).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "one").await;
    let end = Work::End {
        end: AttemptEnd::HandedOver,
        why: "the server stops".into(),
    };
    attempt.work(&world, end).await.unwrap();
    world.reopen().await;
    world.worker("w2").await;
    let claimed = world.claim("w2", 1).await;
    assert!(claimed[0].fence > attempt.fence);
    assert_eq!(claimed[0].run.control.attempt, 2);
    Attempt::of(&claimed[0]).finish(&world).await;
    assert_eq!(
        world.kinds(attempt.run).await[2..],
        [
            "message.started",
            "text.delta",
            "message.completed",
            "attempt.ended",
            "attempt.started",
            "run.finished"
        ]
    );
}
