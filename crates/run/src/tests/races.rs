//! Two who act at once: whatever comes first, the second one finds a state that fits.

use serde_json::json;

use super::story::*;
use crate::event::{AttemptEnd, Decision, InputMode};
use crate::*;

/// What the last command causes, as type and data, and the state it leaves.
#[track_caller]
fn check(before: &[Command], last: Command, events: &serde_json::Value, state: &State) {
    let mut story = Story::of(resuming()).after(before);
    let caused = story.tell(last).unwrap();
    assert_eq!(json!(shown(&caused)), *events);
    assert_eq!(story.run.state, *state);
}

#[track_caller]
fn check_refused(before: &[Command], last: Command, refused: &Refused) {
    let mut story = Story::of(resuming()).after(before);
    assert_eq!(story.tell(last).as_ref(), Err(refused));
}

fn ask() -> Command {
    append(1, &[approval("q1")])
}

fn fenced(given: u64, current: u64) -> Refused {
    Refused::Fenced {
        given: Fence(given),
        current: Fence(current),
    }
}

fn request(n: u32) -> RequestId {
    RequestId::nth(n)
}

fn waiting(mode: WaitMode, requests: &[u32]) -> State {
    State::Waiting {
        mode,
        requests: requests.iter().copied().map(request).collect(),
        calls: Vec::new(),
        due_at: None,
    }
}

const DUE: State = State::Queued { due_at: None };

#[test]
fn a_cancellation_leaves_nothing_to_wait_for_though_others_were_asked_too() {
    let options = json!({"request": "q2", "kind": "x", "title": "y", "options": Decision::ALL});
    let both = append(1, &[approval("q1"), ("approval.requested", options)]);
    let cancel = || answer("q2", decided(Decision::Cancel));
    let resolved =
        json!([["approval.resolved", {"request": "q2", "decision": "cancel", "by": "ana"}]]);
    for (mode, state) in [(WaitMode::Held, State::Running), (WaitMode::Parked, DUE)] {
        let before = [claim(), both.clone(), wait(1, mode)];
        check(&before, cancel(), &resolved, &state);
        let before = [claim(), both.clone(), cancel()];
        check(&before, wait(1, mode), &json!([]), &State::Running);
    }
    // Nor is it forgotten with the attempt that was to hear it.
    let story = Story::of(resuming()).after(&[claim(), both.clone(), cancel(), lose()]);
    assert_eq!(story.run.state, DUE);
    // Who goes on wants to know.
    let on = ("step.started", json!({"step": "s1"}));
    let story = Story::of(resuming()).after(&[claim(), both.clone(), cancel()]);
    let story = story.after(&[append(1, &[on]), wait(1, WaitMode::Parked)]);
    assert_eq!(story.run.state, waiting(WaitMode::Parked, &[1]));
    let again = append(1, &[approval("q3")]);
    let story = Story::of(resuming()).after(&[claim(), both, cancel(), again]);
    let story = story.after(&[wait(1, WaitMode::Parked)]);
    assert_eq!(story.run.state, waiting(WaitMode::Parked, &[1, 3]));
}

#[test]
fn an_answer_before_the_park_leaves_nothing_to_wait_for() {
    for mode in [WaitMode::Held, WaitMode::Parked] {
        check(
            &[claim(), ask(), allow("q1")],
            wait(1, mode),
            &json!([]),
            &State::Running,
        );
    }
}

#[test]
fn an_answer_after_the_park_makes_the_run_due_and_after_the_hold_lets_it_run() {
    let resolved =
        json!([["approval.resolved", {"request": "q1", "decision": "allow", "by": "ana"}]]);
    let park = wait(1, WaitMode::Parked);
    check(&[claim(), ask(), park], allow("q1"), &resolved, &DUE);
    let hold = wait(1, WaitMode::Held);
    check(
        &[claim(), ask(), hold],
        allow("q1"),
        &resolved,
        &State::Running,
    );
}

