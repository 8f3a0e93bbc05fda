//! What was acknowledged to clients and workers, against what is there: caught when it does not fit.

use std::sync::Arc;

use run::event::{
    AttemptEnd, AttemptEnded, InputReturned, QuestionAsked, ReturnCode, StopRequested,
};
use run::{
    AgentSpec, By, Command, Event, Fence, Input, Refused, RequestId, Run, RunId, ScriptStep, Seq,
    State, Status, Tenant, ThreadId, Trigger,
};
use serde_json::Map;
use sim::check::{Log, Witness, command_refused, losses, start_refused, times};
use store::{Commanded, Fate, Idempotency, RunRecord, Scope, Start, StartError, Started};

use crate::teeth::{begun, broken, created, finished, print, received, run_id};

fn spec() -> AgentSpec {
    AgentSpec::scripted(vec![ScriptStep {
        text: Some("one".into()),
        ..ScriptStep::default()
    }])
}

fn start(run: RunId) -> Start {
    Start {
        idempotency: Some(Idempotency {
            key: "key".into(),
            body_hash: [0; 32],
        }),
        ..Start::new(
            run,
            Scope::local(),
            ThreadId::parse("t").unwrap(),
            "a".into(),
            spec(),
            Input::text("go"),
        )
    }
}

fn record(run: RunId, control: Run) -> RunRecord {
    RunRecord {
        id: run,
        tenant: Tenant::local(),
        created_by: None,
        thread: ThreadId::parse("t").unwrap(),
        agent: "a".into(),
        spec: Arc::new(spec()),
        input: Arc::new(Input::text("go")),
        trigger: Trigger::Api,
        control: Arc::new(control),
        is_current: true,
        worker: None,
        output: None,
        refines: None,
        parent: None,
        metadata: Map::new(),
        applied: None,
        worktree_removed_at: None,
        log_expired: false,
    }
}

fn folded(events: &[Event]) -> Run {
    let mut log = Log::new(run_id(1));
    log.saw(Seq::ZERO, &print(events)).unwrap();
    log.control().clone()
}

/// A run that was started and seen so far.
fn witness(events: &[Event]) -> Witness {
    let mut witness = Witness::default();
    witness.asks_to_start(&start(run_id(1)));
    witness.saw(run_id(1), Seq::ZERO, &print(events)).unwrap();
    witness
}

fn stop() -> Command {
    Command::Stop {
        by: By::server(),
        why: None,
        superseded_by: None,
    }
}

fn stop_requested() -> Event {
    StopRequested {
        by: By::server(),
        why: None,
        superseded_by: None,
    }
    .into()
}

#[test]
fn a_start_that_is_lost_or_that_nobody_made_is_caught() {
    let promise = "a start that was acknowledged is never lost";
    let mut seen = witness(&[created()]);
    let run = record(run_id(1), folded(&[created()]));
    let started = Started {
        run: run.clone(),
        fate: Fate::Created,
    };
    seen.was_started(&start(run_id(1)), &started).unwrap();
    seen.check_records(std::slice::from_ref(&run)).unwrap();
    broken(seen.clone().check_records(&[]), promise);
    let mut other = record(run_id(2), folded(&[created()]));
    other.thread = ThreadId::parse("u").unwrap();
    broken(seen.check_records(&[run, other]), promise);
}

#[test]
fn a_second_run_of_one_key_is_caught() {
    let mut seen = witness(&[created()]);
    seen.asks_to_start(&start(run_id(2)));
    let mut other = record(run_id(2), folded(&[created()]));
    other.thread = ThreadId::parse("u").unwrap();
    let runs = [record(run_id(1), folded(&[created()])), other];
    broken(
        seen.check_records(&runs),
        "an idempotency key stands for one run",
    );
}

#[test]
fn a_row_that_is_not_the_fold_of_its_log_is_caught() {
    let promise = "the control state is the fold of the log";
    let mut seen = witness(&[created(), begun()]);
    let fine = folded(&[created(), begun()]);
    seen.check_records(&[record(run_id(1), fine.clone())])
        .unwrap();
    let mut behind = fine.clone();
    behind.last_seq = Seq(1);
    broken(seen.check_records(&[record(run_id(1), behind)]), promise);
    let mut other = fine;
    other.state = State::Queued { due_at: None };
    broken(seen.check_records(&[record(run_id(1), other)]), promise);
}

#[test]
fn a_stop_that_reaches_another_run_is_caught() {
    let events = [created(), begun(), stop_requested()];
    let mut seen = witness(&events);
    broken(
        seen.check_logs(),
        "a stop ends the run that it names and no other",
    );
    seen.asks(run_id(1), &stop());
    seen.check_logs().unwrap();
}

#[test]
fn a_stop_that_leaves_a_queued_run_open_is_caught() {
    let mut seen = witness(&[created()]);
    let commanded = Commanded {
        run: record(run_id(1), folded(&[created(), stop_requested()])),
        events: vec![stop_requested()],
    };
    broken(
        seen.was_told(&stop(), commanded),
        "a stop of a run without a worker ends it at once",
    );
}

