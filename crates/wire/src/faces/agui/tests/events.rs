//! Every type of event, and how runs end.

use serde_json::json;

use super::*;

/// What one event becomes behind the beginning of a run, without the number.
fn becomes(kind: &str, data: Value) -> Vec<Value> {
    let before = [
        created(),
        (
            "message.started",
            json!({"message": "m1", "role": "assistant"}),
        ),
        (
            "tool.started",
            json!({"call": "c1", "name": "look", "kind": "other"}),
        ),
    ];
    let mut log_of: Vec<(&str, Value)> = before.to_vec();
    log_of.push((kind, data));
    let mut view = view(1);
    view.cursor = Cursor::parse("3").unwrap();
    let stream = live(&log(&log_of), view);
    let text = String::from_utf8(stream).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data.map(|data| serde_json::from_str(data).unwrap());
    // The run begins, and the call is begun again.
    events.skip(2).collect()
}

#[track_caller]
fn check(kind: &str, data: Value, expected: &Value) {
    let found = Value::Array(becomes(kind, data));
    let text = found.to_string().replace(RUN, "R");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), *expected);
}

#[test]
fn plans_tasks_and_files_are_activities() {
    check(
        "plan.updated",
        json!({"steps": [{"text": "a", "status": "pending"}]}),
        &json!([{"type": "ACTIVITY_SNAPSHOT", "messageId": "R:plan", "activityType": "plan", "replace": true,
            "content": {"steps": [{"text": "a", "status": "pending"}]}}]),
    );
    check(
        "task.progress",
        json!({"task": "k1", "status": "running", "summary": "half"}),
        &json!([{"type": "ACTIVITY_DELTA", "messageId": "R:k1", "activityType": "task", "patch": [
            {"op": "add", "path": "/status", "value": "running"},
            {"op": "add", "path": "/summary", "value": "half"},
            {"op": "add", "path": "/task", "value": "k1"},
        ]}]),
    );
    check(
        "diff.updated",
        json!({"files": [], "additions": 1, "deletions": 0}),
        &json!([{"type": "ACTIVITY_SNAPSHOT", "messageId": "R:diff", "activityType": "diff", "replace": true,
            "content": {"files": [], "additions": 1, "deletions": 0}}]),
    );
}

#[test]
fn state_is_state_and_a_change_that_is_none_is_only_told() {
    check(
        "state.delta",
        json!({"patch": [{"op": "add", "path": "/a", "value": 1}]}),
        &json!([{"type": "STATE_DELTA", "delta": [{"op": "add", "path": "/a", "value": 1}]}]),
    );
    check(
        "state.delta",
        json!({"patch": [{"op": "append", "path": "/a"}]}),
        &json!([{"type": "CUSTOM", "name": "outlive.state.delta", "value": {"patch": [{"op": "append", "path": "/a"}]}}]),
    );
}

#[test]
fn what_an_agent_behind_the_run_says_in_this_protocol_is_said_as_it_was() {
    check(
        "custom",
        json!({"name": "agui.activity", "value": {"messageId": "x", "activityType": "chart", "content": {"n": 1}}}),
        &json!([{"type": "ACTIVITY_SNAPSHOT", "messageId": "R:x", "activityType": "chart", "content": {"n": 1}, "replace": true}]),
    );
    check(
        "custom",
        json!({"name": "agui.step", "value": {"name": "plan", "status": "started"}}),
        &json!([{"type": "STEP_STARTED", "stepName": "plan"}]),
    );
    check(
        "custom",
        json!({"name": "mine", "value": [1]}),
        &json!([{"type": "CUSTOM", "name": "mine", "value": [1]}]),
    );
    check(
        "raw",
        json!({"source": "agui", "payload": {"type": "X"}}),
        &json!([{"type": "RAW", "source": "agui", "event": {"type": "X"}}]),
    );
    check(
        "later.type",
        json!({"a": 1}),
        &json!([{"type": "CUSTOM", "name": "outlive.later.type", "value": {"a": 1}}]),
    );
}

