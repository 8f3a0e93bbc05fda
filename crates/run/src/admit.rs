//! Which events a worker may write now. A faulty driver or external worker must not make a log that readers cannot
//! follow: text for a message that is not open, two calls of one id, a second final event.

use crate::{
    Event, MAX_DISCARDED_MESSAGES, MAX_OPEN_CALLS, MAX_OPEN_MESSAGES, MAX_OPEN_REQUESTS,
    MAX_OPEN_TASKS, Refused, Run,
};

impl Event {
    /// Whether the control state moves with it.
    pub fn changes_control(&self) -> bool {
        !matches!(
            self,
            Self::TextDelta(_)
                | Self::ReasoningDelta(_)
                | Self::ToolArgsDelta(_)
                | Self::ToolOutput(_)
                | Self::ToolUpdated(_)
                | Self::TaskProgress(_)
        )
    }
}

impl Run {
    /// Checks one event against the state it would meet.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each event type, so that the compiler asks for a new one"
    )]
    pub(crate) fn admit(&self, event: &Event) -> Result<(), Refused> {
        match event {
            Event::TextDelta(delta) => open(
                "message",
                &delta.message,
                self.messages.contains_key(&delta.message),
            ),
            Event::ReasoningDelta(delta) => open(
                "message",
                &delta.message,
                self.messages.contains_key(&delta.message),
            ),
            Event::ToolOutput(output) => {
                open("call", &output.call, self.calls.contains_key(&output.call))
            }
            Event::ToolArgsDelta(delta) => {
                open("call", &delta.call, self.calls.contains_key(&delta.call))
            }
            Event::ToolUpdated(updated) => open(
                "call",
                &updated.call,
                self.calls.contains_key(&updated.call),
            ),
            Event::ToolCalled(called) => {
                open("call", &called.call, self.calls.contains_key(&called.call))
            }
            Event::ToolRunning(running) => open(
                "call",
                &running.call,
                self.calls.contains_key(&running.call),
            ),
            Event::ToolCompleted(done) => {
                open("call", &done.call, self.calls.contains_key(&done.call))
            }
            Event::MessageCompleted(done) => open(
                "message",
                &done.message,
                self.messages.contains_key(&done.message),
            ),
            Event::MessageDiscarded(done) => {
                open(
                    "message",
                    &done.message,
                    self.messages.contains_key(&done.message),
                )?;
                room(
                    "discarded messages",
                    self.discarded.len(),
                    MAX_DISCARDED_MESSAGES,
                )
            }
            Event::TaskProgress(task) => open("task", &task.task, self.tasks.contains(&task.task)),
            Event::TaskCompleted(task) => open("task", &task.task, self.tasks.contains(&task.task)),

            Event::MessageStarted(new) => {
                fresh(
                    "message",
                    &new.message,
                    self.messages.contains_key(&new.message),
                )?;
                room("open messages", self.messages.len(), MAX_OPEN_MESSAGES)
            }
            Event::ToolStarted(new) => {
                fresh("call", &new.call, self.calls.contains_key(&new.call))?;
                room("open calls", self.calls.len(), MAX_OPEN_CALLS)
            }
            Event::TaskStarted(new) => {
                fresh("task", &new.task, self.tasks.contains(&new.task))?;
                room("open tasks", self.tasks.len(), MAX_OPEN_TASKS)
            }
            Event::ApprovalRequested(new) => self.admit_request(&new.request),
            Event::QuestionAsked(new) => self.admit_request(&new.request),
            Event::ClientToolCalled(new) => self.admit_request(&new.request),
            Event::TurnStarted(new) => match &self.turn {
                Some(turn) => Err(Refused::Unfit(format!(
                    "turn {} begins while turn {turn} is under way",
                    new.turn
                ))),
                None => Ok(()),
            },
            Event::TurnCompleted(done) => {
                open("turn", &done.turn, self.turn.as_ref() == Some(&done.turn))
            }
            Event::StepFinished(done) => {
                open("step", &done.step, self.step.as_ref() == Some(&done.step))
            }

            // These are decided by commands, never written as they are.
            Event::RunCreated(_)
            | Event::AttemptStarted(_)
            | Event::AttemptEnded(_)
            | Event::RunWaiting(_)
            | Event::StopRequested(_)
            | Event::RunFinished(_)
            | Event::InputReceived(_)
            | Event::InputConsumed(_)
            | Event::InputReturned(_)
            | Event::ApprovalResolved(_)
            | Event::QuestionAnswered(_)
            | Event::ClientToolAnswered(_) => Err(Refused::Unfit(format!(
                "{} is written by the server, not by a worker",
                event.kind()
            ))),
            Event::RequestExpired(expired) => open(
                "request",
                &expired.request,
                self.requests.contains_key(&expired.request),
            ),

            Event::StepStarted(_)
            | Event::SessionStarted(_)
            | Event::SessionChanged(_)
            | Event::SessionExited(_)
            | Event::PlanUpdated(_)
            | Event::PlanProposed(_)
            | Event::PlanImplemented(_)
            | Event::UsageUpdated(_)
            | Event::ContextCompacted(_)
            | Event::RetryScheduled(_)
            | Event::WorktreeReady(_)
            | Event::DiffUpdated(_)
            | Event::CheckpointCaptured(_)
            | Event::WorktreeSettled(_)
            | Event::StateSnapshot(_)
            | Event::StateDelta(_)
            | Event::Notice(_)
            | Event::Raw(_)
            | Event::Custom(_) => Ok(()),
            Event::Unknown(unknown) => Err(Refused::Unfit(format!(
                "there is no event type {:?}",
                unknown.kind
            ))),
        }
    }

    fn admit_request(&self, request: &crate::RequestId) -> Result<(), Refused> {
        let known = self.requests.contains_key(request)
            || self
                .closed_requests
                .iter()
                .any(|closed| closed.request == *request);
        fresh("request", request, known)?;
        room("open requests", self.requests.len(), MAX_OPEN_REQUESTS)
    }
}

fn open(what: &str, id: &impl std::fmt::Display, is_open: bool) -> Result<(), Refused> {
    if is_open {
        Ok(())
    } else {
        Err(Refused::Unfit(format!("{what} {id} is not open")))
    }
}

fn fresh(what: &str, id: &impl std::fmt::Display, exists: bool) -> Result<(), Refused> {
    if exists {
        Err(Refused::Unfit(format!("{what} {id} exists already")))
    } else {
        Ok(())
    }
}

fn room(what: &str, len: usize, max: usize) -> Result<(), Refused> {
    if len < max {
        Ok(())
    } else {
        Err(Refused::Unfit(format!(
            "a run may have at most {max} {what}"
        )))
    }
}
