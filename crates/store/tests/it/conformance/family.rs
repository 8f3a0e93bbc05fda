//! Runs that other runs have started, and what a person has allowed to them for a thread.

use run::event::{
    ApprovalRequested, Decision, Parent, ToolCalled, ToolKind, ToolRunning, ToolStarted, ToolStatus,
};
use run::{
    AgentSpec, Answer, By, CallId, Command, DriverKind, ErrorInfo, Event, Outcome, Reason,
    RequestId, RunId, State, Status, ThreadId, Usage, WaitMode, Work,
};
use serde_json::{Value, json};
use store::{OnConflict, Scope, Start, StartError};

use super::{Attempt, Place, World, scope_of, start};

/// A start of a run whose calls outlive its attempts.
fn looping(thread: &str) -> Start {
    let mut spec = AgentSpec::new(DriverKind::Loop);
    spec.model = Some("v/m".into());
    Start {
        spec,
        ..start(thread, OnConflict::Reject)
    }
}

/// A start of a run that performs the `n`th call of another.
fn below(above: RunId, n: u32, thread: &str) -> Start {
    Start {
        parent: Some(Parent {
            run: above,
            call: CallId::nth(n),
            depth: 1,
        }),
        ..looping(thread)
    }
}

async fn begin(world: &World, asked: Start) -> Attempt {
    let run = world.store.start(asked).await.unwrap().run.id;
    next(world, run).await
}

/// The only due run, which is this one.
async fn next(world: &World, run: RunId) -> Attempt {
    world.worker("w1").await;
    let claimed = world.claim("w1", 9).await;
    let runs: Vec<RunId> = claimed.iter().map(|claimed| claimed.run.id).collect();
    assert_eq!(runs, [run]);
    Attempt::of(&claimed[0])
}

/// Calls an agent for the `n`th call, which this run is to perform.
fn call(n: u32, run: RunId) -> Vec<Event> {
    let call = CallId::nth(n);
    vec![
        ToolStarted {
            call: call.clone(),
            name: "helper".into(),
            kind: ToolKind::Subagent,
            title: None,
            message: None,
            idempotent: false,
        }
        .into(),
        ToolCalled {
            call: call.clone(),
            args: json!({"input": "go"}),
            vendor: None,
        }
        .into(),
        ToolRunning {
            call,
            n_try: 1,
            run: Some(run),
        }
        .into(),
    ]
}

/// A run under way, and a child of it that is due.
async fn pair(world: &World) -> (Attempt, RunId) {
    let mut above = begin(world, looping("above")).await;
    let child = below(above.run, 1, "below");
    let id = child.run;
    above.append(world, call(1, id)).await.unwrap();
    world.store.start(child).await.unwrap();
    (above, id)
}

async fn park(world: &World, attempt: &Attempt) -> bool {
    let wait = Work::Wait {
        mode: WaitMode::Parked,
        due_at: None,
    };
    attempt.work(world, wait).await.unwrap().wrote
}

async fn stop(world: &World, run: RunId) {
    let stop = Command::Stop {
        by: By::server(),
        why: None,
        superseded_by: None,
    };
    let scope = Scope::local();
    world.store.command(&scope, run, stop).await.unwrap();
}

/// How the calls of a run ended.
async fn ended(world: &World, run: RunId) -> Vec<(ToolStatus, Value)> {
    let events = world.events(run).await.into_iter();
    let ended = events.filter_map(|envelope| match envelope.event {
        Event::ToolCompleted(done) => Some((done.status, done.result)),
        _ => None,
    });
    ended.collect()
}

async fn state(world: &World, run: RunId) -> State {
    let record = world.store.run(&Scope::local(), run).await.unwrap();
    record.control.state.clone()
}

