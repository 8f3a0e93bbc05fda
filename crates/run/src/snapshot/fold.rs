//! The fold from a log to the snapshot. Like that to the control state it never fails, and it is incremental: an event
//! costs what itself is long. What an event does here, each arm says, also where it does nothing.

use serde_json::Value;

use crate::content::depth;
use crate::event::{
    ApprovalRequested, MessageCompleted, Notice, SessionStarted, TaskStarted, ToolStarted,
};
use crate::snapshot::{
    Activity, Asked, Checkpoint, GivenInput, HistorySummary, InputState, Message, Progress,
    ProposedPlan, Request, Resolution, Session, Settled, Snapshot, Task, Worktree, patch,
};
use crate::{
    CallId, Envelope, Event, InputId, MAX_SNAPSHOT_NOTICES, MAX_VALUE_DEPTH, MessageId, Part,
    RequestId, Seq, TaskId,
};

/// What kind of text a delta adds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Reasoning,
}

impl Snapshot {
    /// Takes in the next event of the log.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each event type, so that the compiler asks for a new one"
    )]
    pub fn apply(&mut self, envelope: &Envelope) {
        let seq = envelope.seq;
        self.last_seq = seq;
        match &envelope.event {
            // The hot path first.
            Event::TextDelta(delta) => {
                self.add_text(&delta.message, delta.part, Kind::Text, &delta.text);
            }
            Event::ReasoningDelta(delta) => {
                self.add_text(&delta.message, delta.part, Kind::Reasoning, &delta.text);
            }
            Event::ToolArgsDelta(delta) => {
                if let Some(call) = self.open_activity(&delta.call) {
                    call.args_text.push_str(&delta.text);
                }
            }
            Event::ToolOutput(output) => {
                if let Some(call) = self.open_activity(&output.call) {
                    call.print(output.stream, &output.text);
                }
            }

            Event::RunCreated(created) => self.input = created.input.clone(),
            Event::AttemptEnded(_) => self.step = None,
            Event::RunFinished(finished) => {
                self.step = None;
                self.usage = finished.usage;
            }
            Event::InputReceived(input) => self.inputs.push(GivenInput {
                input: input.input.clone(),
                mode: input.mode,
                parts: kept_parts(&input.parts),
                by: input.by.clone(),
                state: InputState::Waiting,
                heard_seq: None,
            }),
            Event::InputConsumed(consumed) => {
                let turn = consumed.turn.clone();
                self.settle_input(&consumed.input, InputState::Consumed { turn }, Some(seq));
            }
            Event::InputReturned(returned) => {
                let code = returned.code;
                self.settle_input(&returned.input, InputState::Returned { code }, None);
            }

            Event::SessionStarted(started) => self.session = Some(session(started)),
            Event::SessionChanged(changed) => {
                if let Some(session) = &mut self.session {
                    session.state = Some(changed.state.clone());
                    session.why.clone_from(&changed.why);
                }
            }
            Event::SessionExited(exited) => {
                if let Some(session) = &mut self.session {
                    session.exited = Some(exited.clone());
                }
            }

            Event::PromptRendered(rendered) => {
                // The first one is what the model was told.
                self.prompt.get_or_insert_with(|| rendered.clone());
            }
            Event::TurnStarted(started) => self.turn = Some(started.turn.clone()),
            Event::TurnCompleted(_) => self.turn = None,
            Event::StepStarted(started) => self.step = Some(started.step.clone()),
            Event::StepFinished(finished) => {
                self.step = None;
                self.usage = self.usage.plus(&finished.usage);
            }

            Event::MessageStarted(started) => self.messages.push(Message {
                message: started.message.clone(),
                role: started.role,
                turn: self.turn.clone(),
                step: self.step.clone(),
                parts: Vec::new(),
                progress: Progress::Open,
                first_seq: seq,
            }),
            Event::MessageCompleted(completed) => self.complete_message(completed),
            Event::MessageDiscarded(discarded) => {
                if let Some(message) = self.message(&discarded.message) {
                    message.progress = Progress::Discarded;
                    message.parts = Vec::new();
                }
            }

            Event::ToolStarted(started) => self.start_activity(started, seq),
            Event::ToolCalled(called) => {
                if let Some(call) = self.open_activity(&called.call) {
                    call.args = kept(&called.args);
                    call.vendor = called.vendor.as_ref().and_then(kept_option);
                    call.args_text = String::new();
                }
            }
            Event::ToolRunning(running) => {
                if let Some(call) = self.open_activity(&running.call) {
                    call.running = true;
                    call.run = running.run;
                }
            }
            Event::ToolUpdated(updated) => {
                if let Some(call) = self.open_activity(&updated.call) {
                    replace_known(&mut call.phase, updated.status.as_ref());
                    replace_known(&mut call.title, updated.title.as_ref());
                    if let Some(detail) = updated.detail.as_ref().and_then(kept_option) {
                        call.detail = detail;
                    }
                }
            }
            Event::ToolCompleted(completed) => {
                if let Some(call) = self.open_activity(&completed.call) {
                    call.status = Some(completed.status);
                    call.result = kept(&completed.result);
                }
                if let Some(usage) = &completed.usage {
                    self.usage = self.usage.plus(usage);
                }
            }

            Event::ApprovalRequested(asked) => self.requests.push(approval(asked, seq)),
            Event::QuestionAsked(asked) => self.requests.push(Request {
                request: asked.request.clone(),
                asks: Asked::Question {
                    questions: asked.questions.clone(),
                },
                call: asked.call.clone(),
                expires_at: asked.expires_at,
                resolution: None,
                first_seq: seq,
            }),
            Event::ClientToolCalled(asked) => self.requests.push(Request {
                request: asked.request.clone(),
                asks: Asked::ClientTool,
                call: Some(asked.call.clone()),
                expires_at: asked.expires_at,
                resolution: None,
                first_seq: seq,
            }),
            Event::ApprovalResolved(resolved) => {
                let resolution = Resolution::Decided {
                    decision: resolved.decision,
                    note: resolved.note.clone(),
                    by: resolved.by.clone(),
                };
                self.resolve(&resolved.request, resolution);
            }
            Event::QuestionAnswered(answered) => {
                let resolution = Resolution::Answered {
                    value: kept(&answered.answers),
                    by: answered.by.clone(),
                };
                self.resolve(&answered.request, resolution);
            }
            Event::ClientToolAnswered(answered) => {
                let resolution = Resolution::Answered {
                    value: kept(&answered.result),
                    by: answered.by.clone(),
                };
                self.resolve(&answered.request, resolution);
            }
            Event::RequestExpired(expired) => {
                let why = expired.why.clone();
                self.resolve(&expired.request, Resolution::Expired { why });
            }

            Event::PlanUpdated(updated) => {
                let plan = self.plan.get_or_insert_default();
                plan.steps.clone_from(&updated.steps);
                plan.explanation.clone_from(&updated.explanation);
            }
            Event::PlanProposed(proposed) => {
                self.plan.get_or_insert_default().proposed = Some(ProposedPlan {
                    plan: proposed.plan.clone(),
                    markdown: proposed.markdown.clone(),
                });
            }
            Event::PlanImplemented(implemented) => {
                self.plan.get_or_insert_default().implements = Some(implemented.clone());
            }
            Event::TaskStarted(started) => self.tasks.push(task(started)),
            Event::TaskProgress(progress) => {
                if let Some(task) = self.task(&progress.task) {
                    task.status = progress.status;
                    replace_known(&mut task.summary, progress.summary.as_ref());
                    if let Some(detail) = progress.detail.as_ref().and_then(kept_option) {
                        task.detail = detail;
                    }
                }
            }
            Event::TaskCompleted(completed) => {
                if let Some(task) = self.task(&completed.task) {
                    task.status = completed.status;
                    replace_known(&mut task.summary, completed.summary.as_ref());
                }
            }

            Event::UsageUpdated(updated) => {
                self.usage = self.usage.replaced_by(&updated.totals);
                self.context.tokens = updated.context_tokens.or(self.context.tokens);
                self.context.window_tokens = updated.window_tokens.or(self.context.window_tokens);
            }
            Event::ContextCompacted(compacted) => {
                self.context.tokens = Some(compacted.after_tokens);
                if let (Some(text), Some(through)) = (&compacted.summary, compacted.through) {
                    let text = text.clone();
                    self.history = Some(HistorySummary { text, through });
                }
            }

            Event::WorktreeReady(ready) => {
                self.worktree = Some(Worktree {
                    path: ready.path.clone(),
                    branch: ready.branch.clone(),
                    base: ready.base.clone(),
                    owner: ready.owner,
                    settled: None,
                });
            }
            Event::DiffUpdated(updated) => {
                self.diff = Some(updated.into());
            }
            Event::CheckpointCaptured(captured) => self.checkpoints.push(Checkpoint {
                checkpoint: captured.checkpoint.clone(),
                git_ref: captured.git_ref.clone(),
                files: captured.files,
                status: captured.status.clone(),
                diff: captured.diff.as_ref().map(Into::into),
                turn: self.turn.clone(),
            }),
            Event::WorktreeSettled(settled) => {
                if let Some(worktree) = &mut self.worktree {
                    worktree.settled = Some(Settled {
                        head: settled.head.clone(),
                        dirty: settled.dirty,
                        removed: settled.removed,
                    });
                }
            }

            Event::StateSnapshot(snapshot) => {
                self.state_stale = depth(&snapshot.state) > MAX_VALUE_DEPTH;
                if !self.state_stale {
                    self.state = snapshot.state.clone();
                    self.index.state_bytes = None;
                }
            }
            Event::StateDelta(delta) => self.patch_state(&delta.patch),

            Event::Notice(notice) => self.add_notice(notice),

            // Where the run is and who stopped it belong to the control state and the run's columns.
            Event::AttemptStarted(_) | Event::RunWaiting(_) | Event::StopRequested(_)
            // For those who watch now; a later reader has nothing to do with them.
            | Event::RetryScheduled(_) | Event::Raw(_) | Event::Custom(_)
            // Shown by those who show the log.
            | Event::Unknown(_) => {}
        }
    }

    /// Adds to the part that the delta names. A delta that names no possible place is added at the end: the text is
    /// worth more than its place, and the completed message corrects it.
    fn add_text(&mut self, message: &MessageId, part: u32, kind: Kind, text: &str) {
        let Some(message) = self.message(message) else {
            return;
        };
        if message.progress != Progress::Open {
            return;
        }
        let n_parts = message.parts.len();
        let at = usize::try_from(part).unwrap_or(usize::MAX);
        let named = message
            .parts
            .get_mut(at)
            .and_then(|part| kind.text_of(part));
        if let Some(so_far) = named {
            so_far.push_str(text);
            return;
        }
        let last = message.parts.last_mut().and_then(|part| kind.text_of(part));
        match last {
            Some(so_far) if at != n_parts => so_far.push_str(text),
            _ => message.parts.push(kind.part(text)),
        }
    }

    fn complete_message(&mut self, completed: &MessageCompleted) {
        let Some(message) = self.message(&completed.message) else {
            return;
        };
        if message.progress == Progress::Discarded {
            return;
        }
        message.progress = if completed.interrupted {
            Progress::Interrupted
        } else {
            Progress::Completed
        };
        if let Some(parts) = &completed.parts {
            message.parts = kept_parts(parts);
        }
    }

    fn start_activity(&mut self, started: &ToolStarted, seq: Seq) {
        self.activities.push(Activity {
            call: started.call.clone(),
            name: started.name.clone(),
            kind: started.kind,
            title: started.title.clone(),
            message: started.message.clone(),
            turn: self.turn.clone(),
            step: self.step.clone(),
            args_text: String::new(),
            args: Value::Null,
            vendor: None,
            running: false,
            run: None,
            phase: None,
            detail: Value::Null,
            output: Vec::new(),
            output_cut: false,
            status: None,
            result: Value::Null,
            first_seq: seq,
        });
    }

    fn patch_state(&mut self, operations: &[Value]) {
        let n_bytes = self
            .index
            .state_bytes
            .unwrap_or_else(|| patch::size(&self.state));
        let patched = patch::apply(&mut self.state, n_bytes, operations);
        self.state_stale |= patched.is_err();
        self.index.state_bytes = Some(patched.unwrap_or(n_bytes));
    }

    fn add_notice(&mut self, notice: &Notice) {
        if self.notices.len() >= MAX_SNAPSHOT_NOTICES {
            self.notices.remove(0);
        }
        self.notices.push(Notice {
            detail: notice.detail.as_ref().and_then(kept_option),
            ..notice.clone()
        });
    }

    fn settle_input(&mut self, input: &InputId, state: InputState, heard_seq: Option<Seq>) {
        let found = self
            .index
            .inputs
            .find(&mut self.inputs, |given| &given.input, input);
        if let Some(given) = found {
            given.state = state;
            given.heard_seq = heard_seq;
        }
    }

    fn resolve(&mut self, request: &RequestId, resolution: Resolution) {
        let found = self
            .index
            .requests
            .find(&mut self.requests, |asked| &asked.request, request);
        if let Some(asked) = found {
            // The first answer is the one that was heard.
            asked.resolution.get_or_insert(resolution);
        }
    }

    fn message(&mut self, message: &MessageId) -> Option<&mut Message> {
        self.index
            .messages
            .find(&mut self.messages, |said| &said.message, message)
    }

    fn open_activity(&mut self, call: &CallId) -> Option<&mut Activity> {
        self.index
            .activities
            .find(&mut self.activities, |activity| &activity.call, call)
            .filter(|activity| activity.status.is_none())
    }

    fn task(&mut self, task: &TaskId) -> Option<&mut Task> {
        self.index
            .tasks
            .find(&mut self.tasks, |known| &known.task, task)
    }
}

