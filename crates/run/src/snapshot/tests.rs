use serde_json::{Value, json};

use super::*;
use crate::tests::soup::nested;
use crate::{Envelope, MAX_SNAPSHOT_OUTPUT_BYTES, MAX_SNAPSHOT_OUTPUT_STRETCHES};

/// The log of these events as pairs of type and data, folded.
#[track_caller]
fn fold(log: &[(&str, Value)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    extend(&mut snapshot, log);
    snapshot
}

#[track_caller]
fn extend(snapshot: &mut Snapshot, log: &[(&str, Value)]) {
    for (kind, data) in log {
        let seq = snapshot.last_seq.next();
        let envelope = json!({"seq": seq, "at": "2026-11-20T10:00:00.000Z", "attempt": 1, "type": kind, "data": data});
        let envelope: Envelope = serde_json::from_str(&envelope.to_string()).unwrap();
        assert!(
            !matches!(envelope.event, crate::Event::Unknown(_)),
            "{kind} {data}"
        );
        snapshot.apply(&envelope);
    }
}

/// Compares what stands at a JSON Pointer of the folded log.
#[track_caller]
fn check(log: &[(&str, Value)], pointer: &str, expected: &Value) {
    let snapshot = serde_json::to_value(fold(log)).unwrap();
    let found = snapshot.pointer(pointer).unwrap_or(&Value::Null);
    assert_eq!(found, expected, "{pointer} of {snapshot:#}");
}

fn started(message: &str) -> (&'static str, Value) {
    (
        "message.started",
        json!({"message": message, "role": "assistant"}),
    )
}

fn text(message: &str, part: u32, text: &str) -> (&'static str, Value) {
    (
        "text.delta",
        json!({"message": message, "part": part, "text": text}),
    )
}

fn reasoning(message: &str, part: u32, text: &str) -> (&'static str, Value) {
    (
        "reasoning.delta",
        json!({"message": message, "part": part, "text": text}),
    )
}

fn said(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn thought(text: &str) -> Value {
    json!({"type": "reasoning", "text": text})
}

#[test]
fn deltas_join_the_part_that_they_name() {
    let parts = "/messages/0/parts";
    let m = || started("m1");
    check(
        &[m(), text("m1", 0, "a"), text("m1", 0, "b")],
        parts,
        &json!([said("ab")]),
    );
    check(
        &[
            m(),
            reasoning("m1", 0, "r"),
            text("m1", 1, "a"),
            reasoning("m1", 0, "s"),
        ],
        parts,
        &json!([thought("rs"), said("a")]),
    );
    check(
        &[m(), text("m1", 0, "a"), text("m1", 1, "b")],
        parts,
        &json!([said("a"), said("b")]),
    );
    // Another kind than the part has, and a part far behind the last: at the end.
    check(
        &[
            m(),
            text("m1", 0, "a"),
            reasoning("m1", 0, "r"),
            text("m1", 0, "b"),
        ],
        parts,
        &json!([said("ab"), thought("r")]),
    );
    check(
        &[m(), text("m1", 7, "a"), text("m1", 7, "b")],
        parts,
        &json!([said("ab")]),
    );
    // Unknown messages have no text.
    check(&[text("m9", 0, "a")], "/messages", &json!([]));
}

#[test]
fn a_completed_message_is_the_truth() {
    let completed = |more: Value| {
        let mut data = json!({"message": "m1"});
        data.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        vec![
            started("m1"),
            text("m1", 0, "a"),
            ("message.completed", data),
            text("m1", 0, "late"),
        ]
    };
    let whole = completed(json!({"parts": [said("A")]}));
    check(&whole, "/messages/0/parts", &json!([said("A")]));
    check(&whole, "/messages/0/progress", &json!("completed"));
    let cut = completed(json!({"interrupted": true}));
    check(&cut, "/messages/0/parts", &json!([said("a")]));
    check(&cut, "/messages/0/progress", &json!("interrupted"));
}

#[test]
fn a_discarded_message_stays_listed_without_its_text() {
    let mut log = vec![
        started("m1"),
        text("m1", 0, "a"),
        ("message.discarded", json!({"message": "m1", "why": "lost"})),
    ];
    let message = json!({"message": "m1", "role": "assistant", "parts": [], "progress": "discarded", "first_seq": 1});
    check(&log, "/messages/0", &message);
    log.push(text("m1", 0, "late"));
    log.push((
        "message.completed",
        json!({"message": "m1", "parts": [said("late")]}),
    ));
    check(&log, "/messages/0", &message);
}

#[test]
fn an_id_that_is_used_again_means_the_newest() {
    let log = [
        started("m1"),
        text("m1", 0, "a"),
        started("m1"),
        text("m1", 0, "b"),
    ];
    check(&log, "/messages/0/parts", &json!([said("a")]));
    check(&log, "/messages/1/parts", &json!([said("b")]));
}

#[test]
fn a_message_far_back_is_found_also_after_a_stored_snapshot_was_read() {
    let mut snapshot = fold(&[started("first")]);
    for n in 0..100 {
        extend(&mut snapshot, &[started(&format!("m{n}"))]);
    }
    extend(&mut snapshot, &[text("first", 0, "a"), text("m50", 0, "x")]);
    let stored = serde_json::to_string(&snapshot).unwrap();
    let mut snapshot: Snapshot = serde_json::from_str(&stored).unwrap();
    extend(&mut snapshot, &[text("first", 0, "b"), started("again")]);
    extend(&mut snapshot, &[text("first", 0, "c")]);
    assert_eq!(snapshot.messages[0].parts, [Part::text("abc")]);
    assert_eq!(snapshot.messages[51].parts, [Part::text("x")]);
}

#[test]
fn a_call_is_folded_from_its_start_to_its_result() {
    let mut log = vec![
        ("turn.started", json!({"turn": "t1"})),
        (
            "tool.started",
            json!({"call": "c1", "name": "shell", "kind": "command", "title": "ls"}),
        ),
        ("tool.args.delta", json!({"call": "c1", "text": "{\"a\""})),
        ("tool.args.delta", json!({"call": "c1", "text": ":1}"})),
    ];
    check(&log, "/activities/0/args_text", &json!("{\"a\":1}"));
    log.extend([
        ("tool.called", json!({"call": "c1", "args": {"a": 1}})),
        ("tool.running", json!({"call": "c1", "try": 1})),
        (
            "tool.output",
            json!({"call": "c1", "stream": "stdout", "text": "x"}),
        ),
        (
            "tool.output",
            json!({"call": "c1", "stream": "stdout", "text": "y"}),
        ),
        (
            "tool.output",
            json!({"call": "c1", "stream": "stderr", "text": "z"}),
        ),
        (
            "tool.updated",
            json!({"call": "c1", "status": "reading", "title": "ls -l", "detail": {"n": 1}}),
        ),
        ("tool.updated", json!({"call": "c1", "status": "done"})),
        (
            "tool.completed",
            json!({"call": "c1", "status": "ok", "result": [1]}),
        ),
        (
            "tool.output",
            json!({"call": "c1", "stream": "stdout", "text": "late"}),
        ),
    ]);
    check(
        &log,
        "/activities/0",
        &json!({
            "call": "c1", "name": "shell", "kind": "command", "title": "ls -l", "turn": "t1", "args": {"a": 1},
            "running": true, "phase": "done", "detail": {"n": 1},
            "output": [{"stream": "stdout", "text": "xy"}, {"stream": "stderr", "text": "z"}],
            "status": "ok", "result": [1], "first_seq": 2,
        }),
    );
}

#[test]
fn long_output_keeps_its_end() {
    let start = (
        "tool.started",
        json!({"call": "c1", "name": "n", "kind": "command"}),
    );
    let print = |stream: &str, text: String| {
        (
            "tool.output",
            json!({"call": "c1", "stream": stream, "text": text}),
        )
    };
    let mut snapshot = fold(&[start]);
    for n in 0..400 {
        extend(
            &mut snapshot,
            &[print("stdout", format!("{n:04}{}", "ä".repeat(500)))],
        );
        let call = &snapshot.activities[0];
        let n_bytes: usize = call.output.iter().map(|stretch| stretch.text.len()).sum();
        assert!(n_bytes <= MAX_SNAPSHOT_OUTPUT_BYTES);
        assert!(call.output_cut == (n >= 261), "{n}");
        assert!(!call.output_cut || n_bytes >= MAX_SNAPSHOT_OUTPUT_BYTES / 2);
        assert!(call.output[0].text.ends_with(&"ä".repeat(500)));
    }
    // Streams that take turns.
    for n in 0..1_000 {
        let stream = if n % 2 == 0 { "stdout" } else { "stderr" };
        extend(&mut snapshot, &[print(stream, format!("{n}"))]);
        assert!(snapshot.activities[0].output.len() <= MAX_SNAPSHOT_OUTPUT_STRETCHES);
    }
    assert_eq!(snapshot.activities[0].output.last().unwrap().text, "999");
    // One that is longer than all that is kept.
    extend(&mut snapshot, &[print("stdout", "🦀".repeat(100_001))]);
    let output = &snapshot.activities[0].output;
    assert_eq!(output.len(), 1);
    assert!(output[0].text.chars().all(|c| c == '🦀'));
}

#[test]
fn requests_keep_what_was_asked_and_the_first_answer() {
    let asked = (
        "approval.requested",
        json!({"request": "q1", "kind": "command", "title": "rm", "detail": {"c": "rm"}, "options": ["allow", "deny"], "call": "c1"}),
    );
    let log = [
        asked,
        (
            "approval.resolved",
            json!({"request": "q1", "decision": "deny", "note": "no", "by": "ana"}),
        ),
        ("request.expired", json!({"request": "q1", "why": "late"})),
        (
            "question.asked",
            json!({"request": "q2", "questions": [{"id": "a", "text": "?"}]}),
        ),
        (
            "question.answered",
            json!({"request": "q2", "answers": {"a": "b"}, "by": "ana"}),
        ),
        (
            "client_tool.called",
            json!({"request": "q3", "call": "c2", "expires_at": "2026-11-20T11:00:00.000Z"}),
        ),
        ("request.expired", json!({"request": "q3", "why": "late"})),
        ("client_tool.called", json!({"request": "q4", "call": "c3"})),
    ];
    check(
        &log,
        "/requests",
        &json!([
            {
                "request": "q1",
                "asks": {"kind": "approval", "of": "command", "title": "rm", "detail": {"c": "rm"}, "options": ["allow", "deny"]},
                "call": "c1",
                "resolution": {"is": "decided", "decision": "deny", "note": "no", "by": "ana"},
                "first_seq": 1,
            },
            {
                "request": "q2",
                "asks": {"kind": "question", "questions": [{"id": "a", "text": "?"}]},
                "resolution": {"is": "answered", "value": {"a": "b"}, "by": "ana"},
                "first_seq": 4,
            },
            {
                "request": "q3",
                "asks": {"kind": "client_tool"},
                "call": "c2",
                "expires_at": "2026-11-20T11:00:00.000Z",
                "resolution": {"is": "expired", "why": "late"},
                "first_seq": 6,
            },
            {"request": "q4", "asks": {"kind": "client_tool"}, "call": "c3", "first_seq": 8},
        ]),
    );
}

#[test]
fn inputs_tasks_plans_and_files_are_shown_as_they_stand() {
    let log = [
        (
            "input.received",
            json!({"input": "i1", "mode": "steer", "parts": [said("a")], "by": "ana"}),
        ),
        (
            "input.received",
            json!({"input": "i2", "mode": "follow_up", "parts": [], "by": "ana"}),
        ),
        ("input.consumed", json!({"input": "i1", "turn": "t1"})),
        (
            "input.returned",
            json!({"input": "i2", "code": "run_ended"}),
        ),
        (
            "task.started",
            json!({"task": "k1", "kind": "subagent", "title": "look", "status": "running"}),
        ),
        (
            "task.progress",
            json!({"task": "k1", "status": "running", "summary": "half", "detail": 7}),
        ),
        (
            "task.completed",
            json!({"task": "k1", "status": "completed"}),
        ),
        (
            "plan.updated",
            json!({"steps": [{"text": "x", "status": "pending"}], "explanation": "first"}),
        ),
        ("plan.updated", json!({"steps": []})),
        ("plan.proposed", json!({"plan": "p1", "markdown": "# x"})),
        (
            "worktree.ready",
            json!({"path": "/tree", "branch": "b", "base": "abc"}),
        ),
        (
            "checkpoint.captured",
            json!({"checkpoint": "w1", "ref": "refs/x", "files": 2, "status": "captured"}),
        ),
        ("worktree.settled", json!({"head": "def", "dirty": true})),
        ("session.started", json!({"native_id": "n", "model": "m"})),
        ("session.changed", json!({"state": "idle", "why": "done"})),
        (
            "session.exited",
            json!({"kind": "crashed", "recoverable": true}),
        ),
    ];
    check(
        &log,
        "/inputs/0/state",
        &json!({"is": "consumed", "turn": "t1"}),
    );
    check(
        &log,
        "/inputs/1/state",
        &json!({"is": "returned", "code": "run_ended"}),
    );
    check(
        &log,
        "/tasks/0",
        &json!({"task": "k1", "kind": "subagent", "title": "look", "status": "completed", "summary": "half", "detail": 7}),
    );
    check(
        &log,
        "/plan",
        &json!({"proposed": {"plan": "p1", "markdown": "# x"}}),
    );
    check(
        &log,
        "/worktree",
        &json!({"path": "/tree", "branch": "b", "base": "abc", "settled": {"head": "def", "dirty": true}}),
    );
    check(
        &log,
        "/checkpoints/0",
        &json!({"checkpoint": "w1", "ref": "refs/x", "files": 2, "status": "captured"}),
    );
    check(
        &log,
        "/session",
        &json!({"native_id": "n", "model": "m", "state": "idle", "why": "done", "exited": {"kind": "crashed", "recoverable": true}}),
    );
}

#[test]
fn usage_adds_up_and_outer_totals_replace_it() {
    let step = |input: u64, cost: Option<f64>| {
        let usage = json!({"input_tokens": input, "output_tokens": 1, "cost_usd": cost});
        ("step.finished", json!({"step": "s1", "usage": usage}))
    };
    let mut log = vec![step(5, Some(0.1)), step(6, Some(0.2)), step(1, None)];
    check(
        &log,
        "/usage",
        &json!({"input_tokens": 12, "output_tokens": 3, "cost_usd": 0.1 + 0.2}),
    );
    log.push((
        "usage.updated",
        json!({"context_tokens": 9, "window_tokens": 100, "totals": {"input_tokens": 2, "output_tokens": 2}}),
    ));
    log.push((
        "context.compacted",
        json!({"before_tokens": 9, "after_tokens": 4}),
    ));
    check(
        &log,
        "/usage",
        &json!({"input_tokens": 2, "output_tokens": 2, "cost_usd": 0.1 + 0.2}),
    );
    check(
        &log,
        "/context",
        &json!({"tokens": 4, "window_tokens": 100}),
    );
}

#[test]
fn only_the_newest_notices_are_kept() {
    let mut snapshot = Snapshot::default();
    for n in 0..250 {
        let notice = json!({"level": "info", "code": "c", "text": n.to_string()});
        extend(&mut snapshot, &[("notice", notice)]);
    }
    assert_eq!(snapshot.notices.len(), 200);
    assert_eq!(snapshot.notices[0].text, "50");
    assert_eq!(snapshot.notices[199].text, "249");
}

#[test]
fn a_state_that_missed_a_change_says_so_until_it_is_whole_again() {
    let whole = |state: Value| ("state.snapshot", json!({"state": state}));
    let delta = |patch: Value| ("state.delta", json!({"patch": patch}));
    let mut log = vec![
        whole(json!({"n": 1})),
        delta(json!([{"op": "add", "path": "/m", "value": 2}])),
    ];
    check(&log, "/state", &json!({"n": 1, "m": 2}));
    check(&log, "/state_stale", &Value::Null);
    log.push(delta(
        json!([{"op": "remove", "path": "/n"}, {"op": "remove", "path": "/x"}]),
    ));
    check(&log, "/state", &json!({"n": 1, "m": 2}));
    check(&log, "/state_stale", &json!(true));
    log.push(delta(json!([{"op": "remove", "path": "/n"}])));
    check(&log, "/state", &json!({"m": 2}));
    check(&log, "/state_stale", &json!(true));
    log.push(whole(json!({})));
    check(&log, "/state_stale", &Value::Null);
}

#[test]
fn a_value_that_nests_too_deep_is_kept_as_its_text() {
    let deep = nested(120);
    let log = [
        (
            "tool.started",
            json!({"call": "c1", "name": "n", "kind": "mcp"}),
        ),
        ("tool.called", json!({"call": "c1", "args": deep})),
        ("state.snapshot", json!({"state": deep})),
    ];
    check(&log, "/activities/0/args", &json!(deep.to_string()));
    check(&log, "/state", &Value::Null);
    check(&log, "/state_stale", &json!(true));
    let stored = serde_json::to_string(&fold(&log)).unwrap();
    assert_eq!(
        serde_json::from_str::<Snapshot>(&stored).unwrap(),
        fold(&log)
    );
}

#[test]
fn the_first_rendered_prompt_stays() {
    let rendered = |text: &str| ("prompt.rendered", json!({"system": text}));
    let log = [rendered("a"), rendered("b")];
    check(&log, "/prompt", &json!({"system": "a"}));
}

#[test]
fn a_summary_of_older_history_is_kept_with_the_run_that_it_reaches() {
    let through = "019a9f2e-7c00-7abc-8def-0123456789ab";
    let compacted = |data: Value| ("context.compacted", data);
    let numbers = json!({"before_tokens": 9, "after_tokens": 4});
    let mut with_summary = numbers.clone();
    with_summary["summary"] = json!("They met.");
    with_summary["through"] = json!(through);
    let log = [compacted(with_summary), compacted(numbers)];
    let expected = json!({"text": "They met.", "through": through});
    check(&log, "/history", &expected);
    check(&log, "/context/tokens", &json!(4));
}

#[test]
fn what_was_heard_and_done_says_where() {
    let log = [
        (
            "input.received",
            json!({"input": "i1", "mode": "steer", "parts": [], "by": "ana"}),
        ),
        ("turn.started", json!({"turn": "t1"})),
        ("step.started", json!({"step": "s1"})),
        ("input.consumed", json!({"input": "i1", "turn": "t1"})),
        (
            "tool.started",
            json!({"call": "c1", "name": "f", "kind": "other"}),
        ),
    ];
    check(&log, "/inputs/0/heard_seq", &json!(4));
    check(&log, "/activities/0/step", &json!("s1"));
}
