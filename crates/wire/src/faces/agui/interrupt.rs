//! Requests as interrupts.

use std::collections::BTreeMap;

use run::event::{ApprovalRequested, ClientToolCalled, Decision, Question, QuestionAsked};
use run::{CallId, RequestId, RunId};
use serde_json::{Map, Value, json};

use super::event::{Interrupt, Outcome, ours};
use super::ids;
use super::view::ClientTools;

/// An open request.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Approval(Box<ApprovalRequested>),
    Question(Box<QuestionAsked>),
    ClientTool(ClientToolCalled),
}

/// How a run of the protocol ends that waits for these requests. `call_id` gives the id that the client knows a call by.
pub(super) fn outcome(
    run: RunId,
    asked: &BTreeMap<RequestId, Asked>,
    tools: ClientTools,
    call_id: impl Fn(&CallId) -> String,
) -> Outcome {
    let calls: Option<Vec<String>> = asked
        .values()
        .map(|asked| match asked {
            Asked::ClientTool(called) => Some(call_id(&called.call)),
            Asked::Approval(_) | Asked::Question(_) => None,
        })
        .collect();
    match (calls, tools) {
        (Some(pending_tool_call_ids), ClientTools::Pending) => Outcome::Success {
            pending_tool_call_ids,
        },
        (_, ClientTools::Interrupt) | (None, ClientTools::Pending) => Outcome::Interrupt {
            interrupts: asked
                .iter()
                .map(|(request, asked)| interrupt(run, request, asked, &call_id))
                .collect(),
        },
    }
}

fn interrupt(
    run: RunId,
    request: &RequestId,
    asked: &Asked,
    call_id: impl Fn(&CallId) -> String,
) -> Interrupt {
    let id = ids::request(run, request);
    match asked {
        Asked::Approval(asked) => Interrupt {
            id,
            reason: if asked.call.is_some() {
                "tool_call"
            } else {
                "confirmation"
            },
            message: Some(asked.title.clone()),
            tool_call_id: asked.call.as_ref().map(call_id),
            response_schema: Some(approval_schema(&asked.options)),
            expires_at: asked.expires_at.map(|at| at.to_string()),
            metadata: ours(&json!({
                "kind": "approval",
                "of": asked.kind,
                "detail": asked.detail,
                "options": asked.options,
            })),
        },
        Asked::Question(asked) => Interrupt {
            id,
            reason: "input_required",
            message: Some(
                asked
                    .questions
                    .iter()
                    .map(|question| question.text.as_str())
                    .collect::<Vec<_>>()
                    .join("\n"),
            ),
            tool_call_id: asked.call.as_ref().map(call_id),
            response_schema: Some(question_schema(&asked.questions)),
            expires_at: asked.expires_at.map(|at| at.to_string()),
            metadata: ours(&json!({ "kind": "question", "questions": asked.questions })),
        },
        Asked::ClientTool(called) => Interrupt {
            id,
            reason: "client_tool",
            message: None,
            tool_call_id: Some(call_id(&called.call)),
            response_schema: None,
            expires_at: called.expires_at.map(|at| at.to_string()),
            metadata: ours(&json!({ "kind": "client_tool" })),
        },
    }
}

/// What AG-UI recommends for approvals, and our finer word for it.
fn approval_schema(options: &[Decision]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "approved": { "type": "boolean" },
            "decision": { "type": "string", "enum": options },
            "reason": { "type": "string" },
        },
        "required": ["approved"],
    })
}

/// The answers by the ids of the questions.
fn question_schema(questions: &[Question]) -> Value {
    let properties: Map<String, Value> = questions
        .iter()
        .map(|question| {
            let mut answer = json!({ "type": "string" });
            if !question.options.is_empty() {
                answer["enum"] = json!(question.options);
            }
            if question.multiple {
                answer = json!({ "type": "array", "items": answer });
            }
            answer["title"] = question.text.clone().into();
            (question.id.clone(), answer)
        })
        .collect();
    let required: Vec<&str> = questions.iter().map(|it| it.id.as_str()).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}
