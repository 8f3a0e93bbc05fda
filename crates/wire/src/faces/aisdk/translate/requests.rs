//! What the run waits for from its client.

use run::event::{ApprovalRequested, ApprovalResolved, Decision, QuestionAsked};
use run::{Event, RequestId};
use serde_json::{Value, json};

use super::super::aside::{self, Kept};
use super::super::chunk::Chunk;
use super::super::ids::in_chat;
use super::super::lines::Lines;
use super::super::view::Dialect;
use super::{Own, Translator, put_data};

/// What a question is called where no call of a tool asks it.
pub(in super::super) const ASK_USER: &str = "ask_user";

impl Translator {
    pub(super) fn ask_approval(
        &mut self,
        asked: &ApprovalRequested,
        event: &Event,
        lines: &mut Lines,
    ) {
        let approval_id = in_chat(self.view.run, &asked.request);
        let call = asked.call.as_ref();
        if call.is_some_and(|call| self.hidden_calls.contains(call)) {
            return;
        }
        let known = call.and_then(|call| self.calls.get_mut(call));
        let tool_call_id = if let Some(call) = known {
            call.was_asked = true;
            call.id.clone()
        } else {
            self.belongs(None, lines);
            lines.put(&Chunk::ToolInputAvailable {
                tool_call_id: &approval_id,
                tool_name: &asked.kind,
                input: &json!({ "title": asked.title, "detail": asked.detail }),
                provider_executed: None,
                dynamic: Some(true),
                title: Some(&asked.title),
            });
            self.own_requests
                .insert(asked.request.clone(), Own::Approval);
            approval_id.clone()
        };
        lines.put(&Chunk::ToolApprovalRequest {
            approval_id: &approval_id,
            tool_call_id: &tool_call_id,
        });
        self.put_request(&asked.request, event, lines);
    }

    pub(super) fn resolve(
        &mut self,
        resolved: &ApprovalResolved,
        event: &Event,
        lines: &mut Lines,
    ) {
        let id = in_chat(self.view.run, &resolved.request);
        let approved = is_approved(resolved.decision);
        if self.view.dialect == Dialect::V7 {
            lines.put(&Chunk::ToolApprovalResponse {
                approval_id: &id,
                approved,
                reason: resolved.note.as_deref(),
            });
        }
        if self.own_requests.remove(&resolved.request).is_some() {
            if approved {
                lines.put(&Chunk::ToolOutputAvailable {
                    tool_call_id: &id,
                    output: &json!({ "decision": resolved.decision }),
                    provider_executed: Some(true),
                });
            } else {
                lines.put(&Chunk::ToolOutputDenied { tool_call_id: &id });
            }
        }
        self.put_request(&resolved.request, event, lines);
    }

    /// A question is a call whose output is what the person answers.
    pub(super) fn ask(&mut self, asked: &QuestionAsked, event: &Event, lines: &mut Lines) {
        let call = asked.call.as_ref();
        if call.is_some_and(|call| self.hidden_calls.contains(call)) {
            return;
        }
        // The call of a tool that asks has the questions already.
        if !call.is_some_and(|call| self.calls.contains_key(call)) {
            self.belongs(None, lines);
            let id = in_chat(self.view.run, &asked.request);
            lines.put(&Chunk::ToolInputAvailable {
                tool_call_id: &id,
                tool_name: ASK_USER,
                input: &json!({ "questions": asked.questions }),
                provider_executed: None,
                dynamic: Some(true),
                title: None,
            });
            self.own_requests
                .insert(asked.request.clone(), Own::Question);
        }
        self.put_request(&asked.request, event, lines);
    }

    pub(super) fn close_question(
        &mut self,
        request: &RequestId,
        answers: &Value,
        lines: &mut Lines,
    ) {
        if self.own_requests.remove(request).is_some() {
            let id = in_chat(self.view.run, request);
            lines.put(&Chunk::ToolOutputAvailable {
                tool_call_id: &id,
                output: answers,
                provider_executed: Some(true),
            });
        }
    }

    /// What a request has beside the chunks of the protocol.
    pub(super) fn put_request(&self, request: &RequestId, event: &Event, lines: &mut Lines) {
        let id = in_chat(self.view.run, request);
        put_data(event, Kept::Under(id), &aside::data(event), lines);
    }
}

/// Whether a decision lets the agent go on.
pub(in super::super) fn is_approved(decision: Decision) -> bool {
    match decision {
        Decision::Allow | Decision::AllowForThread => true,
        Decision::Deny | Decision::Cancel => false,
    }
}
