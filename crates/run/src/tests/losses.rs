//! The end of an attempt that is not the end of its run, and when it is.

use serde_json::{Value, json};

use super::story::*;
use crate::event::{AttemptEnd, InputMode};
use crate::*;

fn policy(on_lost: OnLost, survives: Survives) -> Policy {
    Policy {
        on_lost,
        survives,
        max_lost_attempts: 3,
        backoff: Backoff {
            first_ms: 100,
            max_ms: 1_000,
        },
        ..resuming()
    }
}

const NOTHING: Survives = Survives {
    text: false,
    calls: false,
    requests: false,
};

const ALL: Survives = Survives {
    text: true,
    calls: true,
    requests: true,
};

/// A message, calls of every stage and kind, a task, a request of each kind and an input, all open.
fn at_work() -> Vec<Command> {
    let idempotent = json!({"call": "c4", "name": "n", "kind": "other", "idempotent": true});
    let running = |call: &str| ("tool.running", json!({"call": call, "try": 1}));
    let called = |call: &str| ("tool.called", json!({"call": call, "args": {}}));
    let questions = json!([{"id": "a", "text": "?"}]);
    let events = [
        ("turn.started", json!({"turn": "t1"})),
        message("m1"),
        text("m1", "half"),
        call("c1"),
        call("c2"),
        called("c2"),
        call("c3"),
        called("c3"),
        running("c3"),
        ("tool.started", idempotent),
        called("c4"),
        running("c4"),
        call("c5"),
        called("c5"),
        ("client_tool.called", json!({"request": "q1", "call": "c5"})),
        approval("q2"),
        (
            "question.asked",
            json!({"request": "q3", "questions": questions}),
        ),
        task("k1"),
    ];
    vec![claim(), append(1, &events), input(InputMode::FollowUp)]
}

fn call_completed(call: &str, status: &str) -> Value {
    json!(["tool.completed", {"call": call, "status": status}])
}

fn expired(request: &str, why: &str) -> Value {
    json!(["request.expired", {"request": request, "why": why}])
}

/// What the last of the commands causes.
#[track_caller]
fn check(policy: Policy, before: &[Command], last: Command, expected: &[Value]) -> Story {
    let mut story = Story::of(policy).after(before);
    let caused = story.tell(last).unwrap();
    assert_eq!(json!(shown(&caused)), json!(expected));
    story
}

#[test]
fn a_lost_attempt_closes_what_belonged_to_it() {
    let story = check(
        policy(OnLost::Resume, NOTHING),
        &at_work(),
        lose(),
        &[
            call_completed("c1", "interrupted"),
            call_completed("c2", "interrupted"),
            call_completed("c3", "interrupted"),
            call_completed("c4", "interrupted"),
            call_completed("c5", "interrupted"),
            json!(["message.discarded", {"message": "m1", "why": "lease"}]),
            json!(["task.completed", {"task": "k1", "status": "interrupted"}]),
            expired("q1", "lease"),
            expired("q2", "lease"),
            expired("q3", "lease"),
            json!(["attempt.ended", {"end": "lost", "why": "lease"}]),
        ],
    );
    assert_eq!(story.run.state, State::Queued { due_at: None });
    assert_eq!(story.run.turn, Some(TurnId::nth(1)));
    assert_eq!(story.run.discarded, [MessageId::nth(1)]);
    assert_eq!(story.run.inputs.len(), 1);
}

#[test]
fn what_survives_a_lost_attempt_stays_open() {
    let story = check(
        policy(OnLost::Resume, ALL),
        &at_work(),
        lose(),
        &[
            call_completed("c1", "interrupted"),
            call_completed("c3", "unknown"),
            json!(["message.completed", {"message": "m1", "interrupted": true}]),
            json!(["task.completed", {"task": "k1", "status": "interrupted"}]),
            json!(["attempt.ended", {"end": "lost", "why": "lease"}]),
        ],
    );
    let open: Vec<_> = story.run.calls.keys().map(CallId::as_str).collect();
    assert_eq!(open, ["c2", "c4", "c5"]);
    // Answers are missing still: there is nothing for an attempt to do.
    let State::Waiting {
        mode: WaitMode::Parked,
        requests,
        due_at: None,
        ..
    } = &story.run.state
    else {
        panic!("{:?}", story.run.state);
    };
    assert_eq!(requests.len(), 3);
}

#[test]
fn a_run_whose_call_another_run_performs_is_looked_at_again() {
    let elsewhere = |call: &str| {
        let run = RunId::new(START, [7; 10]);
        ("tool.running", json!({"call": call, "try": 1, "run": run}))
    };
    for others in [&[][..], &[approval("q1")]] {
        let mut events = vec![call("c1"), elsewhere("c1")];
        events.extend_from_slice(others);
        let story = Story::of(policy(OnLost::Resume, ALL));
        let story = story.after(&[claim(), append(1, &events), lose()]);
        let open: Vec<_> = story.run.performed_elsewhere().collect();
        assert_eq!(open, [&CallId::nth(1)]);
        // The other run is announced before it is started: nobody else would start it.
        assert_eq!(story.run.state, State::Queued { due_at: None });
        let wait = Work::Wait {
            mode: WaitMode::Parked,
            due_at: None,
        };
        let story = story.after(&[claim(), Command::Work(Fence(3), wait)]);
        assert!(matches!(story.run.state, State::Waiting { .. }));
    }
}