#[test]
fn a_wait_ends_with_the_last_of_its_requests() {
    let both = append(1, &[approval("q1"), approval("q2")]);
    let park = || wait(1, WaitMode::Parked);
    let resolved =
        json!([["approval.resolved", {"request": "q2", "decision": "allow", "by": "ana"}]]);
    check(
        &[claim(), both.clone(), park()],
        allow("q2"),
        &resolved,
        &waiting(WaitMode::Parked, &[1]),
    );
    let expired = json!([["request.expired", {"request": "q1", "why": "late"}]]);
    check(
        &[claim(), both, park(), allow("q2")],
        expire("q1"),
        &expired,
        &DUE,
    );
}

#[test]
fn a_park_says_what_it_waits_for_and_takes_the_right_to_write() {
    check(
        &[claim(), ask()],
        wait(1, WaitMode::Parked),
        &json!([
            ["run.waiting", {"requests": ["q1"], "mode": "parked"}],
            ["attempt.ended", {"end": "parked", "why": "waits without a worker"}],
        ]),
        &waiting(WaitMode::Parked, &[1]),
    );
    let parked = [claim(), ask(), wait(1, WaitMode::Parked)];
    check_refused(&parked, append(1, &[message("m1")]), &fenced(1, 2));
    // A time alone can be waited for as well.
    let due_at = Some(START.plus_ms(500));
    check(
        &[claim()],
        park_until(1, 500),
        &json!([
            ["run.waiting", {"mode": "parked", "due_at": "2026-11-20T10:00:00.500Z"}],
            ["attempt.ended", {"end": "parked", "why": "waits without a worker"}],
        ]),
        &State::Waiting {
            mode: WaitMode::Parked,
            requests: vec![],
            calls: vec![],
            due_at,
        },
    );
    let hold = Work::Wait {
        mode: WaitMode::Held,
        due_at,
    };
    let unfit = Refused::Unfit("a worker that keeps the run watches the time itself".to_owned());
    check_refused(&[claim()], Command::Work(Fence(1), hold), &unfit);
}

#[test]
fn parking_closes_what_only_a_living_attempt_could_go_on_with() {
    let at_work = append(
        1,
        &[
            approval("q1"),
            message("m1"),
            call("c1"),
            call("c2"),
            ("tool.called", json!({"call": "c2", "args": {}})),
            task("k1"),
        ],
    );
    check(
        &[claim(), at_work],
        wait(1, WaitMode::Parked),
        &json!([
            ["tool.completed", {"call": "c1", "status": "interrupted"}],
            ["message.completed", {"message": "m1", "interrupted": true}],
            ["task.completed", {"task": "k1", "status": "interrupted"}],
            ["run.waiting", {"requests": ["q1"], "mode": "parked"}],
            ["attempt.ended", {"end": "parked", "why": "waits without a worker"}],
        ]),
        &waiting(WaitMode::Parked, &[1]),
    );
}

#[test]
fn a_stop_before_the_park_is_heard_by_the_worker_and_after_it_ends_the_run() {
    check(
        &[claim(), ask(), stop()],
        wait(1, WaitMode::Parked),
        &json!([]),
        &State::Running,
    );
    let end = |reason| State::Final(Outcome::aborted(reason));
    let parked = [claim(), ask(), wait(1, WaitMode::Parked)];
    check(
        &parked,
        stop(),
        &json!([
            ["stop.requested", {"by": "ana"}],
            ["request.expired", {"request": "q1", "why": "the run ended"}],
            ["run.finished", {"status": "aborted", "reason": "stopped", "usage": {"input_tokens": 0, "output_tokens": 0}}],
        ]),
        &end(Reason::Stopped),
    );
    let id = RunId::new(START, [7; 10]).to_string();
    check(
        &[],
        supersede(),
        &json!([
            ["stop.requested", {"by": "ana", "superseded_by": id}],
            ["run.finished", {"status": "aborted", "reason": "superseded", "usage": {"input_tokens": 0, "output_tokens": 0}}],
        ]),
        &end(Reason::Superseded),
    );
}

