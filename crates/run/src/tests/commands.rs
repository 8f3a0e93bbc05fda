//! Every command in every state.

use super::story::*;
use crate::event::{AttemptEnd, InputMode};
use crate::*;

fn states() -> Vec<(&'static str, Story)> {
    let new = || Story::of(resuming());
    let ask = |fence| append(fence, &[approval("q1")]);
    let asking = || new().after(&[claim(), ask(1), input(InputMode::FollowUp)]);
    vec![
        ("queued", new()),
        (
            "backing off",
            new().after(&[claim(), lose(), claim(), lose()]),
        ),
        ("running", asking()),
        ("stopping", asking().after(&[stop()])),
        ("held", asking().after(&[wait(1, WaitMode::Held)])),
        ("parked", asking().after(&[wait(1, WaitMode::Parked)])),
        (
            "sleeping",
            asking().after(&[allow("q1"), park_until(1, 1_000)]),
        ),
        ("final", asking().after(&[conclude()])),
    ]
}

fn commands(fence: Fence) -> Vec<(&'static str, Command)> {
    let fence = fence.0;
    let failed = Outcome::failed(Reason::Error, ErrorInfo::new("x", "y"));
    let fail = Command::Work(Fence(fence), Work::Finish(failed));
    vec![
        ("stop", stop()),
        ("supersede", supersede()),
        ("steer", input(InputMode::Steer)),
        ("take back", take_back(1)),
        ("answer", allow("q1")),
        ("claim", claim()),
        ("lose", lose()),
        ("notify", notify("Look")),
        ("expire", expire("q1")),
        ("conclude", conclude()),
        ("work: append", append(fence, &[message("m1")])),
        (
            "work: append under an old fence",
            append(fence - 1, &[message("m1")]),
        ),
        ("work: consume", consume(fence, 1)),
        ("work: hold", wait(fence, WaitMode::Held)),
        ("work: park", wait(fence, WaitMode::Parked)),
        ("work: sleep", park_until(fence, 1_000)),
        ("work: finish", finish(fence)),
        ("work: fail", fail),
        ("work: hand over", end(fence, AttemptEnd::HandedOver)),
        ("work: lose", end(fence, AttemptEnd::Lost)),
        ("work: park by end", end(fence, AttemptEnd::Parked)),
    ]
}

/// What each command does in a state: the types of the events it causes, or why it is refused. What stands for `work`
/// stands for every command of a worker that is not listed by itself.
#[track_caller]
fn check(state: &str, expected: &[(&str, &str)]) {
    let (_, story) = states()
        .into_iter()
        .find(|(name, _)| *name == state)
        .unwrap();
    let mut left: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    for (name, command) in commands(Fence(story.run.fence.0.max(1))) {
        let key = if left.contains(&name) { name } else { "work" };
        let Some((_, expected)) = expected.iter().find(|(name, _)| *name == key) else {
            panic!("nothing is expected of {name}");
        };
        let found = match story.clone().tell(command) {
            Ok(events) if events.is_empty() => "nothing".to_owned(),
            Ok(events) => {
                let kinds: Vec<_> = events.iter().map(Event::kind).collect();
                kinds.join(", ")
            }
            Err(Refused::Fenced { .. }) => "fenced".to_owned(),
            Err(refused) => format!("refused: {refused}"),
        };
        assert_eq!(found, *expected, "{name} in state {state}");
        left.retain(|name| *name != key || key == "work");
    }
    left.retain(|name| *name != "work");
    assert!(left.is_empty(), "no such commands: {left:?}");
}

#[test]
fn a_queued_run_ends_at_once_and_lets_nobody_write() {
    check(
        "queued",
        &[
            ("stop", "stop.requested, run.finished"),
            ("supersede", "stop.requested, run.finished"),
            ("steer", "input.received"),
            (
                "take back",
                "refused: no input i1 waits in this run: it is unknown, was heard or was returned",
            ),
            ("answer", "refused: the run has no request q1"),
            ("claim", "attempt.started"),
            ("lose", "nothing"),
            ("notify", "notice"),
            ("expire", "nothing"),
            ("conclude", "run.finished"),
            ("work", "fenced"),
        ],
    );
    check(
        "backing off",
        &[
            ("stop", "stop.requested, run.finished"),
            ("supersede", "stop.requested, run.finished"),
            ("steer", "input.received"),
            (
                "take back",
                "refused: no input i1 waits in this run: it is unknown, was heard or was returned",
            ),
            ("answer", "refused: the run has no request q1"),
            ("claim", "refused: the run is not due for an attempt"),
            ("lose", "nothing"),
            ("notify", "notice"),
            ("expire", "nothing"),
            ("conclude", "run.finished"),
            ("work", "fenced"),
        ],
    );
}

