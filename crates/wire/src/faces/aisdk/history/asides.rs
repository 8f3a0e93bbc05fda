//! What stays in a message beside its text and its calls, as the data parts that its stream has had.

use run::event::{
    ApprovalRequested, ApprovalResolved, CheckpointCaptured, DiffUpdated, InputConsumed,
    InputReceived, InputReturned, PlanProposed, PlanUpdated, QuestionAnswered, QuestionAsked,
    RequestExpired, TaskCompleted, TaskStarted, TaskStatus,
};
use run::snapshot::{Asked, InputState, Request, Resolution, Snapshot};
use run::{Event, RunId};
use serde_json::{Value, json};

use super::super::aside;
use super::super::ids::{data_type, in_chat};

/// What stays in a message beside its text and its calls.
pub(super) fn asides(run: RunId, snapshot: &Snapshot) -> Vec<Value> {
    let mut asides = Vec::new();
    let mut put = |id: Option<String>, event: Event| {
        let mut part = json!({ "type": data_type(&event), "data": aside::data(&event) });
        if let Some(id) = id {
            part["id"] = id.into();
        }
        asides.push(part);
    };
    for request in &snapshot.requests {
        for event in request_events(request) {
            put(Some(in_chat(run, &request.request)), event);
        }
    }
    for input in &snapshot.inputs {
        let id = Some(input.input.to_string());
        let received = InputReceived {
            input: input.input.clone(),
            mode: input.mode,
            parts: input.parts.clone(),
            by: input.by.clone(),
        };
        put(id.clone(), received.into());
        match &input.state {
            InputState::Waiting => {}
            InputState::Consumed { turn } => put(
                id,
                InputConsumed {
                    input: input.input.clone(),
                    turn: turn.clone(),
                }
                .into(),
            ),
            InputState::Returned { code } => put(
                id,
                InputReturned {
                    input: input.input.clone(),
                    code: *code,
                }
                .into(),
            ),
        }
    }
    if let Some(plan) = &snapshot.plan {
        if !plan.steps.is_empty() {
            let updated = PlanUpdated {
                steps: plan.steps.clone(),
                explanation: plan.explanation.clone(),
            };
            put(Some("plan".to_owned()), updated.into());
        }
        if let Some(proposed) = &plan.proposed {
            let proposed = PlanProposed {
                plan: proposed.plan.clone(),
                markdown: proposed.markdown.clone(),
            };
            put(Some("proposed".to_owned()), proposed.into());
        }
    }
    for task in &snapshot.tasks {
        let id = Some(task.task.to_string());
        let started = TaskStarted {
            task: task.task.clone(),
            kind: task.kind.clone(),
            title: task.title.clone(),
            status: TaskStatus::Running,
        };
        put(id.clone(), started.into());
        if task.status != TaskStatus::Running {
            let completed = TaskCompleted {
                task: task.task.clone(),
                status: task.status,
                summary: task.summary.clone(),
            };
            put(id, completed.into());
        }
    }
    if let Some(diff) = &snapshot.diff {
        let updated = DiffUpdated::from(diff);
        put(Some("diff".to_owned()), updated.into());
    }
    for checkpoint in &snapshot.checkpoints {
        let captured = CheckpointCaptured {
            checkpoint: checkpoint.checkpoint.clone(),
            git_ref: checkpoint.git_ref.clone(),
            files: checkpoint.files,
            status: checkpoint.status.clone(),
            diff: checkpoint.diff.as_ref().map(Into::into),
        };
        put(Some(checkpoint.checkpoint.to_string()), captured.into());
    }
    for notice in &snapshot.notices {
        put(None, notice.clone().into());
    }
    asides
}

/// The events that a request stands for.
fn request_events(request: &Request) -> Vec<Event> {
    let id = &request.request;
    let mut events: Vec<Event> = Vec::new();
    match &request.asks {
        Asked::Approval {
            of,
            title,
            detail,
            options,
        } => events.push(
            ApprovalRequested {
                request: id.clone(),
                kind: of.clone(),
                title: title.clone(),
                detail: detail.clone(),
                options: options.clone(),
                call: request.call.clone(),
                grants: None,
                expires_at: request.expires_at,
            }
            .into(),
        ),
        Asked::Question { questions } => events.push(
            QuestionAsked {
                request: id.clone(),
                questions: questions.clone(),
                call: request.call.clone(),
                expires_at: request.expires_at,
            }
            .into(),
        ),
        Asked::ClientTool => {}
    }
    match (&request.resolution, &request.asks) {
        (Some(Resolution::Decided { decision, note, by }), _) => events.push(
            ApprovalResolved {
                request: id.clone(),
                decision: *decision,
                note: note.clone(),
                grants: None,
                by: by.clone(),
            }
            .into(),
        ),
        (Some(Resolution::Answered { value, by }), Asked::Question { .. }) => events.push(
            QuestionAnswered {
                request: id.clone(),
                answers: value.clone(),
                by: by.clone(),
            }
            .into(),
        ),
        (Some(Resolution::Expired { why }), _) => events.push(
            RequestExpired {
                request: id.clone(),
                why: why.clone(),
            }
            .into(),
        ),
        (Some(Resolution::Answered { .. }), Asked::Approval { .. } | Asked::ClientTool)
        | (None, _) => {}
    }
    events
}