impl Kind {
    /// The text of a part, if it is of this kind.
    fn text_of(self, part: &mut Part) -> Option<&mut String> {
        match (self, part) {
            (Self::Text, Part::Text { text, .. })
            | (Self::Reasoning, Part::Reasoning { text, .. }) => Some(text),
            (Self::Text | Self::Reasoning, _) => None,
        }
    }

    fn part(self, text: &str) -> Part {
        match self {
            Self::Text => Part::text(text),
            Self::Reasoning => Part::reasoning(text),
        }
    }
}

fn session(started: &SessionStarted) -> Session {
    Session {
        native_id: started.native_id.clone(),
        model: started.model.clone(),
        state: None,
        why: None,
        exited: None,
    }
}

fn approval(asked: &ApprovalRequested, first_seq: Seq) -> Request {
    Request {
        request: asked.request.clone(),
        asks: Asked::Approval {
            of: asked.kind.clone(),
            title: asked.title.clone(),
            detail: kept(&asked.detail),
            options: asked.options.clone(),
        },
        call: asked.call.clone(),
        expires_at: asked.expires_at,
        resolution: None,
        first_seq,
    }
}

fn task(started: &TaskStarted) -> Task {
    Task {
        task: started.task.clone(),
        kind: started.kind.clone(),
        title: started.title.clone(),
        status: started.status,
        summary: None,
        detail: Value::Null,
    }
}

/// A value as a snapshot keeps it. One that nests deeper than a stored snapshot could be read back is kept as its
/// text, so that nothing of it is lost.
fn kept(value: &Value) -> Value {
    if depth(value) > MAX_VALUE_DEPTH {
        Value::String(value.to_string())
    } else {
        value.clone()
    }
}

/// The same where null means that there is nothing, as it does once it was printed and read back.
fn kept_option(value: &Value) -> Option<Value> {
    (!value.is_null()).then(|| kept(value))
}

fn kept_parts(parts: &[Part]) -> Vec<Part> {
    let mut parts = parts.to_vec();
    for part in &mut parts {
        match part {
            Part::Text { vendor, .. } | Part::Reasoning { vendor, .. } => {
                *vendor = vendor.as_ref().and_then(kept_option);
            }
            Part::Refusal { .. } | Part::Source { .. } | Part::File { .. } => {}
        }
    }
    parts
}

fn replace_known(known: &mut Option<String>, new: Option<&String>) {
    if let Some(new) = new {
        *known = Some(new.clone());
    }
}