#[test]
fn an_acknowledged_command_that_is_not_in_the_log_is_caught() {
    let command = Command::TakeBack {
        input: run::InputId::nth(1),
    };
    let commanded = Commanded {
        run: record(run_id(1), folded(&[created(), received()])),
        events: vec![received()],
    };
    let mut seen = witness(&[created(), received()]);
    seen.was_told(&command, commanded.clone()).unwrap();
    seen.check_logs().unwrap();
    let mut seen = witness(&[created(), begun()]);
    seen.was_told(&command, commanded).unwrap();
    broken(
        seen.check_logs(),
        "a command that was acknowledged is in the log as it was answered",
    );
}

#[test]
fn an_input_that_nobody_took_back_is_caught() {
    let returned = InputReturned {
        input: run::InputId::nth(1),
        code: ReturnCode::TakenBack,
    };
    let mut seen = witness(&[created(), received(), returned.into()]);
    broken(
        seen.check_logs(),
        "an input that nobody took back is not taken back",
    );
    let command = Command::TakeBack {
        input: run::InputId::nth(1),
    };
    seen.asks(run_id(1), &command);
    seen.check_logs().unwrap();
}

#[test]
fn an_input_that_took_effect_twice_is_caught() {
    let mut again = received();
    if let Event::InputReceived(input) = &mut again {
        input.input = run::InputId::nth(2);
    }
    broken(
        witness(&[created(), received(), again]).check_logs(),
        "a start or an input takes effect once, however often it is repeated",
    );
}

#[test]
fn a_second_grant_under_one_fence_is_caught() {
    let mut seen = witness(&[created(), begun()]);
    seen.granted(run_id(1), Fence(1), 1).unwrap();
    broken(
        seen.granted(run_id(1), Fence(1), 1),
        "each grant of a run has a higher fence than the one before",
    );
}

#[test]
fn a_run_that_never_ends_is_caught() {
    let events = [created(), begun()];
    let runs = [record(run_id(1), folded(&events))];
    broken(witness(&events).check_end(&runs), "every run ends");
}

#[test]
fn a_stop_a_request_and_a_deadline_that_are_overdue_are_caught() {
    let promise = "a sweep leaves nothing open whose time is over";
    // All events of these logs are of one moment.
    let at = folded(&[created()]).updated_at;
    let stopping = [created(), begun(), stop_requested()];
    let run = record(run_id(1), folded(&stopping));
    times(std::slice::from_ref(&run), at).unwrap();
    broken(times(&[run], at.plus_ms(10_000)), promise);

    let asked = QuestionAsked {
        request: RequestId::nth(1),
        questions: Vec::new(),
        expires_at: Some(at.plus_ms(5)),
        call: None,
    };
    let run = record(run_id(1), folded(&[created(), begun(), asked.into()]));
    times(std::slice::from_ref(&run), at).unwrap();
    broken(times(&[run], at.plus_ms(5)), promise);

    let mut run = record(run_id(1), folded(&[created(), begun()]));
    let mut hurried = spec();
    hurried.budget.wall_ms = Some(1_000);
    run.spec = Arc::new(hurried);
    times(std::slice::from_ref(&run), at.plus_ms(10_999)).unwrap();
    broken(times(&[run], at.plus_ms(11_000)), promise);
}

#[test]
fn attempts_that_are_lost_for_ever_are_caught() {
    let lost = || -> Event {
        AttemptEnded {
            end: AttemptEnd::Lost,
            why: "gone".into(),
            due_at: None,
        }
        .into()
    };
    let mut events = vec![created()];
    for _ in 0..3 {
        events.extend([begun(), lost()]);
    }
    let read = |events: &[Event]| {
        let mut log = Log::new(run_id(1));
        log.saw(Seq::ZERO, &print(events)).unwrap();
        log
    };
    losses(&spec(), &read(&events)).unwrap();
    events.push(begun());
    broken(
        losses(&spec(), &read(&events)),
        "attempts that are lost in a row without a word end the run",
    );
}

#[track_caller]
fn check_refused(control: &[Event], command: &Command, refused: Refused, is_true: bool) {
    let run = record(run_id(1), folded(control));
    let found = command_refused(command, &refused.into(), &run);
    if is_true {
        found.unwrap();
    } else {
        broken(found, "a refusal is true");
    }
}

#[test]
fn a_refusal_that_is_not_true_is_caught() {
    let open = [created(), begun()];
    let ended = [created(), begun(), finished()];
    let aborted = Refused::Final(Status::Aborted);
    let succeeded = Refused::Final(Status::Succeeded);
    check_refused(&ended, &stop(), succeeded.clone(), true);
    check_refused(&ended, &stop(), aborted, false);
    check_refused(&open, &stop(), succeeded, false);
    let not_pending = Refused::InputNotPending(run::InputId::nth(1));
    check_refused(&open, &stop(), not_pending.clone(), true);
    check_refused(&[created(), received()], &stop(), not_pending, false);

    let busy = StartError::AlreadyActive {
        thread: ThreadId::parse("t").unwrap(),
        run: run_id(1),
    };
    let mut run = record(run_id(1), folded(&open));
    start_refused(&start(run_id(2)), &busy, 9, std::slice::from_ref(&run)).unwrap();
    run.is_current = false;
    broken(
        start_refused(&start(run_id(2)), &busy, 9, &[run]),
        "a refusal is true",
    );
}
