//! Closure: what ends with an attempt or with the run is closed in the same commit, so that nothing stays open that
//! nobody will ever close.

use crate::event::{
    InputReturned, MessageCompleted, MessageDiscarded, RequestExpired, ReturnCode, TaskCompleted,
    TaskStatus, ToolCompleted, ToolStatus, TurnCompleted, TurnStatus,
};
use crate::{
    CallId, CallStage, Event, MAX_DISCARDED_MESSAGES, OpenCall, Outcome, RequestKind, Run, Status,
    Survives,
};

impl Run {
    /// What must be closed because the run ends.
    pub(crate) fn close_run(&self, outcome: &Outcome) -> Vec<Event> {
        let mut events = self.close_calls(|_, _| Some(ToolStatus::Interrupted));
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
        let mut events = self.close_calls(|id, call| match (call.stage, call.idempotent) {
            // The client works on it and its answer can be used.
            _ if survives.requests && self.is_at_client(id) => None,
            // The run that performs it goes on.
            _ if survives.calls && call.run.is_some() => None,
            // A call whose tool was never touched, or may be touched twice, is safe for the next attempt.
            (CallStage::Called, _) | (CallStage::Running, true) if survives.calls => None,
            (CallStage::Running, false) if survives.calls => Some(ToolStatus::Unknown),
            (CallStage::Started | CallStage::Called | CallStage::Running, _) => {
                Some(ToolStatus::Interrupted)
            }
        });
        events.extend(self.close_messages(survives, why));
        events.extend(self.close_tasks());
        if !survives.requests {
            events.extend(self.close_requests(why));
        }
        events
    }

    /// What must be closed because the run waits without a worker: what only a living attempt could have gone on with.
    /// Requests stay open, they are what it waits for, and so do the calls that they may be about.
    pub(crate) fn close_parked(&self, survives: Survives, why: &str) -> Vec<Event> {
        let mut events = self.close_calls(|_, call| match call.stage {
            CallStage::Started => Some(ToolStatus::Interrupted),
            CallStage::Called | CallStage::Running => None,
        });
        events.extend(self.close_messages(survives, why));
        events.extend(self.close_tasks());
        events
    }

    /// Whether the client is to run this call's tool and has not answered.
    fn is_at_client(&self, call: &CallId) -> bool {
        self.requests.values().any(|open| match &open.wants {
            RequestKind::ClientTool { call: at_client } => at_client == call,
            RequestKind::Approval { .. } | RequestKind::Question { .. } => false,
        })
    }

    /// Closes the messages of an attempt: they stay as they are, or are said again. When the list of the messages to
    /// forget is full, they stay too: rather a text twice than one that some readers never hear of.
    fn close_messages(&self, survives: Survives, why: &str) -> impl Iterator<Item = Event> {
        let n_forgotten = if survives.text {
            0
        } else {
            MAX_DISCARDED_MESSAGES.saturating_sub(self.discarded.len())
        };
        self.messages
            .keys()
            .cloned()
            .enumerate()
            .map(move |(n, message)| {
                if n < n_forgotten {
                    let why = why.to_owned();
                    MessageDiscarded { message, why }.into()
                } else {
                    MessageCompleted {
                        message,
                        parts: None,
                        interrupted: true,
                    }
                    .into()
                }
            })
    }

    fn close_calls(
        &self,
        status_of: impl Fn(&CallId, &OpenCall) -> Option<ToolStatus>,
    ) -> Vec<Event> {
        self.calls
            .iter()
            .filter_map(|(id, call)| {
                let status = status_of(id, call)?;
                Some(
                    ToolCompleted {
                        call: id.clone(),
                        status,
                        result: serde_json::Value::Null,
                        usage: None,
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
