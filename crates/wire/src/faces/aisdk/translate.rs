//! From events to chunks.

mod calls;
mod requests;
mod steps;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use run::event::RunFinished;
use run::{CallId, Envelope, Event, MessageId, RequestId, Role, Seq, Status, frame};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::calls::Call;
use self::steps::{PartsOf, Step};
use self::text::{Open, Shown, Voice};
use super::aside::{self, Kept};
use super::chunk::{Chunk, Data};
use super::ids::{data_type, in_chat};
use super::lines::Lines;
use super::metadata::{Metadata, error_text, finish_reason};
use super::view::{Begin, View};
use crate::faces::{SegmentEnd, SegmentEnds};

pub(super) use self::calls::failure;
pub(super) use self::requests::{ASK_USER, is_approved};

/// Translates the log of one run for one stream. It keeps what is open and nothing else.
#[derive(Debug)]
pub struct Translator {
    view: View,
    message_id: String,
    /// Whether events are shown yet.
    has_begun: bool,
    is_over: bool,
    ends: SegmentEnds,
    step: Step,
    /// Whether the client performed a call of the last step.
    was_at_client: bool,
    messages: BTreeMap<MessageId, Open>,
    calls: BTreeMap<CallId, Call>,
    /// Calls of messages that are left out or forgotten.
    hidden_calls: BTreeSet<CallId>,
    /// Requests that no call makes, which are shown as calls of their own.
    own_requests: BTreeMap<RequestId, Own>,
}

/// What is shown as a call of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Approval,
    Question,
}

/// The hot path of a log: a delta, whose text is copied as it stands.
#[derive(Deserialize)]
struct DeltaFrame<'a> {
    #[serde(borrow)]
    data: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    message: &'a str,
    part: u32,
    #[serde(borrow)]
    text: &'a RawValue,
}

impl Translator {
    /// A translator at the beginning of the log; it takes each event from the first on, also those that it does not show.
    pub fn new(view: View) -> Self {
        Self {
            message_id: view.run.to_string(),
            view,
            has_begun: false,
            is_over: false,
            ends: SegmentEnds::default(),
            step: Step::None,
            was_at_client: false,
            messages: BTreeMap::new(),
            calls: BTreeMap::new(),
            hidden_calls: BTreeSet::new(),
            own_requests: BTreeMap::new(),
        }
    }

    /// Whether the segment has ended: nothing comes behind it.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes a frame of the log. One that cannot be read is passed over.
    pub fn take(&mut self, frame: &[u8], lines: &mut Lines) {
        if self.is_over {
            return;
        }
        if let Some(seq) = self.take_delta(frame, lines) {
            self.end_where_it_waits(seq, lines);
        } else if let Some(envelope) = frame::parse(frame) {
            self.translate(&envelope, lines);
        }
    }

    /// Takes an event.
    pub fn translate(&mut self, envelope: &Envelope, lines: &mut Lines) {
        if self.is_over {
            return;
        }
        self.begin(envelope.seq, lines);
        self.event(envelope, lines);
        lines.unmute();
        // A wait that was over before the stream began is passed.
        if let Some(SegmentEnd::Waits { .. }) = self.ends.take(&envelope.event)
            && envelope.seq > self.view.known
        {
            self.wait(lines);
        }
        self.end_where_it_waits(envelope.seq, lines);
    }

    /// A delta of a message that grows already, without reading more of it than is needed.
    fn take_delta(&mut self, frame: &[u8], lines: &mut Lines) -> Option<Seq> {
        let voice = voice(frame)?;
        let seq = frame::seq(frame)?;
        let DeltaFrame { data } = serde_json::from_slice(frame::envelope(frame)?).ok()?;
        let message = MessageId::parse(data.message).ok()?;
        let text = data.text.get();
        // Told bytes are counted to complete a part at its end; escapes make the count of the printed text useless.
        let n_bytes = if text.contains('\\') {
            serde_json::from_str::<String>(text).ok()?.len()
        } else {
            text.len().checked_sub(2)?
        };
        self.begin(seq, lines);
        self.delta(&message, (data.part, voice), text, n_bytes, lines);
        lines.unmute();
        Some(seq)
    }

    /// Opens the stream at its first event, and says nothing before it.
    fn begin(&mut self, seq: Seq, lines: &mut Lines) {
        if self.has_begun {
            return;
        }
        if seq < self.view.begin.first_seq() {
            lines.mute();
            return;
        }
        self.has_begun = true;
        let metadata = Metadata {
            run_id: Some(self.view.run),
            thread_id: Some(self.view.thread.clone()),
            agent: Some(self.view.agent.clone()),
            ..Metadata::default()
        };
        match self.view.begin {
            // `run.created` says it, with its time.
            Begin::Run => {}
            // What follows stands in a step of its own.
            Begin::Answer(_) => {
                self.start(&metadata, lines);
                self.step = Step::None;
                self.was_at_client = true;
            }
            Begin::Input(_) => {
                self.start(&metadata, lines);
                self.open_again(lines);
            }
        }
    }