#[test]
fn the_first_stop_says_why_a_run_ended() {
    let stopped = |reason| State::Final(Outcome::aborted(reason));
    for (first, reason) in [(stop(), Reason::Stopped), (supersede(), Reason::Superseded)] {
        let mut story = Story::of(resuming()).after(&[claim(), first, stop(), supersede()]);
        let outcome = story.run.stopped();
        story
            .tell(Command::Work(Fence(1), Work::Finish(outcome)))
            .unwrap();
        assert_eq!(story.run.state, stopped(reason));
    }
}

#[test]
fn notices_from_outside_have_a_bound() {
    let mut story = Story::of(resuming()).after(&[claim()]);
    story.run.n_told = MAX_TOLD - 1;
    story.tell(notify("one more")).unwrap();
    assert_eq!(
        story.tell(notify("too many")),
        Err(Refused::TooManyNotices { max: MAX_TOLD })
    );
}

#[test]
fn a_run_that_closes_returns_what_it_cannot_hear_any_more() {
    let mut story = Story::of(resuming()).after(&[claim(), input(InputMode::FollowUp)]);
    let close = Work::Close(Outcome::completed());
    let events = story.tell(Command::Work(Fence(1), close)).unwrap();
    let kinds: Vec<&str> = events.iter().map(Event::kind).collect();
    assert_eq!(kinds, ["input.returned", "run.finished"]);
    assert_eq!(story.run.state, State::Final(Outcome::completed()));
}

#[test]
fn a_follow_up_before_the_end_is_heard_first_and_after_it_comes_too_late() {
    let more = || input(InputMode::FollowUp);
    let pending = Refused::InputsPending(vec![InputId::nth(1), InputId::nth(2)]);
    check_refused(
        &[claim(), more(), input(InputMode::Steer)],
        finish(1),
        &pending,
    );
    check_refused(
        &[claim(), finish(1)],
        more(),
        &Refused::Final(Status::Succeeded),
    );
    let ended = State::Final(Outcome::completed());
    let finished = json!([["run.finished", {"status": "succeeded", "reason": "completed", "usage": {"input_tokens": 0, "output_tokens": 0}}]]);
    check(
        &[claim(), more(), consume(1, 1)],
        finish(1),
        &finished,
        &ended,
    );
    check(
        &[claim(), more(), take_back(1)],
        finish(1),
        &finished,
        &ended,
    );
    // An input is heard or taken back, not both.
    let gone = Refused::InputNotPending(InputId::nth(1));
    check_refused(&[claim(), more(), consume(1, 1)], take_back(1), &gone);
    check_refused(&[claim(), more(), take_back(1)], consume(1, 1), &gone);
}

#[test]
fn an_end_from_outside_refuses_the_worker_that_does_not_know_of_it() {
    let story = Story::of(resuming()).after(&[claim(), conclude()]);
    assert_eq!(story.run.fence, Fence(2));
    for late in [
        append(1, &[message("m1")]),
        finish(1),
        wait(1, WaitMode::Parked),
        end(1, AttemptEnd::HandedOver),
    ] {
        check_refused(
            &[claim(), conclude()],
            late,
            &Refused::Final(Status::Aborted),
        );
    }
}

#[test]
fn a_worker_that_was_taken_for_dead_cannot_write_for_its_successor() {
    let successor = [claim(), lose(), claim()];
    check_refused(&successor, append(1, &[message("m1")]), &fenced(1, 3));
    check_refused(&successor, finish(1), &fenced(1, 3));
    check_refused(&successor, end(2, AttemptEnd::Lost), &fenced(2, 3));
    check_refused(&[claim()], finish(2), &fenced(2, 1));
    check(
        &successor,
        finish(3),
        &json!([["run.finished", {"status": "succeeded", "reason": "completed", "usage": {"input_tokens": 0, "output_tokens": 0}}]]),
        &State::Final(Outcome::completed()),
    );
}

