//! Events that no sane writer would write in that order, for what has to hold in any log.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::event::*;
use crate::*;

/// Any event of any type, more often one that others build on. Few ids, so that events speak of the same things.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let often = [
        "message.started",
        "text.delta",
        "message.completed",
        "tool.started",
        "tool.output",
        "task.started",
        "approval.requested",
        "input.received",
        "state.delta",
    ];
    let often = often.map(|name| TYPES.iter().position(|kind| *kind == name).unwrap());
    let kind = prop_oneof![0..=TYPES.len(), prop::sample::select(often.to_vec())];
    let id = prop_oneof![3 => 1..4_u32, 1 => 1..30_u32];
    (kind, id, any::<u8>(), text(), value())
        .prop_map(|(kind, id, n, text, value)| of(kind, id, n, text, value))
}

/// A log of any events.
pub(crate) fn log(max: usize) -> impl Strategy<Value = Vec<Envelope>> {
    prop::collection::vec((event(), 0..5_i64), 0..max).prop_map(|events| {
        let mut at = 1_795_168_800_000;
        let numbered = events.into_iter().enumerate().map(|(n, (event, ms))| {
            at += ms;
            Envelope {
                seq: Seq(n as u64 + 1),
                at: Timestamp::from_ms(at),
                attempt: 1,
                event,
            }
        });
        numbered.collect()
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("a".to_owned()),
        Just("ä\n\u{0}\"".to_owned()),
        Just("🦀".repeat(40)),
    ]
}

/// A value that nests so deep.
pub(crate) fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!("x")),
        any::<f64>().prop_map(|x| json!(x)),
        any::<u64>().prop_map(|x| json!({"a": x, "b": [x, null]})),
        Just(nested(99)),
        Just(nested(120)),
    ]
}

/// One operation of a patch, fit or not.
fn operation(n: u8, value: &Value) -> Value {
    let paths = ["", "/a", "/b", "/b/-", "/b/0", "/c/d", "/a~1", "/~", "x"];
    let path = paths[usize::from(n) % paths.len()];
    let from = paths[usize::from(n / 9) % paths.len()];
    match n % 7 {
        0 => json!({"op": "add", "path": path, "value": value}),
        1 => json!({"op": "remove", "path": path}),
        2 => json!({"op": "replace", "path": path, "value": value}),
        3 => json!({"op": "move", "path": path, "from": from}),
        4 => json!({"op": "copy", "path": path, "from": from}),
        5 => json!({"op": "test", "path": path, "value": value}),
        _ => json!({"op": "turn", "path": path}),
    }
}

fn pick<T: Clone>(n: u8, all: &[T]) -> T {
    all[usize::from(n) % all.len()].clone()
}

fn cost(value: &Value) -> Option<f64> {
    value.as_f64()
}

fn usage(n: u8, value: &Value) -> Usage {
    Usage {
        input_tokens: u64::from(n),
        output_tokens: if n == 255 { u64::MAX } else { 1 },
        reasoning_tokens: 0,
        cached_input_tokens: u64::from(n / 2),
        cost_usd: cost(value),
    }
}

fn at(n: u8) -> Option<Timestamp> {
    (n > 100).then(|| Timestamp::from_ms(1_795_168_800_000 + i64::from(n)))
}

fn outcome(n: u8) -> Outcome {
    match n % 3 {
        0 => Outcome::completed(),
        1 => Outcome::failed(Reason::Error, ErrorInfo::new("error", "x")),
        _ => Outcome::aborted(Reason::Stopped),
    }
}

fn parts(n: u8, text: &str, value: &Value) -> Vec<Part> {
    let vendor = (n > 128).then(|| value.clone());
    let all = [
        Part::Text {
            text: text.to_owned(),
            vendor: vendor.clone(),
        },
        Part::Reasoning {
            text: text.to_owned(),
            vendor,
        },
        Part::Refusal {
            text: text.to_owned(),
        },
    ];
    all[..usize::from(n) % 4].to_vec()
}

