//! The fold from a log to the control state. It never fails: a log is what it is, and any prefix of any log folds.
//!
//! It keeps within its bounds by itself, though `admit` refuses what would cross them: a log may come from elsewhere.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::content::text_of;
use crate::decide::TOLD;
use crate::event::{AttemptEnd, Decision, Event, InputMode, ToolStatus};
use crate::state::ClosedRequest;
use crate::{
    By, CallId, CallStage, Envelope, ErrorInfo, MAX_CLOSED_REQUESTS, MAX_DISCARDED_MESSAGES,
    MAX_NAME_BYTES, MAX_OPEN_CALLS, MAX_OPEN_MESSAGES, MAX_OPEN_REQUESTS, MAX_OPEN_TASKS,
    MAX_PENDING_INPUTS, MAX_QUESTIONS, MAX_RESUME_REF_BYTES, MAX_SHORT_ID_BYTES, MAX_SUMMARY_CHARS,
    MAX_WHY_BYTES, OpenCall, OpenMessage, OpenRequest, Outcome, Part, PendingInput, RequestId,
    RequestKind, Role, Run, Seq, State, Stop, Timestamp, WaitMode, bounded_text,
};

impl Run {
    /// Takes in one event that stands in the log.
    pub fn apply(&mut self, envelope: &Envelope) {
        self.take(envelope.seq, envelope.at, &envelope.event);
    }

    /// Takes in one event that stands in the log, from its parts. Deltas may be left out: what follows from them is seen
    /// by the gap in the numbers.
    pub fn take(&mut self, seq: Seq, at: Timestamp, event: &Event) {
        self.last_seq = seq;
        self.updated_at = at;
        if event.changes_control() {
            self.has_written |= seq.0 > self.moved_seq.0 + 1;
            self.moved_seq = seq;
            self.apply_event(event, at);
        }
    }