pub(crate) async fn the_end_of_a_child_ends_the_call_above_and_makes_it_due(place: Place) {
    let mut world = World::open(place).await;
    let outcomes = [
        (
            Outcome::completed().with_output(json!({"a": 1})),
            ToolStatus::Ok,
            json!({"status": "succeeded", "reason": "completed", "output": {"a": 1}}),
        ),
        (
            Outcome::failed(Reason::Error, ErrorInfo::new("x", "no key")),
            ToolStatus::Failed,
            json!({"status": "failed", "reason": "error", "error": {"code": "x", "message": "no key"}}),
        ),
    ];
    for (outcome, status, mut result) in outcomes {
        let (above, child) = pair(&world).await;
        assert!(park(&world, &above).await);
        let waits = State::Waiting {
            mode: WaitMode::Parked,
            requests: vec![],
            calls: vec![CallId::nth(1)],
            due_at: None,
        };
        assert_eq!(state(&world, above.run).await, waits);
        world.reopen().await;
        let mut below = next(&world, child).await;
        let step = run::StepId::nth(1);
        let used = Usage {
            input_tokens: 5,
            ..Usage::default()
        };
        let events = vec![
            run::event::StepStarted {
                step: step.clone(),
                model: None,
            }
            .into(),
            run::event::StepFinished {
                step,
                usage: used,
                finish_reason: None,
            }
            .into(),
        ];
        below.append(&world, events).await.unwrap();
        below.work(&world, Work::Finish(outcome)).await.unwrap();
        world.reopen().await;
        result["run"] = json!(child);
        assert_eq!(ended(&world, above.run).await, [(status, result)]);
        let attempt = next(&world, above.run).await;
        let record = world.store.run(&Scope::local(), above.run).await.unwrap();
        assert_eq!(record.control.usage, used, "what is below counts above");
        attempt.finish(&world).await;
    }
}

pub(crate) async fn a_child_that_ends_while_the_run_above_works_is_heard(place: Place) {
    let world = World::open(place).await;
    let (mut above, child) = pair(&world).await;
    next(&world, child).await.finish(&world).await;
    // There is nothing to wait for any more.
    assert!(!park(&world, &above).await);
    assert_eq!(state(&world, above.run).await, State::Running);
    assert_eq!(ended(&world, above.run).await.len(), 1);
    above.say(&world, "Thanks.").await;
    above.finish(&world).await;
}

pub(crate) async fn a_call_that_another_run_performs_is_nobody_elses_to_end(place: Place) {
    let world = World::open(place).await;
    let (above, child) = pair(&world).await;
    // A run that says it performs the same call.
    let other = begin_second(&world, below(above.run, 1, "other"), child).await;
    other.finish(&world).await;
    assert_eq!(ended(&world, above.run).await, []);
    assert!(park(&world, &above).await);
}

/// Starts a run beside one that is due already, and performs it.
async fn begin_second(world: &World, asked: Start, due: RunId) -> Attempt {
    let run = world.store.start(asked).await.unwrap().run.id;
    world.worker("w1").await;
    let claimed = world.claim("w1", 9).await;
    let runs: Vec<RunId> = claimed.iter().map(|claimed| claimed.run.id).collect();
    assert_eq!(runs, [due, run]);
    Attempt::of(&claimed[1])
}

pub(crate) async fn a_child_of_a_run_that_ends_does_not_start(place: Place) {
    let world = World::open(place).await;
    let refused = |status| Err(StartError::Refused(run::Refused::Final(status)));
    let above = begin(&world, looping("t")).await;
    stop(&world, above.run).await;
    let started = world.store.start(below(above.run, 1, "u")).await;
    assert_eq!(started.map(|_| ()), refused(Status::Aborted));
    above.finish(&world).await;
    let started = world.store.start(below(above.run, 1, "u")).await;
    assert!(matches!(started, Err(StartError::Refused(_))));
    let scope = Scope::local();
    world.store.delete_run(&scope, above.run).await.unwrap();
    let started = world.store.start(below(above.run, 1, "u")).await;
    assert_eq!(started.map(|_| ()), Err(StartError::Unknown));
    let thread = ThreadId::parse("u").unwrap();
    let thread = world.store.thread(&scope, &thread).await;
    assert_eq!(thread, Err(store::ReadError::Unknown), "nothing is left");
}

pub(crate) async fn a_repeated_start_of_a_child_is_the_same_run(place: Place) {
    let mut world = World::open(place).await;
    let mut above = begin(&world, looping("above")).await;
    let child = below(above.run, 1, "below");
    above.append(&world, call(1, child.run)).await.unwrap();
    for _ in 0..2 {
        let started = world.store.start(child.clone()).await.unwrap();
        assert_eq!(started.run.id, child.run);
        assert_eq!(started.run.parent, child.parent);
        world.reopen().await;
    }
    // Also when neither may start any more.
    stop(&world, above.run).await;
    let started = world.store.start(child.clone()).await.unwrap();
    assert_eq!(started.run.id, child.run);
    assert_eq!(world.status(child.run).await, Status::Aborted);
}

