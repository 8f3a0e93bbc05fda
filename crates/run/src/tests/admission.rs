//! Which events a worker may write.

use serde_json::{Value, json};

use super::soup::nested;
use super::story::*;
use crate::*;

/// Whether a worker may write these events after those, and if not, why.
#[track_caller]
fn check(before: &[(&str, Value)], events: &[(&str, Value)], expected: Result<(), &str>) {
    let mut story = Story::of(resuming()).after(&[claim(), append(1, before)]);
    let expected = expected.map_err(|why| Refused::Unfit(why.to_owned()));
    let before = story.run.clone();
    assert_eq!(story.tell(append(1, events)).map(drop), expected);
    if expected.is_err() {
        assert_eq!(story.run, before, "all of an append or nothing");
    }
}

#[test]
fn text_and_output_belong_to_what_is_open() {
    check(&[], &[message("m1"), text("m1", "a")], Ok(()));
    check(&[], &[text("m1", "a")], Err("message m1 is not open"));
    let done = ("message.completed", json!({"message": "m1"}));
    check(
        &[message("m1")],
        &[done.clone(), text("m1", "a")],
        Err("message m1 is not open"),
    );
    check(&[], &[done], Err("message m1 is not open"));
    for (kind, mut data) in [
        ("tool.args.delta", json!({"text": ""})),
        ("tool.called", json!({"args": {}})),
        ("tool.running", json!({"try": 1})),
        ("tool.output", json!({"stream": "stdout", "text": ""})),
        ("tool.updated", json!({})),
        ("tool.completed", json!({"status": "ok"})),
    ] {
        data["call"] = json!("c1");
        check(&[call("c1")], &[(kind, data.clone())], Ok(()));
        check(&[], &[(kind, data)], Err("call c1 is not open"));
    }
    for (kind, data) in [
        ("task.progress", json!({"task": "k1", "status": "running"})),
        ("task.completed", json!({"task": "k1", "status": "failed"})),
    ] {
        check(&[task("k1")], &[(kind, data.clone())], Ok(()));
        check(&[], &[(kind, data)], Err("task k1 is not open"));
    }
    let turn = |n: u32| ("turn.started", json!({"turn": format!("t{n}")}));
    let over = (
        "turn.completed",
        json!({"turn": "t1", "status": "completed"}),
    );
    check(&[turn(1)], &[over.clone(), turn(2)], Ok(()));
    check(
        &[turn(1)],
        &[turn(2)],
        Err("turn t2 begins while turn t1 is under way"),
    );
    check(&[turn(2)], &[over], Err("turn t1 is not open"));
    let finished = ("step.finished", json!({"step": "s1"}));
    check(&[], &[finished], Err("step s1 is not open"));
}

#[test]
fn nothing_begins_twice() {
    check(
        &[message("m1")],
        &[message("m1")],
        Err("message m1 exists already"),
    );
    check(
        &[],
        &[call("c1"), call("c1")],
        Err("call c1 exists already"),
    );
    check(&[task("k1")], &[task("k1")], Err("task k1 exists already"));
    let expired = ("request.expired", json!({"request": "q1", "why": "x"}));
    for closed in [vec![], vec![expired.clone()]] {
        check(
            &[vec![approval("q1")], closed].concat(),
            &[approval("q1")],
            Err("request q1 exists already"),
        );
    }
    check(&[], &[expired], Err("request q1 is not open"));
}