    /// Opens what is open where the client joins.
    fn open_again(&mut self, lines: &mut Lines) {
        if self.step != Step::None {
            self.step = Step::None;
            self.open_step(lines);
        }
        let grow: Vec<_> = self
            .messages
            .iter_mut()
            .filter_map(|(message, open)| Some((message.clone(), open.at.take()?)))
            .collect();
        for (message, at) in grow {
            if let Some(open) = self.messages.get_mut(&message) {
                // The beginning of it is not told here, so its end cannot be completed either.
                open.told.insert(at.part, usize::MAX);
            }
            self.open_part(&message, at.part, at.voice, lines);
        }
        for call in self.calls.values() {
            lines.put(&call.input_start());
        }
    }

    fn start(&self, metadata: &Metadata, lines: &mut Lines) {
        lines.put(&Chunk::Start {
            message_id: &self.message_id,
            message_metadata: metadata,
        });
    }

    /// Ends the stream at the last event that there was, if the run waited for its client then.
    fn end_where_it_waits(&mut self, seq: Seq, lines: &mut Lines) {
        if self.view.waits && seq == self.view.known && self.has_begun {
            self.wait(lines);
        }
    }

    /// The run waits for its client: for the protocol the answer has ended.
    fn wait(&mut self, lines: &mut Lines) {
        if self.is_over {
            return;
        }
        self.is_over = true;
        self.close_parts(lines);
        self.close_step(lines);
        let metadata = Metadata {
            status: Some(Status::Waiting),
            ..Metadata::default()
        };
        lines.put(&Chunk::Finish {
            finish_reason: "tool-calls",
            message_metadata: &metadata,
        });
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each event type, so that the compiler asks for a new one"
    )]
    fn event(&mut self, envelope: &Envelope, lines: &mut Lines) {
        let event = &envelope.event;
        match event {
            Event::TextDelta(delta) => self.spoken(
                &delta.message,
                (delta.part, Voice::Text),
                &delta.text,
                lines,
            ),
            Event::ReasoningDelta(delta) => self.spoken(
                &delta.message,
                (delta.part, Voice::Reasoning),
                &delta.text,
                lines,
            ),
            Event::ToolArgsDelta(delta) => {
                if let Some(call) = self.calls.get(&delta.call) {
                    lines.put(&Chunk::ToolInputDelta {
                        tool_call_id: &call.id,
                        input_text_delta: &delta.text,
                    });
                }
            }
            Event::ToolOutput(output) => {
                if let Some(call) = self.calls.get(&output.call) {
                    let data = json!({
                        "toolCallId": call.id, "stream": output.stream, "text": output.text,
                    });
                    put_data(event, Kept::Told, &data, lines);
                }
            }
            Event::ToolUpdated(updated) => {
                if let Some(call) = self.calls.get(&updated.call) {
                    let data = json!({
                        "toolCallId": call.id, "status": updated.status, "title": updated.title, "detail": updated.detail,
                    });
                    put_data(event, Kept::Told, &data, lines);
                }
            }

            Event::RunCreated(created) => {
                if self.view.begin == Begin::Run {
                    let metadata = Metadata {
                        run_id: Some(self.view.run),
                        thread_id: Some(created.thread.clone()),
                        agent: Some(created.agent.clone()),
                        created_at: Some(envelope.at),
                        ..Metadata::default()
                    };
                    self.start(&metadata, lines);
                }
            }
            Event::RunFinished(finished) => self.finish(finished, lines),

            Event::StepStarted(_) => {
                self.close_parts(lines);
                self.close_step(lines);
                self.open_step(lines);
            }
            Event::StepFinished(_) => {
                self.close_parts(lines);
                self.close_step(lines);
            }
            Event::MessageStarted(started) => {
                let shown = match started.role {
                    Role::Assistant if self.view.left_out.contains(&started.message) => Shown::Not,
                    Role::Assistant if self.view.blank.contains(&started.message) => Shown::Blank,
                    Role::Assistant => Shown::Full,
                    // An answer of the client's is one message of one role.
                    Role::System | Role::User | Role::Tool => Shown::Not,
                };
                let open = Open {
                    shown,
                    told: BTreeMap::new(),
                    at: None,
                };
                self.messages.insert(started.message.clone(), open);
            }
            Event::MessageCompleted(completed) => self.complete(completed, lines),
            Event::MessageDiscarded(discarded) => {
                self.discard(&discarded.message, event, lines);
            }

            Event::ToolStarted(started) => self.start_call(started, envelope.seq, lines),
            Event::ToolCalled(called) => self.called(called, lines),
            Event::ToolCompleted(completed) => self.end_call(completed, lines),

            Event::ApprovalRequested(asked) => self.ask_approval(asked, event, lines),
            Event::ApprovalResolved(resolved) => self.resolve(resolved, event, lines),
            Event::QuestionAsked(asked) => self.ask(asked, event, lines),
            Event::QuestionAnswered(answered) => {
                self.close_question(&answered.request, &answered.answers, lines);
                self.put_request(&answered.request, event, lines);
            }
            Event::RequestExpired(expired) => {
                if self.own_requests.remove(&expired.request).is_some() {
                    let id = in_chat(self.view.run, &expired.request);
                    lines.put(&Chunk::ToolOutputError {
                        tool_call_id: &id,
                        error_text: &expired.why,
                        provider_executed: None,
                    });
                }
                self.put_request(&expired.request, event, lines);
            }

            Event::UsageUpdated(updated) => {
                let metadata = Metadata {
                    usage: Some(updated.totals.into()),
                    context_tokens: updated.context_tokens,
                    window_tokens: updated.window_tokens,
                    ..Metadata::default()
                };
                lines.put(&Chunk::MessageMetadata {
                    message_metadata: &metadata,
                });
            }

            // Ours to perform and nothing to see: who performs the run, in which session, with which prompt, in which
            // turn; that it waits, which ends the stream; that a tool is touched, which the call's state says; that a request is a call of the client's, or
            // was answered, which the call says. A stop is seen by the end. A frame of another protocol is that
            // protocol's.
            Event::RunWaiting(_)
            | Event::AttemptStarted(_)
            | Event::AttemptEnded(_)
            | Event::StopRequested(_)
            | Event::SessionStarted(_)
            | Event::SessionChanged(_)
            | Event::SessionExited(_)
            | Event::PromptRendered(_)
            | Event::TurnStarted(_)
            | Event::TurnCompleted(_)
            | Event::ToolRunning(_)
            | Event::ClientToolCalled(_)
            | Event::ClientToolAnswered(_)
            | Event::Raw(_) => {}

            // What the protocol has no word for goes as data. What a page that is loaded later shows as well stays in the
            // message.
            Event::InputReceived(input) => put_kept(event, &input.input, lines),
            Event::InputConsumed(input) => put_kept(event, &input.input, lines),
            Event::InputReturned(input) => put_kept(event, &input.input, lines),
            Event::PlanUpdated(_) => put_kept(event, "plan", lines),
            Event::PlanProposed(_) => put_kept(event, "proposed", lines),
            Event::TaskStarted(task) => put_kept(event, &task.task, lines),
            Event::TaskCompleted(task) => put_kept(event, &task.task, lines),
            Event::DiffUpdated(_) => put_kept(event, "diff", lines),
            Event::CheckpointCaptured(captured) => put_kept(event, &captured.checkpoint, lines),
            Event::Notice(_) => put_data(event, Kept::Added, &aside::data(event), lines),

            // The rest is for who looks on: steps on the way, or what the run itself has at the end.
            Event::PlanImplemented(_)
            | Event::TaskProgress(_)
            | Event::ContextCompacted(_)
            | Event::RetryScheduled(_)
            | Event::WorktreeReady(_)
            | Event::WorktreeSettled(_)
            | Event::StateSnapshot(_)
            | Event::StateDelta(_)
            | Event::Custom(_)
            | Event::Unknown(_) => put_data(event, Kept::Told, &aside::data(event), lines),
        }
    }

    fn finish(&mut self, finished: &RunFinished, lines: &mut Lines) {
        self.is_over = true;
        self.close_parts(lines);
        // A client that performed calls of the last step would take them for the last word, and send them again.
        if self.was_at_client {
            self.close_step(lines);
            self.open_step(lines);
        }
        self.close_step(lines);
        let metadata = Metadata {
            status: Some(finished.status),
            reason: Some(finished.reason),
            usage: Some(finished.usage.into()),
            error: finished.error.clone(),
            ..Metadata::default()
        };
        if finished.status == Status::Aborted {
            lines.put(&Chunk::Abort {
                reason: finished.reason.as_str(),
            });
        }
        lines.put(&Chunk::Finish {
            finish_reason: finish_reason(finished),
            message_metadata: &metadata,
        });
        if finished.status == Status::Failed {
            // Behind the finish: what a client does with an error is to stop reading.
            let text = match &finished.error {
                Some(error) => error_text(&error.message, &error.code),
                None => error_text("the run failed", finished.reason.as_str()),
            };
            lines.put(&Chunk::Error { error_text: &text });
        }
    }
}

/// A delta's voice by the frame's second line.
fn voice(frame: &[u8]) -> Option<Voice> {
    let from = memchr::memchr(b'\n', frame)? + 1;
    let rest = frame.get(from..)?;
    if rest.starts_with(b"event: text.delta\n") {
        Some(Voice::Text)
    } else if rest.starts_with(b"event: reasoning.delta\n") {
        Some(Voice::Reasoning)
    } else {
        None
    }
}

fn put_data(event: &Event, kept: Kept, data: &Value, lines: &mut Lines) {
    let (id, transient) = match kept {
        Kept::Told => (None, true),
        Kept::Added => (None, false),
        Kept::Under(id) => (Some(id), false),
    };
    lines.put(&Data {
        r#type: &data_type(event),
        id: id.as_deref(),
        value: data,
        transient,
    });
}

fn put_kept(event: &Event, id: impl Display, lines: &mut Lines) {
    put_data(
        event,
        Kept::Under(id.to_string()),
        &aside::data(event),
        lines,
    );
}