/// A run, one below it and one below that, all three under way; and one more below the first that is only due.
async fn tree(world: &World) -> [Attempt; 3] {
    let (mut above, child) = pair(world).await;
    let mut middle = next(world, child).await;
    let lowest = below(middle.run, 1, "lowest");
    middle.append(world, call(1, lowest.run)).await.unwrap();
    let lowest = begin(world, lowest).await;
    let due = below(above.run, 2, "due");
    above.append(world, call(2, due.run)).await.unwrap();
    world.store.start(due).await.unwrap();
    [above, middle, lowest]
}

async fn due(world: &World) -> RunId {
    let thread = ThreadId::parse("due").unwrap();
    let found = world.store.thread_run(&Scope::local(), &thread).await;
    found.unwrap().unwrap().id
}

pub(crate) async fn a_stop_reaches_all_that_is_below(place: Place) {
    let world = World::open(place).await;
    let [above, middle, lowest] = tree(&world).await;
    let due = due(&world).await;
    stop(&world, above.run).await;
    // What nobody performs has ended at once, and its call with it.
    assert_eq!(world.status(due).await, Status::Aborted);
    let [(status, result)] = &ended(&world, above.run).await[..] else {
        panic!("one call has ended")
    };
    assert_eq!((*status, &result["run"]), (ToolStatus::Failed, &json!(due)));
    // The others hear it, and end one after the other.
    for attempt in [&lowest, &middle, &above] {
        let record = world.store.run(&Scope::local(), attempt.run).await.unwrap();
        assert!(record.control.stop.is_some());
        let stopped = Work::Finish(record.control.stopped());
        attempt.work(&world, stopped).await.unwrap();
    }
    let record = world.store.run(&Scope::local(), above.run).await.unwrap();
    assert!(record.control.is_closed());
    assert_eq!(ended(&world, above.run).await.len(), 2);
}

pub(crate) async fn the_end_of_a_run_stops_all_that_is_below(place: Place) {
    let mut world = World::open(place).await;
    let [above, middle, lowest] = tree(&world).await;
    let due = due(&world).await;
    let failed = Outcome::failed(Reason::Error, ErrorInfo::new("x", "y"));
    above.work(&world, Work::Finish(failed)).await.unwrap();
    assert_eq!(world.status(due).await, Status::Aborted);
    for attempt in [&middle, &lowest] {
        let record = world.store.run(&Scope::local(), attempt.run).await.unwrap();
        assert!(record.control.stop.is_some());
    }
    // Their ends are nobody's any more, in whatever order they come.
    let before = world.kinds(above.run).await;
    assert_eq!(before.last().unwrap(), "run.finished");
    middle.finish(&world).await;
    lowest.finish(&world).await;
    world.reopen().await;
    assert_eq!(world.kinds(above.run).await, before);
}

pub(crate) async fn a_lost_run_is_due_though_its_child_works(place: Place) {
    let world = World::open(place).await;
    let (above, child) = pair(&world).await;
    let lost = Work::End {
        end: run::event::AttemptEnd::HandedOver,
        why: "the server stops".into(),
    };
    above.work(&world, lost).await.unwrap();
    assert_eq!(
        state(&world, above.run).await,
        State::Queued { due_at: None }
    );
    world.worker("w1").await;
    let claimed = world.claim("w1", 9).await;
    assert_eq!(claimed.len(), 2);
    let of = |run| claimed.iter().find(|claimed| claimed.run.id == run);
    let again = Attempt::of(of(above.run).unwrap());
    assert!(park(&world, &again).await);
    Attempt::of(of(child).unwrap()).finish(&world).await;
    next(&world, above.run).await;
}