#[test]
fn a_call_that_the_client_works_on_lives_as_long_as_its_request() {
    let only = |requests| Survives {
        requests,
        ..NOTHING
    };
    let open = |survives| {
        let story = Story::of(policy(OnLost::Resume, survives)).after(&at_work());
        let story = story.after(&[lose()]);
        story.run.calls.into_keys().collect::<Vec<_>>()
    };
    assert_eq!(open(only(true)), [CallId::nth(5)]);
    assert_eq!(open(only(false)), []);
}

#[test]
fn a_half_message_stays_when_no_more_can_be_forgotten() {
    let mut story = Story::of(policy(OnLost::Retry, NOTHING)).after(&[claim()]);
    for n in 0..MAX_DISCARDED_MESSAGES {
        let name = format!("m{n}");
        let discarded = (
            "message.discarded",
            json!({"message": name, "why": "again"}),
        );
        story = story.after(&[append(1, &[message(&name), discarded])]);
    }
    let more = append(
        1,
        &[
            message("more"),
            ("message.discarded", json!({"message": "more", "why": "x"})),
        ],
    );
    assert!(matches!(story.tell(more), Err(Refused::Unfit(_))));
    story.tell(append(1, &[message("more")])).unwrap();
    let caused = story.tell(lose()).unwrap();
    assert_eq!(caused[0].kind(), "message.completed");
    assert!(story.run.is_closed());
}

#[test]
fn what_is_open_ends_with_the_run() {
    let ended = |status: &str, reason: &str, turn: &str, error: Value| {
        let with_error = |mut object: Value| {
            if !error.is_null() {
                object["error"] = error.clone();
            }
            object
        };
        let usage = json!({"input_tokens": 0, "output_tokens": 0});
        let turn = with_error(json!({"turn": "t1", "status": turn}));
        let finished = with_error(json!({"status": status, "reason": reason, "usage": usage}));
        vec![
            call_completed("c1", "interrupted"),
            call_completed("c2", "interrupted"),
            call_completed("c3", "interrupted"),
            call_completed("c4", "interrupted"),
            call_completed("c5", "interrupted"),
            json!(["message.completed", {"message": "m1", "interrupted": true}]),
            json!(["task.completed", {"task": "k1", "status": "interrupted"}]),
            expired("q1", "the run ended"),
            expired("q2", "the run ended"),
            expired("q3", "the run ended"),
            json!(["input.returned", {"input": "i1", "code": "run_ended"}]),
            json!(["turn.completed", turn]),
            json!(["run.finished", finished]),
        ]
    };
    let resume = || policy(OnLost::Resume, ALL);
    let aborted = ended("aborted", "unwatched", "cancelled", Value::Null);
    let story = check(resume(), &at_work(), conclude(), &aborted);
    assert!(story.run.is_closed());
    let error = || ErrorInfo::new("vendor_error", "500");
    let fail = Work::Finish(Outcome::failed(Reason::Error, error()));
    let failed = ended("failed", "error", "failed", json!(error()));
    let story = check(resume(), &at_work(), Command::Work(Fence(1), fail), &failed);
    assert!(story.run.is_closed());
    let budget = Outcome {
        reason: Reason::Budget,
        ..Outcome::completed()
    };
    let finish = Command::Work(Fence(1), Work::Finish(budget));
    let succeeded = ended("succeeded", "budget", "completed", Value::Null);
    let story = check(resume(), &at_work(), finish, &succeeded);
    assert!(story.run.is_closed());
}

#[test]
fn a_run_whose_agent_does_not_go_on_ends_with_its_attempt() {
    let abort = policy(OnLost::Abort, NOTHING);
    for (last, why, how) in [
        (lose(), "lease", "lost"),
        (end(1, AttemptEnd::HandedOver), "going", "handed_over"),
    ] {
        let error = json!({"code": "interrupted", "message": why});
        let usage = json!({"input_tokens": 0, "output_tokens": 0});
        check(
            abort,
            &[claim()],
            last,
            &[
                json!(["attempt.ended", {"end": how, "why": why}]),
                json!(["run.finished", {"status": "aborted", "reason": "interrupted", "error": error, "usage": usage}]),
            ],
        );
    }
}