#[test]
fn a_message_that_comes_whole_is_said_whole() {
    check(
        "message.completed",
        json!({"message": "m1", "parts": [
            {"type": "reasoning", "text": "hm"}, {"type": "text", "text": "Yes"}, {"type": "source", "url": "https://x"},
        ]}),
        &json!([
            {"type": "REASONING_START", "messageId": "R:m1:r0"},
            {"type": "REASONING_MESSAGE_START", "messageId": "R:m1:r0", "role": "reasoning"},
            {"type": "REASONING_MESSAGE_CONTENT", "messageId": "R:m1:r0", "delta": "hm"},
            {"type": "REASONING_MESSAGE_END", "messageId": "R:m1:r0"},
            {"type": "REASONING_END", "messageId": "R:m1:r0"},
            {"type": "TEXT_MESSAGE_START", "messageId": "R:m1", "role": "assistant"},
            {"type": "TEXT_MESSAGE_CONTENT", "messageId": "R:m1", "delta": "Yes"},
            {"type": "TEXT_MESSAGE_END", "messageId": "R:m1"},
            {"type": "CUSTOM", "name": "outlive.part", "value": {"messageId": "R:m1", "part": {"type": "source", "url": "https://x"}}},
        ]),
    );
    check(
        "message.completed",
        json!({"message": "m1", "parts": []}),
        &json!([]),
    );
}

#[test]
fn a_message_whose_truth_is_another_one_is_said_again() {
    let log = log(&[
        created(),
        (
            "message.started",
            json!({"message": "m1", "role": "assistant"}),
        ),
        (
            "text.delta",
            json!({"message": "m1", "part": 0, "text": "Nearl"}),
        ),
        (
            "message.completed",
            json!({"message": "m1", "parts": [{"type": "text", "text": "Exactly"}]}),
        ),
        finished(),
    ]);
    assert_eq!(read(&live(&log, view(1))).seen(), ["assistant: Exactly"]);
}

/// How a run ends, as the last event without its usage.
#[track_caller]
fn check_end(finished: Value, expected: &Value) {
    let log = log(&[created(), ("run.finished", finished)]);
    let end = read(&replayed(&log, view(1))).end.unwrap().to_string();
    let mut end: Value = serde_json::from_str(&end.replace(RUN, "R")).unwrap();
    end.as_object_mut().unwrap().remove("usage");
    assert_eq!(end, *expected);
}

#[test]
fn a_run_ends_as_it_ended() {
    check_end(
        json!({"status": "succeeded", "reason": "completed", "finish_reason": "stop", "usage": {"input_tokens": 1, "output_tokens": 1, "cost_usd": 0.5}, "output": {"a": 1}}),
        &json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r1", "result": {"a": 1}, "outcome": {"type": "success"},
            "metadata": {"outlive": {"run": "R", "status": "succeeded", "reason": "completed", "finish_reason": "stop", "cost_usd": 0.5}}}),
    );
    check_end(
        json!({"status": "aborted", "reason": "stopped", "usage": {}}),
        &json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r1", "outcome": {"type": "cancelled"},
            "metadata": {"outlive": {"run": "R", "status": "aborted", "reason": "stopped"}}}),
    );
    check_end(
        json!({"status": "failed", "reason": "rejected", "error": {"code": "vendor_unauthorized", "message": "bad key"}, "usage": {}}),
        &json!({"type": "RUN_ERROR", "message": "bad key", "code": "vendor_unauthorized",
            "metadata": {"outlive": {"run": "R", "status": "failed", "reason": "rejected"}}}),
    );
    check_end(
        json!({"status": "aborted", "reason": "interrupted", "usage": {}}),
        &json!({"type": "RUN_ERROR", "message": "the run ended as aborted (interrupted)", "code": "interrupted",
            "metadata": {"outlive": {"run": "R", "status": "aborted", "reason": "interrupted"}}}),
    );
}

/// Every type that was ever stored, as the client reads it.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the examples of all types are files"
)]
fn every_type_of_event_has_its_translation() {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../run/golden");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(golden).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let event: Value = serde_json::from_str(&text).unwrap();
        all.push((
            event["type"].as_str().unwrap().to_owned(),
            event["data"].clone(),
        ));
    }
    all.sort_by_key(|(kind, _)| run::event::TYPES.iter().position(|known| known == kind));
    assert!(all.len() >= run::event::TYPES.len());
    let is_end = |kind: &str| matches!(kind, "run.finished" | "run.waiting");
    for (kind, data) in all.iter().filter(|(kind, _)| !is_end(kind)) {
        let stream = live(
            &log(&[created(), (kind, data.clone()), finished()]),
            view(1),
        );
        // A client takes it, in whatever state the run is.
        read(&stream);
    }
}