#[test]
fn the_second_answer_hears_what_became_of_the_request() {
    let asked = || vec![claim(), ask()];
    let with = |more: Command| [asked(), vec![more]].concat();
    let late = || answer("q1", decided(Decision::Deny));
    check_refused(
        &with(allow("q1")),
        late(),
        &Refused::RequestAnswered(request(1)),
    );
    check_refused(
        &with(expire("q1")),
        late(),
        &Refused::RequestExpired(request(1)),
    );
    check_refused(
        &with(conclude()),
        late(),
        &Refused::RequestExpired(request(1)),
    );
    check_refused(&asked(), allow("q2"), &Refused::RequestUnknown(request(2)));
    check(
        &with(allow("q1")),
        expire("q1"),
        &json!([]),
        &State::Running,
    );
}

#[test]
fn an_answer_must_fit_its_request() {
    let questions = json!([{"id": "a", "text": "?"}, {"id": "b", "text": "?"}]);
    let ask = append(
        1,
        &[
            approval("q1"),
            (
                "question.asked",
                json!({"request": "q2", "questions": questions}),
            ),
            call("c1"),
            ("client_tool.called", json!({"request": "q3", "call": "c1"})),
        ],
    );
    let unfit = |request: &str, given: Answer, why: &str| {
        let refused = Refused::AnswerUnfit(why.to_owned());
        check_refused(&[claim(), ask.clone()], answer(request, given), &refused);
    };
    let fit = |request: &str, given: Answer, event: &serde_json::Value| {
        check(
            &[claim(), ask.clone()],
            answer(request, given),
            &json!([event]),
            &State::Running,
        );
    };
    let answers = |value| Answer::Answers(value);
    unfit(
        "q1",
        decided(Decision::Cancel),
        "the decision must be one of [\"allow\",\"deny\"]",
    );
    unfit(
        "q1",
        Answer::Result(json!(1)),
        "an approval is answered with {\"decision\": …}",
    );
    unfit(
        "q2",
        decided(Decision::Allow),
        "a question is answered with {\"answers\": {…}}",
    );
    unfit(
        "q2",
        answers(json!(["x"])),
        "answers must be an object with the keys a, b",
    );
    unfit(
        "q2",
        answers(json!({"a": 1})),
        "the answer to question b is missing",
    );
    unfit(
        "q2",
        answers(json!({"a": 1, "b": 1, "c": 1})),
        "there is no question c; the questions are a, b",
    );
    unfit(
        "q3",
        answers(json!({})),
        "a client-side tool is answered with {\"result\": …}",
    );
    fit(
        "q2",
        answers(json!({"a": 1, "b": null})),
        &json!(["question.answered", {"request": "q2", "answers": {"a": 1, "b": null}, "by": "ana"}]),
    );
    fit(
        "q3",
        Answer::Result(json!(null)),
        &json!(["client_tool.answered", {"request": "q3", "result": null, "by": "ana"}]),
    );
}

#[test]
fn inputs_are_refused_where_nobody_would_hear_them() {
    let mut story = Story::of(AgentSpec::new(DriverKind::Model).policy());
    let refused = Refused::InputNotAccepted {
        driver: DriverKind::Scripted,
        mode: "follow_up",
    };
    assert_eq!(story.tell(input(InputMode::FollowUp)), Err(refused));
    let many = vec![input(InputMode::Steer); MAX_PENDING_INPUTS];
    let max = MAX_PENDING_INPUTS;
    check_refused(
        &many,
        input(InputMode::Steer),
        &Refused::TooManyInputs { max },
    );
}

#[test]
fn steers_are_heard_between_steps_and_everything_at_the_end_of_a_turn() {
    let story = Story::of(resuming());
    let next = |story: &Story, mode| story.run.next_input(mode).map(|next| next.input.clone());
    let story = story.after(&[input(InputMode::FollowUp), input(InputMode::Steer)]);
    assert_eq!(next(&story, InputMode::Steer), Some(InputId::nth(2)));
    assert_eq!(next(&story, InputMode::FollowUp), Some(InputId::nth(1)));
}
