//! What a coding agent says, as events of its run: its ids become the run's own, and only what belongs to the log stays.

mod wording;

use std::collections::{BTreeMap, BTreeSet};

use agent::codec::{self, Event as Heard};
use run::event::{
    ApprovalRequested, ContextCompacted, MessageCompleted, MessageDiscarded, MessageStarted,
    Notice, NoticeLevel, OutputStream, PlanProposed, PlanStep, PlanStepStatus, PlanUpdated,
    QuestionAsked, Raw, ReasoningDelta, RequestExpired, RetryScheduled, SessionExited,
    SessionStarted, StepFinished, StepStarted, TaskCompleted, TaskProgress, TaskStarted,
    TaskStatus, TextDelta, ToolArgsDelta, ToolCalled, ToolCompleted, ToolOutput, ToolRunning,
    ToolStarted, ToolStatus, ToolUpdated, UsageUpdated,
};
use run::{
    Approval, CallId, DriverKind, Event, MAX_WHY_BYTES, MessageId, PlanId, RequestId, Role, Run,
    StepId, TaskId, Usage, bounded_text,
};
use serde_json::Value;

pub(super) use self::wording::{asked_of, decided};
use self::wording::{
    bounded, decision_of, fits, kind_of, parts_of, question_of, usage_of, word_of,
};
use crate::limits::{CALL_ARGS_BYTES, COMPLETED_BYTES, RESULT_EVENT_BYTES};

/// Translates what one process says.
pub(super) struct FromAgent {
    driver: DriverKind,
    n_messages: u32,
    n_calls: u32,
    n_requests: u32,
    n_steps: u32,
    n_tasks: u32,
    n_plans: u32,
    messages: BTreeMap<String, MessageId>,
    calls: BTreeMap<String, CallId>,
    tasks: BTreeMap<String, TaskId>,
    /// Whether nothing stands between a call and its tool, so that it runs as soon as it is called. Not all agents say so.
    runs_at_once: bool,
    running: BTreeSet<CallId>,
    requests: BTreeMap<RequestId, OpenAsk>,
    step: Option<StepId>,
    /// What earlier processes of the run consumed.
    before: Usage,
    /// What reopens the session that was there before this process.
    reference: Option<Value>,
    native_id: Option<String>,
    model: Option<String>,
}

/// A request that the agent waits for.
struct OpenAsk {
    /// The agent's name of it.
    theirs: String,
    /// The call it is about.
    call: Option<CallId>,
}

impl FromAgent {
    /// Goes on behind the log. `n_tasks` and `n_plans` are the last numbers that it has.
    pub(super) fn new(
        control: &Run,
        approval: Approval,
        n_tasks: usize,
        n_plans: u32,
        resumed: Option<&str>,
    ) -> Self {
        Self {
            driver: control.driver,
            n_messages: control.n_messages,
            n_calls: control.n_calls,
            n_requests: control.n_requests,
            n_steps: control.n_steps,
            n_tasks: u32::try_from(n_tasks).unwrap_or(u32::MAX),
            n_plans,
            messages: BTreeMap::new(),
            calls: BTreeMap::new(),
            tasks: BTreeMap::new(),
            runs_at_once: approval == Approval::Full,
            running: BTreeSet::new(),
            requests: BTreeMap::new(),
            step: None,
            before: control.usage,
            reference: resumed.map(Value::from),
            native_id: None,
            model: None,
        }
    }

    /// The numbers go on behind what a process before this one said; its open things were closed with it.
    pub(super) fn next_process(&mut self, usage: Usage, resumed: Option<&str>) {
        self.messages.clear();
        self.calls.clear();
        self.running.clear();
        self.tasks.clear();
        self.requests.clear();
        self.step = None;
        self.before = usage;
        self.reference = resumed.map(Value::from);
        self.native_id = None;
    }

    /// A call that this program makes itself, such as a script's.
    pub(super) fn own_call(&mut self) -> CallId {
        self.n_calls += 1;
        CallId::nth(self.n_calls)
    }

    /// The open requests.
    pub(super) fn requests(&self) -> impl Iterator<Item = &RequestId> {
        self.requests.keys()
    }

