//! What codex tells by itself.

use serde_json::{Value, json};

use super::speaking::Codex;
use crate::codec::json::{line, list, owned, shown, text};
use crate::codec::{
    Event, Failure, FailureCode, Level, Moves, PlanStep, PlanStepStatus, TaskStatus, TurnStatus,
};

impl Codex {
    pub(super) fn notified(
        &mut self,
        method: &str,
        params: &Value,
        frame: &[u8],
        moves: &mut Moves,
    ) {
        let thread = text(params, "/threadId");
        if thread.is_some() && thread != self.thread.as_deref() {
            self.of_another_thread(method, params, frame, moves);
            return;
        }
        match method {
            "turn/started" => {
                if let Some(turn) = text(params, "/turn/id") {
                    self.open.begin(moves);
                    self.turn_is(turn, moves);
                }
            }
            "turn/completed" => self.turn_completed(params, moves),
            "item/started" => self.item_started(params, moves),
            "item/completed" => self.item_completed(params, moves),
            "item/agentMessage/delta" | "item/plan/delta" => self.text_delta(params, moves),
            "item/reasoning/summaryTextDelta" => {
                self.reasoning_delta(params, "/summaryIndex", moves);
            }
            "item/reasoning/textDelta" => self.reasoning_delta(params, "/contentIndex", moves),
            "item/commandExecution/outputDelta" | "item/fileChange/outputDelta" => {
                let call = owned(params, "/itemId");
                self.open.running(&call, moves);
                self.open.output(&call, &owned(params, "/delta"), moves);
            }
            "item/fileChange/patchUpdated" => self.patch_updated(params),
            "item/mcpToolCall/progress" => {
                let call = owned(params, "/itemId");
                if self.open.has_call(&call) {
                    moves.say(Event::ToolUpdated {
                        call,
                        title: None,
                        detail: Some(json!({"message": params["message"]})),
                    });
                }
            }
            "thread/tokenUsage/updated" => self.consumed(params, moves),
            "turn/plan/updated" => moves.say(plan(params)),
            "error" => self.error(params, moves),
            "thread/started" => self.thread_started(params, moves),
            "serverRequest/resolved" => {
                let request = params["requestId"].to_string();
                let why = "the agent does not wait for it any more";
                self.open.request_closed(&request, why, moves);
            }
            "warning" | "guardianWarning" => {
                let text = shown(text(params, "/message").unwrap_or_default());
                moves.notice(Level::Warning, "agent_warns", text);
            }
            "configWarning" | "deprecationNotice" => {
                let summary = text(params, "/summary").unwrap_or_default();
                let details = text(params, "/details").map(|details| format!(": {details}"));
                let text = shown(&format!("{summary}{}", details.unwrap_or_default()));
                moves.notice(Level::Info, "agent_warns", text);
            }
            "model/rerouted" => {
                let text = format!(
                    "the model {} was replaced by {}",
                    line(&owned(params, "/fromModel")),
                    line(&owned(params, "/toModel"))
                );
                moves.notice(Level::Warning, "model_replaced", text);
            }
            _ if is_of_no_interest(method) => self.odd.aside(frame, moves),
            _ => self.odd.unknown(method, frame, moves),
        }
    }

    fn turn_completed(&mut self, params: &Value, moves: &mut Moves) {
        // An end of an earlier turn, or a second one.
        if self.turn.is_none() || text(params, "/turn/id") != self.turn.as_deref() {
            return;
        }
        let error = text(params, "/turn/error/message");
        let (status, failure) = match (text(params, "/turn/status"), error) {
            (Some("interrupted"), _) => (TurnStatus::Cancelled, None),
            (Some("completed"), None) => (TurnStatus::Completed, None),
            (Some(_) | None, error) => {
                let info = text(params, "/turn/error/codexErrorInfo").unwrap_or_default();
                let code = match info {
                    "usageLimitExceeded" | "unauthorized" | "contextWindowExceeded" => {
                        FailureCode::AgentRefused
                    }
                    _ => FailureCode::AgentFailed,
                };
                let message = error.unwrap_or("the agent failed without a word");
                (TurnStatus::Failed, Some(Failure::new(code, message)))
            }
        };
        self.end_turn(status, failure, moves);
    }

    fn error(&mut self, params: &Value, moves: &mut Moves) {
        let message = text(params, "/error/message").unwrap_or_default();
        let why = match text(params, "/error/additionalDetails") {
            Some(details) => format!("{message}: {details}"),
            None => message.to_owned(),
        };
        if params["willRetry"] == true {
            self.messages_again(&why, moves);
            moves.say(Event::Retry {
                delay_ms: None,
                why,
            });
        } else if self.turn.is_none() {
            // That of a turn is told by its end.
            moves.notice(Level::Error, "agent_error", shown(&why));
        }
    }

    /// Agents of its own work in threads of their own.
    fn thread_started(&mut self, params: &Value, moves: &mut Moves) {
        let parent = text(params, "/thread/parentThreadId");
        if parent.is_some() && parent == self.thread.as_deref() {
            let name = text(params, "/thread/agentNickname");
            let role = text(params, "/thread/agentRole");
            let title = name.or(role).unwrap_or("an agent of the agent");
            let task = owned(params, "/thread/id");
            self.open.task(&task, "agent", &line(title), moves);
        }
    }

    fn of_another_thread(&mut self, method: &str, params: &Value, frame: &[u8], moves: &mut Moves) {
        let task = owned(params, "/threadId");
        match method {
            "turn/completed" => {
                let status = match text(params, "/turn/status") {
                    Some("completed") => TaskStatus::Completed,
                    Some("interrupted") => TaskStatus::Interrupted,
                    Some(_) | None => TaskStatus::Failed,
                };
                self.open.task_completed(&task, status, None, moves);
            }
            "item/completed" if text(params, "/item/type") == Some("agentMessage") => {
                let summary = text(params, "/item/text").map(str::to_owned);
                self.open.task_progress(&task, summary, moves);
            }
            _ => self.odd.aside(frame, moves),
        }
    }
}

fn plan(params: &Value) -> Event {
    let steps = list(params, "/plan").iter().map(|step| PlanStep {
        text: owned(step, "/step"),
        status: match text(step, "/status") {
            Some("completed") => PlanStepStatus::Completed,
            Some("inProgress") => PlanStepStatus::InProgress,
            Some(_) | None => PlanStepStatus::Pending,
        },
    });
    Event::PlanUpdated {
        steps: steps.collect(),
        explanation: text(params, "/explanation").map(str::to_owned),
    }
}

/// Known, and nothing that a run's log has a place for.
fn is_of_no_interest(method: &str) -> bool {
    const GROUPS: &[&str] = &[
        "account/",
        "app/",
        "externalAgentConfig/",
        "fs/",
        "fuzzyFileSearch/",
        "hook/",
        "item/autoApprovalReview/",
        "mcpServer/",
        "model/",
        "modelProvider/",
        "process/",
        "project/",
        "remoteControl/",
        "skills/",
        "thread/",
        "windows",
    ];
    const ALONE: &[&str] = &[
        "autoApprovalReview/strictReviewRequired",
        "command/exec/outputDelta",
        "item/commandExecution/terminalInteraction",
        "item/reasoning/summaryPartAdded",
        "turn/diff/updated",
        "turn/moderationMetadata",
    ];
    ALONE.contains(&method) || GROUPS.iter().any(|group| method.starts_with(group))
}
