//! From our log to the events that a client reads, one event of the log after the other.
//!
//! The log is always read from its beginning. What lies before the stretch that is told is only remembered as far as the
//! stretch needs it; what the client has already is translated and not told, so that what is open there is known.

mod before;
mod ending;
mod inside;
mod parts;

use std::collections::{BTreeMap, BTreeSet};

use run::{CallId, Envelope, Event, MessageId, RequestId, Snapshot, Usage};
use serde_json::{Value, json};

use super::PROTOCOL_VERSION;
use super::event::{Event as Agui, ours};
use super::ids;
use super::interrupt::Asked;
use super::open::{OpenCall, OpenMessage, Shown, Stage};
use super::view::View;
use crate::faces::SegmentEnds;
use inside::custom;

/// How a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More may come.
    GoOn,
    /// This was its last event.
    Ended,
}

/// Translates a log for one client.
#[derive(Debug)]
pub struct Translator {
    view: View,
    run: String,
    messages: BTreeMap<MessageId, OpenMessage>,
    calls: BTreeMap<CallId, OpenCall>,
    requests: BTreeMap<RequestId, Asked>,
    ends: SegmentEnds,
    step: Option<String>,
    /// Steps that an agent behind the run has named.
    named: BTreeSet<String>,
    model: Option<String>,
    usage: Usage,
    /// What the run had consumed before this stretch.
    usage_before: Usage,
    /// Holds the state that the agent shares, and nothing else.
    shared: Snapshot,
    /// What the client names of this run, and which of it is from before this stretch.
    named_by_client: BTreeSet<String>,
    from_before: BTreeSet<String>,
    /// The message of which was spoken last.
    last: Option<MessageId>,
    is_inside: bool,
    /// The client may have the beginning of what this event becomes.
    is_partly_told: bool,
}

impl Translator {
    /// At the beginning of the log.
    pub fn new(view: View) -> Self {
        let named = view.messages.iter().filter_map(|message| {
            let (run, rest) = ids::split(message["id"].as_str()?)?;
            (run == view.run).then(|| ids::key(rest).to_owned())
        });
        Self {
            run: view.run.to_string(),
            named_by_client: named.collect(),
            view,
            messages: BTreeMap::new(),
            calls: BTreeMap::new(),
            requests: BTreeMap::new(),
            ends: SegmentEnds::default(),
            step: None,
            named: BTreeSet::new(),
            model: None,
            usage: Usage::default(),
            usage_before: Usage::default(),
            shared: Snapshot::default(),
            from_before: BTreeSet::new(),
            last: None,
            is_inside: false,
            is_partly_told: false,
        }
    }

    /// What is told, and from where on.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The beginning of the stream, once everything up to [`View::start`] was taken in: the run begins, what the client
    /// has of this stretch is taken back where it is told again, and what is open for it is begun again.
    pub fn opening(&mut self) -> Vec<Agui> {
        let mut out = vec![Agui::RunStarted {
            thread_id: self.view.thread_id.clone(),
            run_id: self.view.run_id.clone(),
            protocol_version: PROTOCOL_VERSION,
            metadata: ours(&json!({ "run": self.run, "agent": self.view.agent })),
        }];
        if self.view.cursor.after >= self.view.extent.first_seq() {
            self.enter();
            self.reopen(&mut out);
            return out;
        }
        self.take_back(&mut out);
        if !self.shared.state.is_null() {
            out.push(Agui::StateSnapshot {
                snapshot: self.shared.state.clone(),
            });
        }
        out
    }

    /// Takes in the next event of the log, and adds what it becomes.
    pub fn take(&mut self, envelope: &Envelope, out: &mut Vec<Agui>) -> Flow {
        let end = self.ends.take(&envelope.event);
        if envelope.seq < self.view.extent.first_seq() {
            self.before(&envelope.event);
            return Flow::GoOn;
        }
        self.enter();
        self.usage(&envelope.event);
        self.is_partly_told = self.view.cursor.skip > 0 && envelope.seq == self.view.start().next();
        self.translate(envelope, out);
        self.end(end, envelope, out)
    }