    /// Takes in an event that would come next.
    pub(crate) fn advance(&mut self, event: &Event, at: Timestamp) {
        self.take(self.last_seq.next(), at, event);
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each event type, so that the compiler asks for a new one"
    )]
    fn apply_event(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::RunCreated(created) => {
                self.driver = created.driver;
                self.created_at = at;
            }
            Event::AttemptStarted(_) => {
                self.attempt += 1;
                self.has_written = false;
                self.fence.0 += 1;
                self.started_at.get_or_insert(at);
                self.state = State::Running;
            }
            Event::AttemptEnded(ended) => self.end_attempt(ended.end, ended.due_at),
            Event::RunWaiting(waiting) => {
                self.state = State::Waiting {
                    mode: waiting.mode,
                    requests: bounded(&waiting.requests, MAX_OPEN_REQUESTS),
                    calls: bounded(&waiting.calls, MAX_OPEN_CALLS),
                    due_at: waiting.due_at,
                };
            }
            Event::StopRequested(stop) => {
                self.stop.get_or_insert(Stop {
                    at,
                    by: By(bounded_text(stop.by.0.clone(), MAX_WHY_BYTES)),
                    superseded_by: stop.superseded_by,
                });
            }
            Event::RunFinished(finished) => {
                self.fence.0 += 1;
                self.step = None;
                self.usage = finished.usage;
                let finish_reason = finished.finish_reason.clone();
                self.state = State::Final(Outcome {
                    status: finished.status,
                    reason: finished.reason,
                    finish_reason: finish_reason.map(|word| bounded_text(word, MAX_NAME_BYTES)),
                    error: finished.error.as_ref().map(|error| {
                        let code = bounded_text(error.code.clone(), MAX_NAME_BYTES);
                        ErrorInfo::new(code, error.message.clone())
                    }),
                    output: None,
                });
            }

            Event::Notice(notice) => {
                if notice.code == TOLD {
                    self.n_told += 1;
                }
            }

            Event::InputReceived(input) => {
                self.n_inputs += 1;
                if self.inputs.len() < MAX_PENDING_INPUTS {
                    self.inputs.push(PendingInput {
                        input: input.input.clone(),
                        mode: input.mode,
                    });
                }
            }
            Event::InputConsumed(consumed) => {
                self.progress();
                self.inputs
                    .retain(|pending| pending.input != consumed.input);
            }
            Event::InputReturned(returned) => self
                .inputs
                .retain(|pending| pending.input != returned.input),

            Event::SessionStarted(session) => {
                let given = session.resume_ref.as_ref();
                self.resume_ref = given.filter(|value| fits_resume_ref(value)).cloned();
            }

            Event::TurnStarted(started) => {
                self.n_turns += 1;
                self.turn = Some(started.turn.clone());
            }
            Event::TurnCompleted(_) => self.turn = None,
            Event::StepStarted(started) => {
                self.n_steps += 1;
                // The model is asked again, so whoever performs the run has heard of it or does not mind.
                self.cancelled = false;
                self.step = Some(started.step.clone());
            }
            Event::StepFinished(finished) => {
                self.progress();
                self.step = None;
                self.usage = self.usage.plus(&finished.usage);
            }
            Event::UsageUpdated(usage) => self.usage = self.usage.replaced_by(&usage.totals),

            Event::MessageStarted(started) => {
                self.n_messages += 1;
                let message = OpenMessage {
                    attempt: self.attempt,
                    role: started.role,
                };
                open(
                    &mut self.messages,
                    MAX_OPEN_MESSAGES,
                    &started.message,
                    message,
                );
            }
            Event::MessageCompleted(completed) => {
                // Half a message that stays is progress too: the next attempt says the rest.
                if !completed.interrupted || self.has_written {
                    self.progress();
                }
                let role = self
                    .messages
                    .remove(&completed.message)
                    .map(|open| open.role);
                if let (Some(Role::Assistant), Some(parts)) = (role, &completed.parts) {
                    self.summarise(parts);
                }
            }
            Event::MessageDiscarded(discarded) => {
                self.messages.remove(&discarded.message);
                if self.discarded.len() < MAX_DISCARDED_MESSAGES {
                    self.discarded.push(discarded.message.clone());
                }
            }

            Event::ToolStarted(started) => {
                self.n_calls += 1;
                let call = OpenCall {
                    stage: CallStage::Started,
                    idempotent: started.idempotent,
                    run: None,
                };
                open(&mut self.calls, MAX_OPEN_CALLS, &started.call, call);
            }
            Event::ToolCalled(called) => {
                if let Some(call) = self.calls.get_mut(&called.call) {
                    call.stage = CallStage::Called;
                }
            }
            Event::ToolRunning(running) => {
                if let Some(call) = self.calls.get_mut(&running.call) {
                    call.stage = CallStage::Running;
                    call.run = running.run;
                }
            }
            Event::ToolCompleted(completed) => {
                match completed.status {
                    ToolStatus::Ok | ToolStatus::Failed | ToolStatus::Denied => self.progress(),
                    // How the loss of an attempt closes its calls: the opposite of progress.
                    ToolStatus::Interrupted | ToolStatus::Unknown => {}
                }
                self.calls.remove(&completed.call);
                if let Some(usage) = &completed.usage {
                    self.usage = self.usage.plus(usage);
                }
                if let State::Waiting { calls, .. } = &mut self.state {
                    let waited = calls.contains(&completed.call);
                    calls.retain(|open| *open != completed.call);
                    if waited {
                        self.go_on();
                    }
                }
            }

            Event::ApprovalRequested(asked) => {
                let mut options = Vec::new();
                for option in &asked.options {
                    if !options.contains(option) {
                        options.push(*option);
                    }
                }
                let grants = asked.grants.clone();
                let wants = RequestKind::Approval {
                    options,
                    grants: grants.map(|name| bounded_text(name, MAX_NAME_BYTES)),
                };
                self.open_request(&asked.request, wants, asked.expires_at);
            }
            Event::QuestionAsked(asked) => {
                let ids = asked
                    .questions
                    .iter()
                    .take(MAX_QUESTIONS)
                    .map(|question| bounded_text(question.id.clone(), MAX_SHORT_ID_BYTES))
                    .collect();
                self.open_request(
                    &asked.request,
                    RequestKind::Question { ids },
                    asked.expires_at,
                );
            }
            Event::ClientToolCalled(asked) => {
                let wants = RequestKind::ClientTool {
                    call: asked.call.clone(),
                };
                self.open_request(&asked.request, wants, asked.expires_at);
            }
            Event::ApprovalResolved(resolved) => {
                self.cancelled |= resolved.decision == Decision::Cancel;
                self.close_request(&resolved.request, true);
            }
            Event::QuestionAnswered(answered) => self.close_request(&answered.request, true),
            Event::ClientToolAnswered(answered) => self.close_request(&answered.request, true),
            Event::RequestExpired(expired) => self.close_request(&expired.request, false),

            Event::TaskStarted(started) => {
                if self.tasks.len() < MAX_OPEN_TASKS {
                    self.tasks.push(started.task.clone());
                }
            }
            Event::TaskCompleted(completed) => self.tasks.retain(|task| *task != completed.task),

            Event::TextDelta(_)
            | Event::ReasoningDelta(_)
            | Event::ToolArgsDelta(_)
            | Event::ToolOutput(_)
            | Event::ToolUpdated(_)
            | Event::TaskProgress(_)
            | Event::SessionChanged(_)
            | Event::SessionExited(_)
            | Event::PromptRendered(_)
            | Event::PlanUpdated(_)
            | Event::PlanProposed(_)
            | Event::PlanImplemented(_)
            | Event::ContextCompacted(_)
            | Event::RetryScheduled(_)
            | Event::WorktreeReady(_)
            | Event::DiffUpdated(_)
            | Event::CheckpointCaptured(_)
            | Event::WorktreeSettled(_)
            | Event::StateSnapshot(_)
            | Event::StateDelta(_)
            | Event::Raw(_)
            | Event::Custom(_)
            | Event::Unknown(_) => {}
        }
    }

    /// Something was achieved that a new attempt need not do again.
    fn progress(&mut self) {
        self.n_lost = 0;
    }

    fn summarise(&mut self, parts: &[Part]) {
        let text = text_of(parts);
        let text = text.trim();
        if !text.is_empty() {
            self.summary = Some(text.chars().take(MAX_SUMMARY_CHARS).collect());
        }
    }

    fn end_attempt(&mut self, end: AttemptEnd, due_at: Option<Timestamp>) {
        self.fence.0 += 1;
        self.step = None;
        match end {
            AttemptEnd::Parked => {}
            AttemptEnd::HandedOver => self.requeue(due_at),
            AttemptEnd::Lost => {
                self.n_lost += 1;
                self.requeue(due_at);
            }
        }
    }

    /// Due for the next attempt, unless answers are still missing: then it waits for them without a worker. Runs of other
    /// agents are no reason to wait here: the attempt may have ended between announcing one and starting it.
    fn requeue(&mut self, due_at: Option<Timestamp>) {
        let has_agents = self.performed_elsewhere().next().is_some();
        self.state = if self.requests.is_empty() || has_agents || self.cancelled {
            State::Queued { due_at }
        } else {
            State::Waiting {
                mode: WaitMode::Parked,
                requests: self.requests.keys().cloned().collect(),
                calls: Vec::new(),
                due_at: None,
            }
        };
    }

    fn open_request(
        &mut self,
        request: &RequestId,
        wants: RequestKind,
        expires_at: Option<Timestamp>,
    ) {
        self.n_requests += 1;
        self.cancelled = false;
        let asked = OpenRequest { wants, expires_at };
        open(&mut self.requests, MAX_OPEN_REQUESTS, request, asked);
    }

    fn close_request(&mut self, request: &RequestId, answered: bool) {
        if answered {
            self.progress();
        }
        self.requests.remove(request);
        if self.closed_requests.len() >= MAX_CLOSED_REQUESTS {
            self.closed_requests.remove(0);
        }
        self.closed_requests.push(ClosedRequest {
            request: request.clone(),
            answered,
        });
        let State::Waiting { requests, .. } = &mut self.state else {
            return;
        };
        let waited = requests.contains(request);
        requests.retain(|open| open != request);
        if waited {
            self.go_on();
        }
    }

    /// One thing that the run waited for is there: it goes on when it was the last, or when the others do not matter any
    /// more.
    fn go_on(&mut self) {
        if let State::Waiting {
            mode,
            requests,
            calls,
            ..
        } = &self.state
            && (self.cancelled || requests.is_empty() && calls.is_empty())
        {
            self.state = match mode {
                WaitMode::Held => State::Running,
                WaitMode::Parked => State::Queued { due_at: None },
            };
        }
    }

    /// The open calls that runs of other agents perform.
    pub fn performed_elsewhere(&self) -> impl Iterator<Item = &CallId> {
        let calls = self.calls.iter().filter(|(_, call)| call.run.is_some());
        calls.map(|(id, _)| id)
    }

    /// The inputs that may be heard now: between steps all steers, at the end of a turn everything.
    pub fn next_input(&self, mode: InputMode) -> Option<&PendingInput> {
        self.inputs.iter().find(|pending| match mode {
            InputMode::Steer => pending.mode == InputMode::Steer,
            InputMode::FollowUp => true,
        })
    }
}

/// Whether a reference to an agent's session may be kept. Null means that there is none.
pub(crate) fn fits_resume_ref(value: &Value) -> bool {
    !value.is_null() && value.to_string().len() <= MAX_RESUME_REF_BYTES
}

fn open<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, max: usize, id: &K, value: V) {
    if map.len() < max || map.contains_key(id) {
        map.insert(id.clone(), value);
    }
}

fn bounded<T: Clone>(all: &[T], max: usize) -> Vec<T> {
    all.iter().take(max).cloned().collect()
}
