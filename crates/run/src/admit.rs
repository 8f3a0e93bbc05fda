//! Which events a worker may write now. A faulty driver or external worker must not make a log that readers cannot
//! follow: text for a message that is not open, two calls of one id, a second final event.

use serde_json::Value;

use crate::apply::fits_resume_ref;
use crate::content::depth;
use crate::event::Question;
use crate::{
    Event, MAX_DISCARDED_MESSAGES, MAX_HISTORY_SUMMARY_BYTES, MAX_OPEN_CALLS, MAX_OPEN_MESSAGES,
    MAX_OPEN_REQUESTS, MAX_OPEN_TASKS, MAX_PROMPT_BYTES, MAX_QUESTIONS, MAX_RESUME_REF_BYTES,
    MAX_SHORT_ID_BYTES, MAX_VALUE_DEPTH, Part, Refused, Run,
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
            Event::ToolUpdated(updated) => {
                let is_open = self.calls.contains_key(&updated.call);
                open("call", &updated.call, is_open)?;
                shallow(&updated.detail)
            }
            Event::ToolCalled(called) => {
                open("call", &called.call, self.calls.contains_key(&called.call))?;
                shallow([&called.args])
            }
            Event::ToolRunning(running) => open(
                "call",
                &running.call,
                self.calls.contains_key(&running.call),
            ),
            Event::ToolCompleted(done) => {
                open("call", &done.call, self.calls.contains_key(&done.call))?;
                shallow([&done.result])
            }
            Event::MessageCompleted(done) => {
                let is_open = self.messages.contains_key(&done.message);
                open("message", &done.message, is_open)?;
                shallow(done.parts.iter().flatten().filter_map(Part::vendor))
            }
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
            Event::TaskProgress(task) => {
                open("task", &task.task, self.tasks.contains(&task.task))?;
                shallow(&task.detail)
            }
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
            Event::ApprovalRequested(new) => {
                self.admit_request(&new.request)?;
                if new.options.is_empty() {
                    return Err(Refused::Unfit(format!(
                        "approval {} has no options: nobody could answer it",
                        new.request
                    )));
                }
                shallow([&new.detail])
            }
            Event::QuestionAsked(new) => {
                self.admit_request(&new.request)?;
                Self::admit_questions(&new.questions)
            }
            Event::ClientToolCalled(new) => self.admit_request(&new.request),
            Event::PromptRendered(_) if self.n_turns > 0 => Err(Refused::Unfit(
                "a prompt is rendered before the first turn".to_owned(),
            )),
            Event::PromptRendered(rendered) => {
                let texts = [&rendered.system, &rendered.prompt];
                let n_bytes: usize = texts.into_iter().flatten().map(String::len).sum();
                if n_bytes <= MAX_PROMPT_BYTES {
                    return Ok(());
                }
                Err(Refused::Unfit(format!(
                    "a rendered prompt may have at most {MAX_PROMPT_BYTES} bytes, not {n_bytes}"
                )))
            }
            Event::ContextCompacted(compacted) => match &compacted.summary {
                Some(summary) if summary.len() > MAX_HISTORY_SUMMARY_BYTES => {
                    Err(Refused::Unfit(format!(
                        "a summary may have at most {MAX_HISTORY_SUMMARY_BYTES} bytes, not {}",
                        summary.len()
                    )))
                }
                Some(_) | None => Ok(()),
            },
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

            Event::SessionStarted(started) => match &started.resume_ref {
                Some(reference) if !reference.is_null() && !fits_resume_ref(reference) => {
                    Err(Refused::Unfit(format!(
                        "a session's resume_ref may have at most {MAX_RESUME_REF_BYTES} bytes"
                    )))
                }
                Some(_) | None => Ok(()),
            },
            Event::StateSnapshot(snapshot) => shallow([&snapshot.state]),
            Event::StateDelta(delta) => shallow(&delta.patch),
            Event::Notice(notice) => shallow(&notice.detail),
            Event::Raw(raw) => shallow([&raw.payload]),
            Event::Custom(custom) => shallow([&custom.value]),

            Event::StepStarted(_)
            | Event::SessionChanged(_)
            | Event::SessionExited(_)
            | Event::PlanUpdated(_)
            | Event::PlanProposed(_)
            | Event::PlanImplemented(_)
            | Event::UsageUpdated(_)
            | Event::RetryScheduled(_)
            | Event::WorktreeReady(_)
            | Event::DiffUpdated(_)
            | Event::CheckpointCaptured(_)
            | Event::WorktreeSettled(_) => Ok(()),
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

    fn admit_questions(questions: &[Question]) -> Result<(), Refused> {
        if questions.len() > MAX_QUESTIONS {
            return Err(Refused::Unfit(format!(
                "a request may ask at most {MAX_QUESTIONS} questions"
            )));
        }
        match questions
            .iter()
            .find(|question| question.id.len() > MAX_SHORT_ID_BYTES)
        {
            Some(_) => Err(Refused::Unfit(format!(
                "the id of a question may have at most {MAX_SHORT_ID_BYTES} bytes"
            ))),
            None => Ok(()),
        }
    }
}

/// Checks that readers of JSON will be able to read these values.
pub(crate) fn shallow<'v>(values: impl IntoIterator<Item = &'v Value>) -> Result<(), Refused> {
    if values
        .into_iter()
        .any(|value| depth(value) > MAX_VALUE_DEPTH)
    {
        Err(Refused::Unfit(format!(
            "a value may nest at most {MAX_VALUE_DEPTH} levels deep"
        )))
    } else {
        Ok(())
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