#[test]
fn what_is_open_is_bounded() {
    type Make = fn(&str) -> (&'static str, Value);
    for (make, max, what) in [
        (message as Make, MAX_OPEN_MESSAGES, "open messages"),
        (call as Make, MAX_OPEN_CALLS, "open calls"),
        (task as Make, MAX_OPEN_TASKS, "open tasks"),
        (approval as Make, MAX_OPEN_REQUESTS, "open requests"),
    ] {
        let full: Vec<_> = (0..max).map(|n| make(&format!("x{n}"))).collect();
        let why = format!("a run may have at most {max} {what}");
        check(&full, &[make("more")], Err(&why));
    }
}

#[test]
fn a_request_can_be_answered() {
    let mut asked = approval("q1");
    asked.1["options"] = json!([]);
    check(
        &[],
        &[asked],
        Err("approval q1 has no options: nobody could answer it"),
    );
    let ask = |ids: Vec<String>| {
        let questions: Vec<_> = ids
            .iter()
            .map(|id| json!({"id": id, "text": "?"}))
            .collect();
        (
            "question.asked",
            json!({"request": "q1", "questions": questions}),
        )
    };
    check(&[], &[ask(vec!["a".to_owned(); 16])], Ok(()));
    check(
        &[],
        &[ask(vec!["a".to_owned(); 17])],
        Err("a request may ask at most 16 questions"),
    );
    check(
        &[],
        &[ask(vec!["a".repeat(129)])],
        Err("the id of a question may have at most 128 bytes"),
    );
}

#[test]
fn a_value_nests_only_so_deep_that_every_reader_can_follow() {
    let deep = |depth| {
        let value = nested(depth);
        let parts = json!([{"type": "text", "text": "", "vendor": value}]);
        let options = json!(["allow"]);
        vec![
            (
                "message.completed",
                json!({"message": "m1", "parts": parts}),
            ),
            ("tool.called", json!({"call": "c1", "args": value})),
            ("tool.updated", json!({"call": "c1", "detail": value})),
            (
                "tool.completed",
                json!({"call": "c1", "status": "ok", "result": value}),
            ),
            (
                "task.progress",
                json!({"task": "k1", "status": "running", "detail": value}),
            ),
            (
                "approval.requested",
                json!({"request": "q1", "kind": "", "title": "", "detail": value, "options": options}),
            ),
            ("state.snapshot", json!({"state": value})),
            ("state.delta", json!({"patch": [value]})),
            (
                "notice",
                json!({"level": "info", "code": "", "text": "", "detail": value}),
            ),
            ("raw", json!({"source": "", "payload": value})),
            ("custom", json!({"name": "", "value": value})),
        ]
    };
    let before = [message("m1"), call("c1"), task("k1")];
    for event in deep(100) {
        check(&before, &[event], Ok(()));
    }
    for event in deep(101) {
        check(
            &before,
            &[event],
            Err("a value may nest at most 100 levels deep"),
        );
    }
    let output = Outcome::completed().with_output(nested(101));
    let mut story = Story::of(resuming()).after(&[claim()]);
    let finish = Command::Work(Fence(1), Work::Finish(output));
    assert!(matches!(story.tell(finish), Err(Refused::Unfit(_))));
}

#[test]
fn what_the_server_decides_no_worker_writes() {
    for (kind, data) in [
        ("attempt.started", json!({"driver": "scripted"})),
        ("attempt.ended", json!({"end": "lost", "why": ""})),
        ("run.waiting", json!({"mode": "held"})),
        ("stop.requested", json!({"by": "x"})),
        (
            "run.finished",
            json!({"status": "failed", "reason": "error", "usage": {}}),
        ),
        (
            "input.received",
            json!({"input": "i1", "mode": "steer", "parts": [], "by": "x"}),
        ),
        ("input.consumed", json!({"input": "i1", "turn": "t1"})),
        (
            "input.returned",
            json!({"input": "i1", "code": "run_ended"}),
        ),
        (
            "approval.resolved",
            json!({"request": "q1", "decision": "allow", "by": "x"}),
        ),
        (
            "question.answered",
            json!({"request": "q1", "answers": {}, "by": "x"}),
        ),
        (
            "client_tool.answered",
            json!({"request": "q1", "result": 1, "by": "x"}),
        ),
    ] {
        let why = format!("{kind} is written by the server, not by a worker");
        check(&[approval("q1")], &[(kind, data)], Err(&why));
    }
    let later = Event::Unknown(event::Unknown {
        kind: "later.type".to_owned(),
        data: json!({}),
    });
    let mut story = Story::of(resuming()).after(&[claim()]);
    let refused = story.tell(Command::Work(Fence(1), Work::Append(vec![later])));
    let why = "there is no event type \"later.type\"".to_owned();
    assert_eq!(refused, Err(Refused::Unfit(why)));
}

#[test]
fn a_run_ends_only_as_something_final() {
    for status in [Status::Queued, Status::Running, Status::Waiting] {
        let outcome = Outcome {
            status,
            ..Outcome::completed()
        };
        let unfit = Err(Refused::Unfit(format!("a run cannot end as {status}")));
        let mut story = Story::of(resuming()).after(&[claim()]);
        let finish = Command::Work(Fence(1), Work::Finish(outcome.clone()));
        assert_eq!(story.tell(finish), unfit);
        assert_eq!(story.tell(Command::Conclude(outcome)), unfit);
    }
}

#[test]
fn a_prompt_is_rendered_before_the_first_turn_and_within_its_bound() {
    let rendered = |n_bytes: usize| {
        let half = "x".repeat(n_bytes / 2);
        ("prompt.rendered", json!({"system": half, "prompt": half}))
    };
    let turn = ("turn.started", json!({"turn": "t1"}));
    check(&[], &[rendered(MAX_PROMPT_BYTES), turn.clone()], Ok(()));
    check(
        &[],
        &[rendered(MAX_PROMPT_BYTES + 2)],
        Err("a rendered prompt may have at most 524288 bytes, not 524290"),
    );
    check(
        &[turn],
        &[rendered(2)],
        Err("a prompt is rendered before the first turn"),
    );
}

#[test]
fn a_summary_of_history_has_its_bound() {
    let compacted = |n_bytes: usize| {
        let data = json!({"before_tokens": 2, "after_tokens": 1, "summary": "x".repeat(n_bytes)});
        ("context.compacted", data)
    };
    check(&[], &[compacted(MAX_HISTORY_SUMMARY_BYTES)], Ok(()));
    check(
        &[],
        &[compacted(MAX_HISTORY_SUMMARY_BYTES + 1)],
        Err("a summary may have at most 65536 bytes, not 65537"),
    );
}