#[expect(clippy::too_many_lines, reason = "one arm for each event type")]
fn of(kind: usize, id: u32, n: u8, text: String, value: Value) -> Event {
    let some_text = (n > 50).then(|| text.clone());
    let message = MessageId::nth(id);
    let call = CallId::nth(id);
    let request = RequestId::nth(id);
    let input = InputId::nth(id);
    let turn = TurnId::nth(id);
    let step = StepId::nth(id);
    let task = TaskId::nth(id);
    let run = RunId::new(Timestamp::from_ms(1), [n; 10]);
    let by = By("ana".to_owned());
    match TYPES.get(kind).copied().unwrap_or("later.type") {
        "run.created" => RunCreated {
            agent: "a".into(),
            driver: pick(n, &[DriverKind::Model, DriverKind::Command]),
            thread: ThreadId::parse("t").unwrap(),
            trigger: Trigger::Api,
            input: Input::text(text),
            client: serde_json::Map::new(),
            supersedes: None,
            refines: None,
            parent: None,
            structured: false,
            retries: None,
        }
        .into(),
        "attempt.started" => AttemptStarted {
            driver: DriverKind::Scripted,
            resumes: n > 9,
        }
        .into(),
        "attempt.ended" => AttemptEnded {
            end: pick(
                n,
                &[AttemptEnd::Parked, AttemptEnd::HandedOver, AttemptEnd::Lost],
            ),
            why: text,
            due_at: at(n),
        }
        .into(),
        "run.waiting" => RunWaiting {
            requests: if n > 30 { vec![request] } else { vec![] },
            calls: if n > 200 { vec![call] } else { vec![] },
            mode: pick(n, &[WaitMode::Held, WaitMode::Parked]),
            due_at: at(n),
        }
        .into(),
        "stop.requested" => StopRequested {
            by,
            why: some_text,
            superseded_by: (n > 128).then_some(run),
        }
        .into(),
        "run.finished" => {
            let outcome = outcome(n);
            RunFinished {
                status: outcome.status,
                reason: outcome.reason,
                finish_reason: some_text,
                error: outcome.error,
                usage: usage(n, &value),
                output: Some(value),
            }
            .into()
        }
        "input.received" => InputReceived {
            input,
            mode: pick(n, &[InputMode::Steer, InputMode::FollowUp]),
            parts: parts(n, &text, &value),
            by,
        }
        .into(),
        "input.consumed" => InputConsumed { input, turn }.into(),
        "input.returned" => InputReturned {
            input,
            code: pick(n, &[ReturnCode::TakenBack, ReturnCode::RunEnded]),
        }
        .into(),
        "session.started" => SessionStarted {
            native_id: text,
            resume_ref: (n > 99).then_some(value),
            model: None,
        }
        .into(),
        "session.changed" => SessionChanged {
            state: text,
            why: some_text,
        }
        .into(),
        "session.exited" => SessionExited {
            kind: text,
            recoverable: n > 7,
        }
        .into(),
        "prompt.rendered" => PromptRendered {
            system: n.is_multiple_of(2).then(|| text.clone()),
            prompt: n.is_multiple_of(3).then_some(text),
        }
        .into(),
        "turn.started" => TurnStarted {
            turn,
            input: None,
            model: some_text,
        }
        .into(),
        "turn.completed" => TurnCompleted {
            turn,
            status: TurnStatus::Completed,
            error: None,
        }
        .into(),
        "step.started" => StepStarted { step, model: None }.into(),
        "step.finished" => StepFinished {
            step,
            usage: usage(n, &value),
            finish_reason: some_text,
        }
        .into(),
        "message.started" => MessageStarted {
            message,
            role: pick(n, &[Role::Assistant, Role::User]),
        }
        .into(),
        "text.delta" => TextDelta {
            message,
            part: u32::from(n % 4),
            text,
        }
        .into(),
        "reasoning.delta" => ReasoningDelta {
            message,
            part: u32::from(n % 4),
            text,
        }
        .into(),
        "message.completed" => MessageCompleted {
            message,
            parts: (n > 64).then(|| parts(n, &text, &value)),
            interrupted: n.is_multiple_of(2),
        }
        .into(),
        "message.discarded" => MessageDiscarded { message, why: text }.into(),
        "tool.started" => ToolStarted {
            call,
            name: text,
            kind: pick(n, &[ToolKind::Command, ToolKind::Other]),
            title: some_text,
            message: Some(message),
            idempotent: n.is_multiple_of(2),
        }
        .into(),
        "tool.args.delta" => ToolArgsDelta { call, text }.into(),
        "tool.called" => ToolCalled {
            call,
            args: value,
            vendor: (n > 99).then(|| json!({ "signature": n })),
        }
        .into(),
        "tool.running" => ToolRunning {
            call,
            n_try: 1,
            run: (n > 128).then_some(run),
        }
        .into(),
        "tool.output" => ToolOutput {
            call,
            stream: pick(n, &[OutputStream::Stdout, OutputStream::Stderr]),
            text: text.repeat(if n > 250 { 3_000 } else { 1 }),
        }
        .into(),
        "tool.updated" => ToolUpdated {
            call,
            status: some_text,
            title: None,
            detail: Some(value),
        }
        .into(),
        "tool.completed" => ToolCompleted {
            call,
            status: pick(n, &[ToolStatus::Ok, ToolStatus::Unknown]),
            result: value,
            usage: (n > 99).then(|| usage(n, &json!(1))),
        }
        .into(),
        "approval.requested" => ApprovalRequested {
            request,
            kind: "command".into(),
            title: text,
            detail: value,
            options: Decision::ALL.to_vec(),
            call: Some(call),
            expires_at: at(n),
            grants: None,
        }
        .into(),
        "approval.resolved" => ApprovalResolved {
            request,
            decision: pick(n, &Decision::ALL),
            note: some_text,
            by,
            grants: None,
        }
        .into(),
        "question.asked" => QuestionAsked {
            request,
            questions: vec![Question {
                id: text,
                text: "?".into(),
                options: vec![],
                multiple: false,
            }],
            expires_at: at(n),
            call: None,
        }
        .into(),
        "question.answered" => QuestionAnswered {
            request,
            answers: value,
            by,
        }
        .into(),
        "client_tool.called" => ClientToolCalled {
            request,
            call,
            expires_at: at(n),
        }
        .into(),
        "client_tool.answered" => ClientToolAnswered {
            request,
            result: value,
            by,
        }
        .into(),
        "request.expired" => RequestExpired { request, why: text }.into(),
        "plan.updated" => PlanUpdated {
            steps: vec![PlanStep {
                text,
                status: PlanStepStatus::Pending,
            }],
            explanation: some_text,
        }
        .into(),
        "plan.proposed" => PlanProposed {
            plan: PlanId::nth(id),
            markdown: text,
        }
        .into(),
        "plan.implemented" => PlanImplemented {
            plan: PlanId::nth(id),
            of: run,
        }
        .into(),
        "task.started" => TaskStarted {
            task,
            kind: "subagent".into(),
            title: text,
            status: TaskStatus::Running,
        }
        .into(),
        "task.progress" => TaskProgress {
            task,
            status: TaskStatus::Running,
            summary: some_text,
            detail: Some(value),
        }
        .into(),
        "task.completed" => TaskCompleted {
            task,
            status: TaskStatus::Completed,
            summary: some_text,
        }
        .into(),
        "usage.updated" => UsageUpdated {
            context_tokens: (n > 3).then_some(u64::from(n)),
            window_tokens: None,
            totals: usage(n, &value),
        }
        .into(),
        "context.compacted" => ContextCompacted {
            before_tokens: 2,
            after_tokens: 1,
            summary: n.is_multiple_of(2).then_some(text),
            through: n.is_multiple_of(3).then_some(run),
        }
        .into(),
        "retry.scheduled" => RetryScheduled {
            delay_ms: 1,
            why: text,
        }
        .into(),
        "worktree.ready" => WorktreeReady {
            path: text,
            branch: some_text,
            base: "b".into(),
            owner: None,
        }
        .into(),
        "diff.updated" => DiffUpdated {
            files: vec![FileChange {
                path: text,
                change: "added".into(),
                additions: 1,
                deletions: 0,
            }],
            n_files: Some(1),
            additions: 1,
            deletions: 0,
            blob: None,
            truncated: false,
        }
        .into(),
        "checkpoint.captured" => CheckpointCaptured {
            checkpoint: CheckpointId::nth(id),
            git_ref: text,
            files: 1,
            status: "captured".into(),
            diff: None,
        }
        .into(),
        "worktree.settled" => WorktreeSettled {
            head: text,
            dirty: n > 3,
            removed: n > 5,
        }
        .into(),
        "state.snapshot" => StateSnapshot { state: value }.into(),
        "state.delta" => StateDelta {
            patch: (0..n % 4)
                .map(|k| operation(n.wrapping_mul(k + 3), &value))
                .collect(),
        }
        .into(),
        "notice" => Notice {
            level: NoticeLevel::Info,
            code: "c".into(),
            text,
            detail: Some(value),
        }
        .into(),
        "raw" => Raw {
            source: text,
            payload: value,
        }
        .into(),
        "custom" => Custom { name: text, value }.into(),
        kind => Event::Unknown(Unknown {
            kind: kind.to_owned(),
            data: value,
        }),
    }
}

#[test]
fn the_soup_has_every_type() {
    for (kind, name) in TYPES.iter().enumerate() {
        assert_eq!(of(kind, 1, 1, String::new(), Value::Null).kind(), *name);
        assert!(!matches!(
            of(kind, 1, 1, String::new(), Value::Null),
            Event::Unknown(_)
        ));
    }
}
