//! What has to happen next, and when the budget is used up.

use serde_json::json;

use super::story::*;
use crate::event::{AttemptEnd, InputMode};
use crate::*;

fn policy() -> Policy {
    Policy {
        stop_timeout_ms: 10_000,
        backoff: Backoff {
            first_ms: 500,
            max_ms: 1_000,
        },
        budget: Budget {
            wall_ms: Some(60_000),
            ..Budget::default()
        },
        ..resuming()
    }
}

fn at(ms: u64) -> Timestamp {
    START.plus_ms(ms)
}

fn sleep_until(ms: u64) -> Step {
    Step::SleepUntil(at(ms))
}

fn over_deadline() -> Step {
    Step::Conclude(policy().over_deadline())
}

fn stopped() -> Step {
    Step::Conclude(Outcome::aborted(Reason::Stopped))
}

fn no_deadline(policy: Policy) -> Policy {
    Policy {
        budget: Budget::default(),
        ..policy
    }
}

/// The next steps at these times, with a worker that lives.
#[track_caller]
fn check(policy: Policy, commands: &[Command], steps: &[(u64, Step)]) {
    let story = Story::of(policy).after(commands);
    for (ms, expected) in steps {
        let step = story.run.next_step(&policy, at(*ms), Holder::Alive);
        assert_eq!(step, *expected, "after {ms} ms");
    }
}

fn ask(expires_ms: Option<u64>) -> Command {
    let mut asked = approval("q1");
    asked.1["expires_at"] = json!(expires_ms.map(at));
    append(1, &[asked])
}

#[test]
fn a_queued_run_is_claimed_when_it_is_due() {
    check(policy(), &[], &[(0, Step::Claim), (99_999, Step::Claim)]);
    let twice = [claim(), lose(), claim(), lose()];
    check(
        policy(),
        &twice,
        &[
            (0, sleep_until(500)),
            (499, sleep_until(500)),
            (500, Step::Claim),
        ],
    );
    let handed_over = [claim(), end(1, AttemptEnd::HandedOver)];
    check(policy(), &handed_over, &[(0, Step::Claim)]);
}

#[test]
fn a_run_without_its_worker_is_lost_whatever_else_is_due() {
    let ask = || ask(Some(1));
    for commands in [
        vec![claim()],
        vec![claim(), stop()],
        vec![claim(), ask(), wait(1, WaitMode::Held)],
    ] {
        let story = Story::of(policy()).after(&commands);
        for ms in [0, 99_999] {
            let step = story.run.next_step(&policy(), at(ms), Holder::Gone);
            assert_eq!(step, Step::Lose);
        }
    }
    // Nobody holds these.
    for (commands, expected) in [
        (vec![], Step::Claim),
        (
            vec![claim(), ask(), wait(1, WaitMode::Parked)],
            sleep_until(1),
        ),
        (vec![claim(), conclude()], Step::Nothing),
    ] {
        let story = Story::of(policy()).after(&commands);
        let step = story.run.next_step(&policy(), START, Holder::Gone);
        assert_eq!(step, expected);
    }
}

#[test]
fn a_worker_gets_the_stop_timeout_to_end_by_itself() {
    check(
        no_deadline(policy()),
        &[claim(), stop()],
        &[
            (0, sleep_until(10_000)),
            (9_999, sleep_until(10_000)),
            (10_000, stopped()),
        ],
    );
    let superseded = Step::Conclude(Outcome::aborted(Reason::Superseded));
    check(policy(), &[claim(), supersede()], &[(10_000, superseded)]);
}

#[test]
fn the_deadline_counts_from_the_first_attempt_and_ends_a_run_in_any_state() {
    // A worker has the stop timeout on top of it.
    check(
        policy(),
        &[claim()],
        &[
            (59_999, sleep_until(70_000)),
            (69_999, sleep_until(70_000)),
            (70_000, over_deadline()),
        ],
    );
    let parked = [claim(), ask(None), wait(1, WaitMode::Parked)];
    check(
        policy(),
        &parked,
        &[(59_999, sleep_until(60_000)), (60_000, over_deadline())],
    );
    let queued = [claim(), end(1, AttemptEnd::HandedOver)];
    check(policy(), &queued, &[(60_000, over_deadline())]);
    // Before its first attempt a run only waits for its turn.
    check(policy(), &[], &[(60_000, Step::Claim)]);
    assert_eq!(
        policy().over_deadline().error,
        Some(ErrorInfo::new(
            "deadline",
            "the run took longer than its 60000 ms"
        ))
    );
}

#[test]
fn a_request_expires_whether_the_run_waits_or_not() {
    let expire = || Step::Expire(RequestId::nth(1));
    let policy = no_deadline(policy());
    for more in [
        vec![],
        vec![wait(1, WaitMode::Held)],
        vec![wait(1, WaitMode::Parked)],
    ] {
        let commands = [vec![claim(), ask(Some(5_000))], more].concat();
        check(
            policy,
            &commands,
            &[(4_999, sleep_until(5_000)), (5_000, expire())],
        );
    }
    // The earliest first.
    let mut later = approval("q0");
    later.1["expires_at"] = json!(at(9_000));
    let both = [claim(), append(1, &[later]), ask(Some(5_000))];
    check(policy, &both, &[(0, sleep_until(5_000)), (9_000, expire())]);
    // What was answered does not expire, and what never does is waited for.
    let answered = [claim(), ask(Some(5_000)), allow("q1")];
    check(policy, &answered, &[(5_000, Step::Wait)]);
    let parked = [claim(), ask(None), wait(1, WaitMode::Parked)];
    check(policy, &parked, &[(5_000, Step::Wait)]);
}

