//! Closure: what ends with an attempt or with the run is closed in the same commit, so that nothing stays open that
//! nobody will ever close.

use crate::event::{
    InputReturned, MessageCompleted, MessageDiscarded, RequestExpired, ReturnCode, TaskCompleted,
    TaskStatus, ToolCompleted, ToolStatus, TurnCompleted, TurnStatus,
};
use crate::{CallStage, Event, Outcome, Run, Status, Survives};

impl Run {
    /// What must be closed because the run ends.
    pub(crate) fn close_run(&self, outcome: &Outcome) -> Vec<Event> {
        let mut events = self.close_calls(|_| Some(ToolStatus::Interrupted));
        events.extend(self.messages.keys().map(|message| {
            Event::from(MessageCompleted {
                message: message.clone(),
                parts: None,
                interrupted: true,
            })
        }));
        events.extend(self.close_tasks());
        events.extend(self.close_requests("the run ended"));
        events.extend(self.inputs.iter().map(|pending| {
            Event::from(InputReturned {
                input: pending.input.clone(),
                code: ReturnCode::RunEnded,
            })
        }));
        if let Some(turn) = self.turn.clone() {
            let status = match outcome.status {
                Status::Failed => TurnStatus::Failed,
                Status::Aborted => TurnStatus::Cancelled,
                Status::Succeeded | Status::Queued | Status::Running | Status::Waiting => {
                    TurnStatus::Completed
                }
            };
            events.push(
                TurnCompleted {
                    turn,
                    status,
                    error: outcome.error.clone(),
                }
                .into(),
            );
        }
        events
    }

    /// What must be closed because the attempt is over and another one may follow. The turn goes on.
    pub(crate) fn close_attempt(&self, survives: Survives, why: &str) -> Vec<Event> {
        let mut events = self.close_calls(|stage_and_idempotent| match stage_and_idempotent {
            // A call whose tool was never touched, or may be touched twice, is safe for the next attempt.
            (CallStage::Called, _) | (CallStage::Running, true) if survives.calls => None,
            (CallStage::Running, false) if survives.calls => Some(ToolStatus::Unknown),
            (CallStage::Started | CallStage::Called | CallStage::Running, _) => {
                Some(ToolStatus::Interrupted)
            }
        });
        events.extend(self.messages.keys().cloned().map(|message| {
            if survives.text {
                Event::from(MessageCompleted {
                    message,
                    parts: None,
                    interrupted: true,
                })
            } else {
                Event::from(MessageDiscarded {
                    message,
                    why: why.to_owned(),
                })
            }
        }));
        events.extend(self.close_tasks());
        if !survives.requests {
            events.extend(self.close_requests(why));
        }
        events
    }

    fn close_calls(
        &self,
        status_of: impl Fn((CallStage, bool)) -> Option<ToolStatus>,
    ) -> Vec<Event> {
        self.calls
            .iter()
            .filter_map(|(id, call)| {
                let status = status_of((call.stage, call.idempotent))?;
                Some(
                    ToolCompleted {
                        call: id.clone(),
                        status,
                        result: serde_json::Value::Null,
                    }
                    .into(),
                )
            })
            .collect()
    }

    fn close_requests(&self, why: &str) -> impl Iterator<Item = Event> {
        self.requests.keys().map(|request| {
            Event::from(RequestExpired {
                request: request.clone(),
                why: why.to_owned(),
            })
        })
    }

    fn close_tasks(&self) -> impl Iterator<Item = Event> {
        self.tasks.iter().map(|task| {
            Event::from(TaskCompleted {
                task: task.clone(),
                status: TaskStatus::Interrupted,
                summary: None,
            })
        })
    }
}