    /// Whether an event of this type need not be taken in where it lies before the stretch that is told.
    pub fn is_passed_by(kind: &[u8]) -> bool {
        matches!(
            kind,
            b"text.delta" | b"reasoning.delta" | b"tool.args.delta" | b"tool.output"
        )
    }

    /// The stretch begins: what was open before it is another thing for the client, which has closed it.
    fn enter(&mut self) {
        if std::mem::replace(&mut self.is_inside, true) {
            return;
        }
        self.usage_before = self.usage;
        let first = self.view.extent.first_seq();
        for (id, message) in &mut self.messages {
            message.rename(ids::again(&message.id, first));
            message.is_whole = false;
            if self.view.discarded.contains(id) {
                message.shown = Shown::Never;
            }
        }
        let calls = self.calls.values_mut();
        for call in calls.filter(|call| call.stage != Stage::Ended) {
            call.id = ids::again(&call.id, first);
            call.parent = None;
        }
        self.step = None;
        self.named.clear();
    }

    fn model(&mut self, model: Option<&String>) {
        if model.is_some() {
            self.model = model.cloned();
        }
    }

    fn usage(&mut self, event: &Event) {
        if let Event::StepFinished(finished) = event {
            self.usage = self.usage.plus(&finished.usage);
        } else if let Event::UsageUpdated(updated) = event {
            self.usage = self.usage.replaced_by(&updated.totals);
        } else if let Event::RunFinished(finished) = event {
            self.usage = finished.usage;
        } else if let Event::ToolCompleted(done) = event
            && let Some(usage) = &done.usage
        {
            self.usage = self.usage.plus(usage);
        }
    }

    fn ask(&mut self, request: &RequestId, asked: Asked) {
        self.requests.insert(request.clone(), asked);
    }

    fn answered(&mut self, request: &RequestId) {
        self.requests.remove(request);
    }

    fn close_request(&mut self, request: &RequestId, event: &Event, out: &mut Vec<Agui>) {
        self.answered(request);
        out.push(custom(event));
    }

    fn end_step(&mut self, metadata: Option<Value>, out: &mut Vec<Agui>) {
        if let Some(step_name) = self.step.take() {
            out.push(Agui::StepFinished {
                step_name,
                metadata,
            });
        }
    }

    /// Begins again what is open for a client that comes back. What it has of a message that is to be forgotten is taken
    /// back where the log says so, and nothing is added to it before.
    fn reopen(&mut self, out: &mut Vec<Agui>) {
        for (id, message) in &mut self.messages {
            if message.shown == Shown::Yes && self.view.discarded.contains(id) {
                message.shown = Shown::NoMore;
            }
            if message.shown == Shown::Yes {
                message.reopen(out);
            }
        }
        for call in self.calls.values_mut() {
            let message = call.message.as_ref();
            let message = message.and_then(|message| self.messages.get(message));
            call.is_hidden |= message.is_some_and(|message| message.shown != Shown::Yes);
            if !call.is_hidden {
                call.reopen(out);
            }
        }
        let steps = self.step.iter().chain(&self.named).cloned();
        out.extend(steps.map(|step_name| Agui::StepStarted { step_name }));
    }

    /// What the client has of this stretch is told again from the beginning, and the client would add it to what it has.
    /// So that is taken back first. A reasoning message cannot be left out of a snapshot, so it is emptied.
    fn take_back(&self, out: &mut Vec<Agui>) {
        let is_told_again = |message: &Value| {
            let named = message["id"].as_str().and_then(ids::split);
            named.is_some_and(|(run, rest)| {
                run == self.view.run && !self.from_before.contains(ids::key(rest))
            })
        };
        if !self.view.messages.iter().any(is_told_again) {
            return;
        }
        let messages = self.view.messages.iter().filter_map(|message| {
            if !is_told_again(message) {
                return Some(message.clone());
            }
            let is_thought = message["role"] == "reasoning";
            is_thought.then(|| json!({ "id": message["id"], "role": "reasoning", "content": "" }))
        });
        out.push(Agui::MessagesSnapshot {
            messages: messages.collect(),
        });
    }
}
