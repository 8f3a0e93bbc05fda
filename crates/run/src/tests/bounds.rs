//! How large the control state can become.

use serde_json::{Value, json};

use super::story::{START, event};
use crate::*;

fn folded(run: &mut Run, kind: &str, data: &Value) {
    run.apply(&Envelope {
        seq: run.last_seq.next(),
        at: START,
        attempt: 1,
        event: event(kind, data),
    });
}

/// An id of the greatest length that is printed twice as long.
fn id(n: usize) -> String {
    format!("{n:06}{}", "\"".repeat(MAX_SHORT_ID_BYTES - 6))
}

#[test]
fn a_run_stays_within_its_bound_whatever_its_log_says() {
    let mut run = Run::new();
    let long = "\u{1}".repeat(100_000);
    let questions: Vec<_> = (0..20)
        .map(|n| json!({"id": id(n), "text": long[..9]}))
        .collect();
    let mut largest = 0;
    for n in 0..300 {
        let id = id(n);
        let approval =
            json!({"request": id, "kind": "k", "title": "t", "options": vec!["allow"; 99]});
        for (kind, data) in [
            (
                "message.started",
                json!({"message": id, "role": "assistant"}),
            ),
            ("message.discarded", json!({"message": id, "why": ""})),
            (
                "message.started",
                json!({"message": id, "role": "assistant"}),
            ),
            (
                "tool.started",
                json!({"call": id, "name": "n", "kind": "other", "idempotent": true}),
            ),
            (
                "task.started",
                json!({"task": id, "kind": "k", "title": "t", "status": "running"}),
            ),
            (
                "input.received",
                json!({"input": id, "mode": "follow_up", "parts": [{"type": "text", "text": long[..999]}], "by": "x"}),
            ),
            ("approval.requested", approval),
            ("request.expired", json!({"request": id, "why": ""})),
            (
                "question.asked",
                json!({"request": id, "questions": questions}),
            ),
        ] {
            folded(&mut run, kind, &data);
        }
    }
    let ids: Vec<_> = (0..300).map(id).collect();
    let wide = "ä".repeat(100_000);
    let usage = json!({"input_tokens": u64::MAX, "output_tokens": u64::MAX, "reasoning_tokens": u64::MAX, "cost_usd": -1e-300});
    for (kind, data) in [
        ("turn.started", json!({"turn": id(0)})),
        ("step.started", json!({"step": id(0)})),
        ("usage.updated", json!({"totals": usage})),
        (
            "session.started",
            json!({"native_id": "", "resume_ref": "\u{1}".repeat(MAX_RESUME_REF_BYTES / 6 - 1)}),
        ),
        (
            "message.completed",
            json!({"message": id(0), "parts": [{"type": "text", "text": wide}]}),
        ),
        (
            "stop.requested",
            json!({"by": long, "superseded_by": RunId::new(START, [9; 10])}),
        ),
        (
            "run.waiting",
            json!({"mode": "parked", "requests": ids, "due_at": START}),
        ),
    ] {
        folded(&mut run, kind, &data);
        largest = largest.max(serde_json::to_string(&run).unwrap().len());
    }
    assert_eq!(
        (run.messages.len(), run.calls.len(), run.tasks.len()),
        (MAX_OPEN_MESSAGES - 1, MAX_OPEN_CALLS, MAX_OPEN_TASKS)
    );
    assert!(run.resume_ref.is_some());
    let error = json!({"code": long, "message": long});
    folded(
        &mut run,
        "run.finished",
        &json!({"status": "failed", "reason": "error", "finish_reason": long, "error": error, "usage": usage, "output": long}),
    );
    largest = largest.max(serde_json::to_string(&run).unwrap().len());
    assert!(
        (MAX_RUN_BYTES / 2..MAX_RUN_BYTES).contains(&largest),
        "{largest}"
    );
}

#[test]
fn a_session_that_could_not_be_kept_is_refused() {
    let run = Run::new();
    let admit = |resume_ref: Value| {
        let started = json!({"native_id": "n", "resume_ref": resume_ref});
        run.admit(&event("session.started", &started))
    };
    assert_eq!(admit(json!("x".repeat(MAX_RESUME_REF_BYTES - 2))), Ok(()));
    let refused = Refused::Unfit("a session's resume_ref may have at most 16384 bytes".to_owned());
    assert_eq!(
        admit(json!("x".repeat(MAX_RESUME_REF_BYTES - 1))),
        Err(refused)
    );
}