#[test]
fn a_sleeping_run_is_claimed_when_its_time_comes() {
    let steps = [(999, sleep_until(1_000)), (1_000, Step::Claim)];
    check(policy(), &[claim(), park_until(1, 1_000)], &steps);
    // Also when a request is still open: what happens then is the next attempt's to say.
    check(
        policy(),
        &[claim(), ask(None), park_until(1, 1_000)],
        &steps,
    );
    let answered = [claim(), ask(None), park_until(1, 1_000), allow("q1")];
    check(policy(), &answered, &[(0, Step::Claim)]);
}

#[test]
fn nothing_follows_the_end() {
    let story = [claim(), input(InputMode::Steer), conclude()];
    check(
        policy(),
        &story,
        &[(0, Step::Nothing), (99_999, Step::Nothing)],
    );
}

/// A step is what makes the command of its name be accepted at that time.
#[test]
fn every_step_is_accepted_and_changes_what_follows() {
    let mut story = Story::of(policy()).after(&[claim(), ask(Some(5_000))]);
    story = story.after(&[wait(1, WaitMode::Parked)]).later(5_000);
    let mut taken = vec![];
    for _ in 0..20 {
        let step = story.run.next_step(&story.policy, story.now, Holder::Gone);
        taken.push(step.clone());
        let command = match step {
            Step::Nothing | Step::Wait => break,
            Step::Claim => claim(),
            Step::Lose => lose(),
            Step::Expire(request) => expire(request.as_str()),
            Step::Conclude(outcome) => Command::Conclude(outcome),
            Step::SleepUntil(time) => {
                assert!(time > story.now, "a sleep ends later");
                story.now = time;
                continue;
            }
        };
        let caused = story.tell(command).unwrap();
        assert!(!caused.is_empty(), "{:?}", taken.last());
    }
    let expected = [
        Step::Expire(RequestId::nth(1)),
        Step::Claim,
        Step::Lose,
        Step::Claim,
        Step::Lose,
        sleep_until(5_500),
        Step::Claim,
        Step::Lose,
        Step::Nothing,
    ];
    assert_eq!(taken, expected);
}

#[track_caller]
fn check_budget(budget: Budget, events: &[(&str, serde_json::Value)], expected: Option<Exhausted>) {
    let story = Story::of(policy()).after(&[claim(), append(1, events)]);
    assert_eq!(budget.exhausted(&story.run), expected);
}

#[test]
fn a_budget_is_used_up_by_what_was_consumed() {
    let begun = |step: &str| ("step.started", json!({"step": step}));
    let done = |step: &str, cost: f64| {
        let usage = json!({"input_tokens": 60, "output_tokens": 40, "cost_usd": cost});
        ("step.finished", json!({"step": step, "usage": usage}))
    };
    let budget = |tokens, steps, cost_usd| Budget {
        tokens,
        steps,
        cost_usd,
        ..Budget::default()
    };
    let two = [begun("s1"), done("s1", 0.5), begun("s2"), done("s2", 0.25)];
    let none = Budget::default();
    check_budget(none, &two, None);
    check_budget(budget(Some(201), Some(3), Some(0.76)), &two, None);
    check_budget(
        budget(Some(200), Some(2), Some(0.75)),
        &two,
        Some(Exhausted::Tokens(200)),
    );
    check_budget(
        budget(None, Some(2), Some(0.75)),
        &two,
        Some(Exhausted::Steps(2)),
    );
    check_budget(
        budget(None, None, Some(0.75)),
        &two,
        Some(Exhausted::Cost(0.75)),
    );
    // The last step that is allowed may end.
    check_budget(budget(None, Some(2), None), &two[..3], None);
    // Without a price there is no cost, and a budget of nothing is used up at once.
    check_budget(budget(None, None, Some(0.1)), &[], None);
    check_budget(budget(Some(0), None, None), &[], Some(Exhausted::Tokens(0)));
    assert_eq!(
        Exhausted::Cost(0.75).to_string(),
        "the budget of $0.75 is used up"
    );
}

#[test]
fn a_client_can_narrow_a_budget_and_never_widen_it() {
    let outer = Budget {
        tokens: Some(100),
        steps: Some(5),
        cost_usd: None,
        wall_ms: Some(1_000),
        unwatched_ms: None,
    };
    let asked = Budget {
        tokens: Some(50),
        steps: Some(50),
        cost_usd: Some(1.0),
        wall_ms: None,
        unwatched_ms: None,
    };
    let both = Budget {
        tokens: Some(50),
        steps: Some(5),
        cost_usd: Some(1.0),
        wall_ms: Some(1_000),
        unwatched_ms: None,
    };
    assert_eq!(asked.within(&outer), both);
    assert_eq!(outer.within(&asked), both);
}