/// A request and a follow-up are open in each of the states from here on.
const HELD: [(&str, &str); 21] = [
    ("stop", "stop.requested"),
    ("supersede", "stop.requested"),
    ("steer", "input.received"),
    ("take back", "input.returned"),
    ("answer", "approval.resolved"),
    ("claim", "refused: the run is not due for an attempt"),
    ("lose", "attempt.ended"),
    ("notify", "notice"),
    ("expire", "request.expired"),
    ("conclude", "request.expired, input.returned, run.finished"),
    ("work: append", "message.started"),
    ("work: append under an old fence", "fenced"),
    ("work: consume", "input.consumed"),
    ("work: hold", "run.waiting"),
    ("work: park", "run.waiting, attempt.ended"),
    ("work: sleep", "run.waiting, attempt.ended"),
    ("work: finish", "refused: inputs wait to be heard"),
    (
        "work: fail",
        "request.expired, input.returned, run.finished",
    ),
    ("work: hand over", "attempt.ended"),
    ("work: lose", "attempt.ended"),
    (
        "work: park by end",
        "refused: an attempt parks by waiting, not by its end",
    ),
];

#[test]
fn a_run_with_a_worker_is_told_to_stop_and_ends_when_its_inputs_were_heard() {
    check("running", &HELD);
    check("held", &HELD);
}

#[test]
fn a_run_that_was_told_to_stop_neither_waits_nor_goes_on() {
    let over = "request.expired, input.returned, run.finished";
    let lost = "attempt.ended, request.expired, input.returned, run.finished";
    check(
        "stopping",
        &[
            ("stop", "nothing"),
            ("supersede", "nothing"),
            ("steer", "input.received"),
            ("take back", "input.returned"),
            ("answer", "approval.resolved"),
            ("claim", "refused: the run is not due for an attempt"),
            ("lose", lost),
            ("notify", "notice"),
            ("expire", "request.expired"),
            ("conclude", over),
            ("work: append", "message.started"),
            ("work: append under an old fence", "fenced"),
            ("work: consume", "input.consumed"),
            ("work: hold", "nothing"),
            ("work: park", "nothing"),
            ("work: sleep", "nothing"),
            ("work: finish", over),
            ("work: fail", over),
            ("work: hand over", lost),
            ("work: lose", lost),
            (
                "work: park by end",
                "refused: an attempt parks by waiting, not by its end",
            ),
        ],
    );
}

#[test]
fn a_parked_run_has_no_worker_and_ends_at_once() {
    check(
        "parked",
        &[
            (
                "stop",
                "stop.requested, request.expired, input.returned, run.finished",
            ),
            (
                "supersede",
                "stop.requested, request.expired, input.returned, run.finished",
            ),
            ("steer", "input.received"),
            ("take back", "input.returned"),
            ("answer", "approval.resolved"),
            ("claim", "refused: the run is not due for an attempt"),
            ("lose", "nothing"),
            ("notify", "notice"),
            ("expire", "request.expired"),
            ("conclude", "request.expired, input.returned, run.finished"),
            ("work", "fenced"),
        ],
    );
    check(
        "sleeping",
        &[
            ("stop", "stop.requested, input.returned, run.finished"),
            ("supersede", "stop.requested, input.returned, run.finished"),
            ("steer", "input.received"),
            ("take back", "input.returned"),
            ("answer", "refused: request q1 has been answered"),
            ("claim", "refused: the run is not due for an attempt"),
            ("lose", "nothing"),
            ("notify", "notice"),
            ("expire", "nothing"),
            ("conclude", "input.returned, run.finished"),
            ("work", "fenced"),
        ],
    );
}

#[test]
fn a_final_run_accepts_nothing() {
    let ended = "refused: the run has ended (aborted)";
    check(
        "final",
        &[
            ("stop", ended),
            ("supersede", ended),
            ("steer", ended),
            (
                "take back",
                "refused: no input i1 waits in this run: it is unknown, was heard or was returned",
            ),
            ("answer", "refused: request q1 has expired"),
            ("claim", ended),
            ("lose", ended),
            ("notify", ended),
            ("expire", "nothing"),
            ("conclude", ended),
            ("work", ended),
        ],
    );
}