    /// The agent is about to be told the answer. Gives its own name of the request.
    pub(super) fn answered(&mut self, request: &RequestId) -> Option<String> {
        Some(self.requests.remove(request)?.theirs)
    }

    /// Whether the agent waits for answers and nothing of it goes on: an open call that nobody asks about may be at work,
    /// as not all agents say so.
    pub(super) fn waits_for_answers(&self) -> bool {
        let is_asked = |call| {
            self.requests
                .values()
                .any(|ask| ask.call.as_ref() == Some(call))
        };
        !self.requests.is_empty() && self.tasks.is_empty() && self.calls.values().all(is_asked)
    }

    /// What becomes of the open requests is no longer the process's to say.
    pub(super) fn forget_requests(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.requests).into_keys().collect()
    }

    fn session(&self) -> Option<Event> {
        let native_id = self.native_id.clone()?;
        let started = SessionStarted {
            native_id,
            resume_ref: self.reference.clone(),
            model: self.model.clone(),
        };
        Some(started.into())
    }

    /// A tool begins to run, if that was not said before.
    fn running(&mut self, call: CallId) -> Option<Event> {
        let is_new = self.running.insert(call.clone());
        is_new.then(|| {
            ToolRunning {
                call,
                n_try: 1,
                run: None,
            }
            .into()
        })
    }

    /// What the log gets of it. What steers the conversation (readiness, ends of turns, inputs) is its caller's.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each event, so that the compiler asks for a new one"
    )]
    pub(super) fn take(&mut self, heard: Heard) -> Vec<Event> {
        let event: Option<Event> = match heard {
            Heard::SessionStarted { native_id, model } => {
                self.native_id = Some(bounded_text(native_id, MAX_WHY_BYTES));
                self.model = model;
                self.session()
            }
            Heard::SessionResumable { reference } => {
                let reference = Some(Value::from(reference));
                let is_new = self.reference != reference;
                self.reference = reference;
                if self.native_id.is_none() {
                    let known = self.reference.as_ref().and_then(Value::as_str);
                    self.native_id = known.map(|id| bounded_text(id.to_owned(), MAX_WHY_BYTES));
                }
                self.session().filter(|_| is_new)
            }
            Heard::SessionExited { exit, recoverable } => Some(
                SessionExited {
                    kind: match exit {
                        agent::Exit::Code(0) => "exited",
                        agent::Exit::Code(_) | agent::Exit::Unknown => "crashed",
                        agent::Exit::Signal(_) => "killed",
                    }
                    .to_owned(),
                    recoverable,
                }
                .into(),
            ),
            Heard::StepStarted { model } => {
                self.n_steps += 1;
                let step = StepId::nth(self.n_steps);
                self.step = Some(step.clone());
                Some(StepStarted { step, model }.into())
            }
            Heard::StepEnded {
                usage,
                finish_reason,
            } => self.step.take().map(|step| {
                StepFinished {
                    step,
                    usage: usage.map(usage_of).unwrap_or_default(),
                    finish_reason,
                }
                .into()
            }),
            Heard::MessageStarted { message } => {
                self.n_messages += 1;
                let ours = MessageId::nth(self.n_messages);
                self.messages.insert(message, ours.clone());
                let role = Role::Assistant;
                Some(
                    MessageStarted {
                        message: ours,
                        role,
                    }
                    .into(),
                )
            }
            Heard::TextDelta {
                message,
                part,
                text,
            } => self.messages.get(&message).map(|message| {
                let message = message.clone();
                TextDelta {
                    message,
                    part,
                    text,
                }
                .into()
            }),
            Heard::ReasoningDelta {
                message,
                part,
                text,
            } => self.messages.get(&message).map(|message| {
                let message = message.clone();
                ReasoningDelta {
                    message,
                    part,
                    text,
                }
                .into()
            }),
            Heard::MessageCompleted { message, parts } => {
                self.messages.remove(&message).map(|message| {
                    MessageCompleted {
                        message,
                        interrupted: parts.is_none(),
                        // What the deltas said stays where the whole does not fit into one event.
                        parts: parts
                            .map(parts_of)
                            .filter(|parts| fits(parts, COMPLETED_BYTES)),
                    }
                    .into()
                })
            }
            Heard::MessageDiscarded { message, why } => {
                self.messages.remove(&message).map(|message| {
                    let why = bounded_text(why, MAX_WHY_BYTES);
                    MessageDiscarded { message, why }.into()
                })
            }
            Heard::ToolStarted {
                call,
                name,
                kind,
                title,
            } => {
                let ours = self.own_call();
                self.calls.insert(call, ours.clone());
                Some(
                    ToolStarted {
                        call: ours,
                        name: bounded_text(name, MAX_WHY_BYTES),
                        kind: kind_of(kind),
                        title: title.map(|title| bounded_text(title, MAX_WHY_BYTES)),
                        message: None,
                        idempotent: false,
                    }
                    .into(),
                )
            }
            Heard::ToolArgsDelta { call, text } => self.calls.get(&call).map(|call| {
                let call = call.clone();
                ToolArgsDelta { call, text }.into()
            }),
            Heard::ToolCalled { call, args } => {
                let Some(call) = self.calls.get(&call).cloned() else {
                    return Vec::new();
                };
                let called = ToolCalled {
                    call: call.clone(),
                    args: bounded(args, CALL_ARGS_BYTES),
                    vendor: None,
                };
                let running = self.runs_at_once.then(|| self.running(call)).flatten();
                return [Some(called.into()), running]
                    .into_iter()
                    .flatten()
                    .collect();
            }
            Heard::ToolRunning { call } => {
                let call = self.calls.get(&call).cloned();
                call.and_then(|call| self.running(call))
            }
            Heard::ToolOutput { call, text } => self.calls.get(&call).map(|call| {
                let (call, stream) = (call.clone(), OutputStream::Stdout);
                ToolOutput { call, stream, text }.into()
            }),
            Heard::ToolUpdated {
                call,
                title,
                detail,
            } => self.calls.get(&call).map(|call| {
                ToolUpdated {
                    call: call.clone(),
                    status: None,
                    title: title.map(|title| bounded_text(title, MAX_WHY_BYTES)),
                    detail: detail.map(|detail| bounded(detail, CALL_ARGS_BYTES)),
                }
                .into()
            }),
            Heard::ToolCompleted {
                call,
                status,
                result,
            } => self.calls.remove(&call).map(|call| {
                self.running.remove(&call);
                ToolCompleted {
                    call,
                    status: match status {
                        codec::ToolStatus::Ok => ToolStatus::Ok,
                        codec::ToolStatus::Failed => ToolStatus::Failed,
                        codec::ToolStatus::Denied => ToolStatus::Denied,
                        codec::ToolStatus::Interrupted => ToolStatus::Interrupted,
                    },
                    result: bounded(result, RESULT_EVENT_BYTES),
                    usage: None,
                }
                .into()
            }),
            Heard::ApprovalRequested {
                request,
                kind,
                title,
                detail,
                options,
                call,
            } => {
                let call = call.and_then(|call| self.calls.get(&call).cloned());
                let ours = self.request(request, call.clone());
                Some(
                    ApprovalRequested {
                        request: ours,
                        kind: word_of(kind_of(kind)),
                        title: bounded_text(title, MAX_WHY_BYTES),
                        detail,
                        options: options.into_iter().map(decision_of).collect(),
                        call,
                        grants: None,
                        expires_at: None,
                    }
                    .into(),
                )
            }
            Heard::QuestionAsked {
                request,
                questions,
                call,
            } => {
                let call = call.and_then(|call| self.calls.get(&call).cloned());
                let request = self.request(request, call.clone());
                let questions = questions.into_iter().map(question_of);
                Some(
                    QuestionAsked {
                        request,
                        questions: questions.collect(),
                        call,
                        expires_at: None,
                    }
                    .into(),
                )
            }
            Heard::RequestClosed { request, why } => {
                let ours = self.requests.iter();
                let ours = ours.clone().find(|(_, ask)| ask.theirs == request);
                let ours = ours.map(|(ours, _)| ours.clone());
                ours.map(|request| {
                    self.requests.remove(&request);
                    let why = bounded_text(why, MAX_WHY_BYTES);
                    RequestExpired { request, why }.into()
                })
            }
            Heard::AnswerRefused { why, .. } => {
                let text = format!("the answer did not reach the agent: {why}");
                Some(Notice::new(NoticeLevel::Warning, "answer_undelivered", text).into())
            }
            Heard::PlanUpdated { steps, explanation } => {
                let steps = steps.into_iter().map(|step| PlanStep {
                    text: step.text,
                    status: match step.status {
                        codec::PlanStepStatus::Pending => PlanStepStatus::Pending,
                        codec::PlanStepStatus::InProgress => PlanStepStatus::InProgress,
                        codec::PlanStepStatus::Completed => PlanStepStatus::Completed,
                    },
                });
                let steps = steps.collect();
                Some(PlanUpdated { steps, explanation }.into())
            }
            Heard::PlanProposed { markdown } => {
                self.n_plans += 1;
                let plan = PlanId::nth(self.n_plans);
                Some(PlanProposed { plan, markdown }.into())
            }
            Heard::TaskStarted { task, kind, title } => {
                self.n_tasks += 1;
                let ours = TaskId::nth(self.n_tasks);
                self.tasks.insert(task, ours.clone());
                Some(
                    TaskStarted {
                        task: ours,
                        kind,
                        title: bounded_text(title, MAX_WHY_BYTES),
                        status: TaskStatus::Running,
                    }
                    .into(),
                )
            }
            Heard::TaskProgress { task, summary } => self.tasks.get(&task).map(|task| {
                TaskProgress {
                    task: task.clone(),
                    status: TaskStatus::Running,
                    summary,
                    detail: None,
                }
                .into()
            }),
            Heard::TaskCompleted {
                task,
                status,
                summary,
            } => self.tasks.remove(&task).map(|task| {
                TaskCompleted {
                    task,
                    status: match status {
                        codec::TaskStatus::Completed => TaskStatus::Completed,
                        codec::TaskStatus::Failed => TaskStatus::Failed,
                        codec::TaskStatus::Interrupted => TaskStatus::Interrupted,
                    },
                    summary,
                }
                .into()
            }),
            Heard::UsageUpdated {
                context_tokens,
                window_tokens,
                totals,
            } => Some(
                UsageUpdated {
                    context_tokens,
                    window_tokens,
                    totals: self.before.plus(&usage_of(totals)),
                }
                .into(),
            ),
            Heard::Compacted {
                before_tokens,
                after_tokens,
                // It stands for a part of the agent's own session, not of the thread's history.
                summary: _,
            } => Some(
                ContextCompacted {
                    before_tokens: before_tokens.unwrap_or_default(),
                    after_tokens: after_tokens.unwrap_or_default(),
                    summary: None,
                    through: None,
                }
                .into(),
            ),
            Heard::Retry { delay_ms, why } => Some(
                RetryScheduled {
                    delay_ms: delay_ms.unwrap_or_default(),
                    why: bounded_text(why, MAX_WHY_BYTES),
                }
                .into(),
            ),
            Heard::Notice { level, code, text } => {
                let level = match level {
                    codec::Level::Info => NoticeLevel::Info,
                    codec::Level::Warning => NoticeLevel::Warning,
                    codec::Level::Error => NoticeLevel::Error,
                };
                Some(Notice::new(level, code, bounded_text(text, MAX_WHY_BYTES)).into())
            }
            Heard::Raw { frame } => {
                let payload = serde_json::from_str(&frame).unwrap_or(Value::String(frame));
                let source = self.driver.as_str().to_owned();
                let payload = bounded(payload, RESULT_EVENT_BYTES);
                Some(Raw { source, payload }.into())
            }
            Heard::Ready
            | Heard::SessionGone { .. }
            | Heard::SetupFailed { .. }
            | Heard::TurnStarted
            | Heard::TurnEnded { .. }
            | Heard::InputTaken { .. }
            | Heard::InputReturned { .. }
            | Heard::Alive { .. } => None,
        };
        event.into_iter().collect()
    }

    fn request(&mut self, theirs: String, call: Option<CallId>) -> RequestId {
        self.n_requests += 1;
        let ours = RequestId::nth(self.n_requests);
        self.requests.insert(ours.clone(), OpenAsk { theirs, call });
        ours
    }
}