pub(crate) async fn a_child_outlives_the_deletion_of_who_started_it(place: Place) {
    let mut world = World::open(place).await;
    let (above, child) = pair(&world).await;
    let below = next(&world, child).await;
    above.finish(&world).await;
    let scope = Scope::local();
    let thread = ThreadId::parse("above").unwrap();
    world.store.delete_thread(&scope, &thread).await.unwrap();
    below.finish(&world).await;
    world.reopen().await;
    let record = world.store.run(&scope, child).await.unwrap();
    assert!(record.control.is_final());
    assert_eq!(record.parent.unwrap().run, above.run);
}

pub(crate) async fn a_child_belongs_to_who_owns_the_run_above(place: Place) {
    let world = World::open(place).await;
    let ann = scope_of("default", Some("ann"));
    let bob = scope_of("default", Some("bob"));
    let above = Start {
        scope: ann.clone(),
        ..looping("t")
    };
    let mut above = begin(&world, above).await;
    let child = Start {
        scope: ann.clone(),
        ..below(above.run, 1, "child")
    };
    above.append(&world, call(1, child.run)).await.unwrap();
    world.store.start(child.clone()).await.unwrap();
    let run = world.store.run(&ann, child.run).await.unwrap();
    let thread = world.store.thread(&ann, &run.thread).await.unwrap();
    assert_eq!(thread.parent.unwrap().as_str(), "t");
    assert_eq!(thread.created_by.unwrap().as_str(), "ann");
    let unknown = Err(store::ReadError::Unknown);
    assert_eq!(world.store.run(&bob, child.run).await.map(|_| ()), unknown);
    // Somebody else cannot be on the thread first and read what was asked.
    let taken = Start {
        scope: bob,
        ..start("taken", OnConflict::Reject)
    };
    world.store.start(taken).await.unwrap();
    let second = Start {
        scope: ann,
        ..below(above.run, 2, "taken")
    };
    let refused = world.store.start(second).await;
    assert_eq!(refused.map(|_| ()), Err(StartError::Unknown));
}

/// Asks for an approval of a tool as the `n`th request, decides it, and ends the run.
async fn decide(world: &World, thread: &str, agent: &str, tool: &str, decision: Decision) {
    let asked = Start {
        agent: agent.into(),
        ..looping(thread)
    };
    let mut attempt = begin(world, asked).await;
    let approval = ApprovalRequested {
        request: RequestId::nth(1),
        kind: "command".into(),
        title: tool.into(),
        detail: Value::Null,
        options: Decision::ALL.to_vec(),
        call: None,
        grants: Some(tool.into()),
        expires_at: None,
    };
    attempt.append(world, vec![approval.into()]).await.unwrap();
    let answer = Command::Answer {
        request: RequestId::nth(1),
        answer: Answer::Decision {
            decision,
            note: None,
        },
        by: By::server(),
    };
    let scope = Scope::local();
    let answered = world.store.command(&scope, attempt.run, answer).await;
    answered.unwrap();
    attempt.finish(world).await;
}

pub(crate) async fn what_is_allowed_for_a_thread_stays_with_it(place: Place) {
    let mut world = World::open(place).await;
    decide(&world, "t", "coder", "shell", Decision::AllowForThread).await;
    decide(&world, "t", "coder", "shell", Decision::AllowForThread).await;
    decide(&world, "t", "coder", "fetch", Decision::Allow).await;
    decide(&world, "t", "coder", "write", Decision::Deny).await;
    decide(&world, "u", "coder", "read", Decision::AllowForThread).await;
    world.reopen().await;
    let grants = async |world: &World, scope: Scope, thread: &str, agent: &str| {
        let thread = ThreadId::parse(thread).unwrap();
        world.store.grants(&scope, &thread, agent).await.unwrap()
    };
    let local = Scope::local;
    assert_eq!(grants(&world, local(), "t", "coder").await, ["shell"]);
    assert_eq!(grants(&world, local(), "u", "coder").await, ["read"]);
    assert!(grants(&world, local(), "t", "writer").await.is_empty());
    let other = scope_of("other", None);
    assert!(grants(&world, other, "t", "coder").await.is_empty());
    // A new thread of the same name is another one.
    let thread = ThreadId::parse("t").unwrap();
    world.store.delete_thread(&local(), &thread).await.unwrap();
    world.run("t").await;
    assert!(grants(&world, local(), "t", "coder").await.is_empty());
}