#[test]
fn a_lost_attempt_of_a_run_that_was_told_to_stop_ends_it() {
    for on_lost in [OnLost::Resume, OnLost::Retry, OnLost::Abort] {
        let story = Story::of(policy(on_lost, NOTHING)).after(&[claim(), stop(), lose()]);
        let stopped = State::Final(Outcome::aborted(Reason::Stopped));
        assert_eq!(story.run.state, stopped);
    }
}

/// Loses an attempt and says when the next one is due, in milliseconds from then; `None` when the run ended.
#[track_caller]
fn lose_one(story: &mut Story) -> Option<u64> {
    story.tell(lose()).unwrap();
    let due = story.run.due_at()?;
    let delay = due.ms_since(story.now);
    story.now = story.now.plus_ms(delay);
    Some(delay)
}

#[test]
fn lost_attempts_back_off_until_there_were_too_many_in_a_row() {
    let policy = Policy {
        max_lost_attempts: 6,
        ..policy(OnLost::Retry, NOTHING)
    };
    let mut story = Story::of(policy);
    let mut delays = vec![];
    for _ in 0..6 {
        story.tell(claim()).unwrap();
        // What a loss itself closes is no progress.
        let n = story.run.attempt;
        let at_work = [
            call(&format!("c{n}")),
            approval(&format!("q{n}")),
            task(&format!("k{n}")),
            message(&format!("m{n}")),
        ];
        story.tell(append(story.run.fence.0, &at_work)).unwrap();
        delays.push(lose_one(&mut story));
    }
    assert_eq!(
        delays,
        [Some(0), Some(100), Some(200), Some(400), Some(800), None]
    );
    let State::Final(outcome) = &story.run.state else {
        panic!("{:?}", story.run.state);
    };
    assert_eq!(
        (outcome.status, outcome.reason),
        (Status::Failed, Reason::Lost)
    );
    let message = "6 attempts in a row were lost without progress; the last: lease";
    assert_eq!(outcome.error, Some(ErrorInfo::new("lost", message)));
}

#[test]
fn progress_forgives_the_losses_before_it() {
    let done = [
        (
            "message.completed",
            json!({"message": "m1", "parts": [{"type": "text", "text": "x"}]}),
        ),
        ("tool.completed", json!({"call": "c1", "status": "ok"})),
        ("step.finished", json!({"step": "s1"})),
    ];
    for done in done {
        let mut story = Story::of(policy(OnLost::Retry, NOTHING));
        story = story.after(&[claim(), lose(), claim(), lose()]);
        story = story.later(100).after(&[claim()]);
        assert_eq!(story.run.n_lost, 2);
        let begun = [
            message("m1"),
            call("c1"),
            ("step.started", json!({"step": "s1"})),
        ];
        story = story.after(&[append(5, &begun), append(5, &[done])]);
        assert_eq!(story.run.n_lost, 0);
        assert_eq!(lose_one(&mut story), Some(0));
    }
}

#[test]
fn a_hand_over_is_no_loss() {
    let mut story = Story::of(policy(OnLost::Resume, ALL)).after(&[claim(), lose()]);
    for _ in 0..9 {
        let fence = story.run.fence.0 + 1;
        story = story.after(&[claim(), end(fence, AttemptEnd::HandedOver)]);
        assert_eq!(story.run.state, State::Queued { due_at: None });
        assert_eq!(story.run.n_lost, 1);
    }
    assert_eq!(story.run.attempt, 10);
}

#[test]
fn later_attempts_resume() {
    let mut story = Story::of(resuming());
    let started = |story: &mut Story| json!(shown(&story.tell(claim()).unwrap()));
    let first = json!([["attempt.started", {"driver": "scripted", "resumes": false}]]);
    assert_eq!(started(&mut story), first);
    story = story.after(&[lose()]);
    let second = json!([["attempt.started", {"driver": "scripted", "resumes": true}]]);
    assert_eq!(started(&mut story), second);
    assert_eq!((story.run.attempt, story.run.fence), (2, Fence(3)));
}

/// How many losses count after so many attempts that were lost one after the other, each having written this.
#[track_caller]
fn check_losses_in_a_row(survives: Survives, written: &[&str], expected: u32) {
    let mut story = Story::of(policy(OnLost::Resume, survives));
    for n in 1..=2 {
        let begun = message(if n == 1 { "m1" } else { "m2" });
        let deltas = written
            .iter()
            .map(|words| text(if n == 1 { "m1" } else { "m2" }, words));
        let events: Vec<_> = std::iter::once(begun).chain(deltas).collect();
        // Each claim and each loss raises the fence.
        story = story
            .after(&[claim(), append(2 * n - 1, &events), lose()])
            .later(10_000);
    }
    assert_eq!(story.run.n_lost, expected);
}

#[test]
fn text_that_stays_is_progress_and_a_mere_beginning_is_not() {
    check_losses_in_a_row(ALL, &["half a ", "message"], 1);
    check_losses_in_a_row(ALL, &[], 2);
    check_losses_in_a_row(NOTHING, &["half a ", "message"], 2);
}
