//! From what an AG-UI agent says to events of ours. Pure.
//!
//! Agents say things in pieces that begin and end, in pieces that do so by themselves, or only as a whole conversation at
//! the end; some say again what they have said before a connection was lost. What comes out is one message or call for
//! each, begun and ended once.

mod calls;
mod conversation;

use std::collections::{BTreeMap, BTreeSet};

use run::event::{
    Custom, MessageCompleted, MessageStarted, Notice, NoticeLevel, Raw, ReasoningDelta, StateDelta,
    StateSnapshot, TextDelta, ToolStatus,
};
use run::snapshot::{Progress, Snapshot};
use run::{Event, MAX_NAME_BYTES, MessageId, Part, Role, bounded_text, is_shallow, text_of};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wire::faces::agui::decode::Heard;
use wire::faces::agui::{ACTIVITY, STEP};

use super::names::{Begun, Fate, Names, TooMany};
use crate::limits::{COMPLETED_BYTES, UPSTREAM_IDS, UPSTREAM_MESSAGES, UPSTREAM_VALUE_BYTES};
use calls::OpenCall;

/// What the log has of a run when an attempt begins, and what the agent was told.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Ids of messages that the agent was sent.
    pub(super) sent: BTreeSet<String>,
    /// Names of tools that run at the client.
    pub(super) client_tools: BTreeSet<String>,
    /// Whether what is not known is kept.
    pub(super) keeps_raw: bool,
}

/// A text or thought that is being said.
#[derive(Debug)]
struct Open {
    /// Nothing while the log has it already.
    message: Option<MessageId>,
    is_begun: bool,
    is_thought: bool,
    text: String,
    /// Longer than a completed message repeats.
    is_long: bool,
    vendor: Option<Value>,
}

/// What pieces that begin and end by themselves belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Chunk {
    Text(String),
    Thought(String),
    Call(String),
}

/// Folds what an agent says in one run of the protocol.
#[derive(Debug)]
pub(super) struct Fold {
    before: Before,
    messages: Names,
    call_names: Names,
    open: BTreeMap<String, Open>,
    calls: BTreeMap<String, OpenCall>,
    chunk: Option<Chunk>,
    /// A thought that is over, but for what its vendor wants back.
    ended_thought: Option<String>,
    /// Hashes of texts that were said, for a conversation that repeats them under other ids.
    said: BTreeSet<[u8; 32]>,
    events: Vec<Event>,
}

/// The prefix of the keys of thoughts: some agents give a thought the id of the text behind it.
const THOUGHT: &str = "thought:";

impl Fold {
    pub(super) fn new(before: Before, snapshot: &Snapshot) -> Self {
        let mut fold = Self {
            before,
            messages: Names::default(),
            call_names: Names::default(),
            open: BTreeMap::new(),
            calls: BTreeMap::new(),
            chunk: None,
            ended_thought: None,
            said: BTreeSet::new(),
            events: Vec::new(),
        };
        for message in &snapshot.messages {
            let fate = match message.progress {
                Progress::Completed | Progress::Interrupted => Fate::Kept,
                Progress::Open | Progress::Discarded => Fate::Gone,
            };
            fold.messages.remember(message.message.as_str(), fate);
            fold.say(&text_of(&message.parts));
        }
        for call in &snapshot.activities {
            let fate = match call.status {
                Some(ToolStatus::Ok | ToolStatus::Failed | ToolStatus::Denied) | None => Fate::Kept,
                Some(ToolStatus::Interrupted | ToolStatus::Unknown) => Fate::Gone,
            };
            fold.call_names.remember(call.call.as_str(), fate);
            if call.status.is_none() {
                let open = OpenCall {
                    call: Some(call.call.clone()),
                    name: call.name.clone(),
                    args: String::new(),
                    is_called: true,
                    vendor: None,
                };
                let theirs = super::names::theirs(call.call.as_str());
                fold.calls.insert(theirs.to_owned(), open);
            }
        }
        fold
    }

    /// Takes what the agent says; gives what happened.
    pub(super) fn take(&mut self, heard: Heard) -> Result<Vec<Event>, TooMany> {
        self.end_what_ends_by_itself(&heard);
        match heard {
            Heard::TextStart { id, is_own } => self.begin_text(&id, is_own)?,
            Heard::Text { id, delta } => self.add(&id, &delta, false)?,
            Heard::TextEnd { id } => self.end(&id),
            Heard::TextChunk { id, is_own, delta } => {
                if let Some(id) = self.chunk_id(id, |chunk| match chunk {
                    Chunk::Text(id) => Some(id),
                    Chunk::Thought(_) | Chunk::Call(_) => None,
                }) {
                    if self.chunk.as_ref() != Some(&Chunk::Text(id.clone())) {
                        self.begin_text(&id, is_own)?;
                        self.chunk = Some(Chunk::Text(id.clone()));
                    }
                    self.add(&id, &delta, false)?;
                }
            }
            Heard::ThoughtStart { id } => self.begin_thought(&id)?,
            Heard::Thought { id, delta } => self.add(&thought(&id), &delta, true)?,
            Heard::ThoughtEnd { id } => self.ended_thought = Some(thought(&id)),
            Heard::ThoughtChunk { id, delta } => {
                if let Some(id) = self.chunk_id(id, |chunk| match chunk {
                    Chunk::Thought(id) => Some(id),
                    Chunk::Text(_) | Chunk::Call(_) => None,
                }) {
                    if self.chunk.as_ref() != Some(&Chunk::Thought(id.clone())) {
                        self.begin_thought(&id)?;
                        self.chunk = Some(Chunk::Thought(id.clone()));
                    }
                    self.add(&thought(&id), &delta, true)?;
                }
            }
            Heard::Encrypted { id, value } => self.encrypted(&id, &value),
            Heard::CallStart { id, name, parent } => {
                self.begin_call(&id, &name, parent.as_deref())?;
            }
            Heard::Args { id, delta } => self.args(&id, delta),
            Heard::CallEnd { id } => self.end_call(&id),
            Heard::CallChunk {
                id,
                name,
                parent,
                delta,
            } => {
                if let Some(id) = self.chunk_id(id, |chunk| match chunk {
                    Chunk::Call(id) => Some(id),
                    Chunk::Text(_) | Chunk::Thought(_) => None,
                }) {
                    if self.chunk.as_ref() != Some(&Chunk::Call(id.clone())) {
                        let name = name.unwrap_or_else(|| "tool".to_owned());
                        self.begin_call(&id, &name, parent.as_deref())?;
                        self.chunk = Some(Chunk::Call(id.clone()));
                    }
                    self.args(&id, delta);
                }
            }
            Heard::CallResult { id, content } => self.result(&id, content)?,
            Heard::State(state) => self.value("state", &state.clone(), StateSnapshot { state }),
            Heard::StateDelta(patch) => {
                self.value("state", &Value::Array(patch.clone()), StateDelta { patch });
            }
            Heard::Messages(messages) => self.conversation(&messages)?,
            Heard::Activity(value) => self.custom(ACTIVITY, value),
            Heard::Step { name, is_over } => {
                let status = if is_over { "finished" } else { "started" };
                self.custom(STEP, json!({ "name": name, "status": status }));
            }
            Heard::Custom { name, value } => self.custom(&name, value),
            Heard::Raw(payload) | Heard::Unknown(payload) => {
                if self.before.keeps_raw {
                    let source = "agui".to_owned();
                    self.value("event", &payload.clone(), Raw { source, payload });
                }
            }
            // What it was told, and how its run goes, is the driver's.
            Heard::RunStarted | Heard::RunFinished(_) | Heard::RunError { .. } | Heard::Bracket => {
            }
        }
        Ok(std::mem::take(&mut self.events))
    }

    /// Ends what is open at the end of the run of the protocol.
    pub(super) fn finish(&mut self) -> Vec<Event> {
        self.chunk = None;
        self.ended_thought = None;
        for id in self.open.keys().cloned().collect::<Vec<_>>() {
            self.end(&id);
        }
        for id in self.calls.keys().cloned().collect::<Vec<_>>() {
            self.end_call(&id);
        }
        std::mem::take(&mut self.events)
    }

    /// Pieces that begin and end by themselves are over when something else comes, and a thought is over when what comes
    /// is not what its vendor wants back.
    fn end_what_ends_by_itself(&mut self, heard: &Heard) {
        let goes_on = match (heard, &self.chunk) {
            (Heard::TextChunk { id, .. }, Some(Chunk::Text(open)))
            | (Heard::ThoughtChunk { id, .. }, Some(Chunk::Thought(open)))
            | (Heard::CallChunk { id, .. }, Some(Chunk::Call(open))) => {
                id.as_ref().is_none_or(|id| id == open)
            }
            // Beside the conversation, and no end of anything.
            (
                Heard::State(_)
                | Heard::StateDelta(_)
                | Heard::Activity(_)
                | Heard::Custom { .. }
                | Heard::Raw(_)
                | Heard::Unknown(_),
                _,
            )
            | (_, None) => true,
            (_, Some(_)) => false,
        };
        if !goes_on {
            match self.chunk.take() {
                Some(Chunk::Text(id)) => self.end(&id),
                Some(Chunk::Thought(id)) => self.end(&thought(&id)),
                Some(Chunk::Call(id)) => self.end_call(&id),
                None => {}
            }
        }
        let is_encrypted = matches!(heard, Heard::Encrypted { .. });
        if let Some(id) = self.ended_thought.take_if(|_| !is_encrypted) {
            self.end(&id);
        }
    }

    /// The id of a piece: its own, or that of the piece before.
    fn chunk_id(
        &self,
        id: Option<String>,
        of: impl Fn(&Chunk) -> Option<&String>,
    ) -> Option<String> {
        id.or_else(|| self.chunk.as_ref().and_then(of).cloned())
    }

    fn begin_text(&mut self, id: &str, is_own: bool) -> Result<(), TooMany> {
        self.end(id);
        // What it was told is in the log.
        let is_known = !is_own || self.before.sent.contains(id);
        self.begin(id.to_owned(), id, false, is_known)
    }

    fn begin_thought(&mut self, id: &str) -> Result<(), TooMany> {
        let key = thought(id);
        self.end(&key);
        let is_known = self.before.sent.contains(id);
        self.begin(key.clone(), &key, true, is_known)
    }

    fn begin(
        &mut self,
        key: String,
        name: &str,
        is_thought: bool,
        is_known: bool,
    ) -> Result<(), TooMany> {
        if self.open.len() >= UPSTREAM_MESSAGES
            && let Some(first) = self.open.keys().next().cloned()
        {
            self.end(&first);
        }
        let begun = if is_known {
            Begun::Known
        } else {
            self.messages.begin(name)?
        };
        let message = match begun {
            Begun::New(id) => MessageId::parse(id).ok(),
            Begun::Known => None,
        };
        let open = Open {
            message,
            is_begun: false,
            is_thought,
            text: String::new(),
            is_long: false,
            vendor: None,
        };
        self.open.insert(key, open);
        Ok(())
    }

    /// Adds to what is open; a piece whose beginning was left out begins it.
    fn add(&mut self, key: &str, delta: &str, is_thought: bool) -> Result<(), TooMany> {
        if delta.is_empty() {
            return Ok(());
        }
        if !self.open.contains_key(key) {
            let is_known = self.before.sent.contains(key);
            self.begin(key.to_owned(), key, is_thought, is_known)?;
        }
        let Some(open) = self.open.get_mut(key) else {
            return Ok(());
        };
        let Some(message) = &open.message else {
            return Ok(());
        };
        if !std::mem::replace(&mut open.is_begun, true) {
            self.events.push(started(message));
        }
        open.is_long |= open.text.len() + delta.len() > COMPLETED_BYTES;
        if !open.is_long {
            open.text.push_str(delta);
        }
        let (message, part, text) = (message.clone(), 0, delta.to_owned());
        self.events.push(if open.is_thought {
            ReasoningDelta {
                message,
                part,
                text,
            }
            .into()
        } else {
            TextDelta {
                message,
                part,
                text,
            }
            .into()
        });
        Ok(())
    }

    fn end(&mut self, key: &str) {
        let Some(open) = self.open.remove(key) else {
            return;
        };
        let Some(message) = open
            .message
            .filter(|_| open.is_begun || open.vendor.is_some())
        else {
            return;
        };
        if !open.is_begun {
            self.events.push(started(&message));
        }
        if !open.is_thought {
            self.say(&open.text);
        }
        let (text, vendor) = (open.text, open.vendor);
        let part = if open.is_thought {
            Part::Reasoning { text, vendor }
        } else {
            Part::Text { text, vendor }
        };
        self.events.push(
            MessageCompleted {
                message,
                parts: (!open.is_long).then(|| vec![part]),
                interrupted: false,
            }
            .into(),
        );
    }

    /// Remembers a text.
    fn say(&mut self, text: &str) {
        if !text.is_empty() && self.said.len() < UPSTREAM_IDS {
            self.said.insert(Sha256::digest(text.as_bytes()).into());
        }
    }

    fn encrypted(&mut self, id: &str, value: &str) {
        let data = json!({ "agui": { "encryptedValue": value } });
        if let Some(open) = self.open.get_mut(&thought(id)) {
            open.vendor = Some(data);
        } else if let Some(open) = self.open.get_mut(id) {
            open.vendor = Some(data);
        } else if let Some(call) = self.calls.get_mut(id) {
            call.vendor = Some(data);
        }
    }

    fn custom(&mut self, name: &str, value: Value) {
        let name = bounded_text(name.to_owned(), MAX_NAME_BYTES);
        self.value("event", &value.clone(), Custom { name, value });
    }

    /// An event around a value, or a word about one that does not fit into the log.
    fn value(&mut self, what: &str, value: &Value, event: impl Into<Event>) {
        let n_bytes = value.to_string().len();
        if is_shallow(value) && n_bytes <= UPSTREAM_VALUE_BYTES {
            self.events.push(event.into());
            return;
        }
        let text = format!(
            "the agent gave a {what} of {n_bytes} bytes that is too large or nests too deep for the log; it is left out"
        );
        let notice = Notice::new(NoticeLevel::Warning, "upstream_value", text);
        self.events.push(notice.into());
    }
}

fn thought(id: &str) -> String {
    format!("{THOUGHT}{id}")
}

/// The agent's id of a message of ours, and whether it is a thought.
pub(super) fn message_id(ours: &str) -> (&str, bool) {
    let theirs = super::names::theirs(ours);
    match theirs.strip_prefix(THOUGHT) {
        Some(id) => (id, true),
        None => (theirs, false),
    }
}

fn started(message: &MessageId) -> Event {
    MessageStarted {
        message: message.clone(),
        role: Role::Assistant,
    }
    .into()
}

#[cfg(test)]
#[path = "../fold_tests.rs"]
mod tests;
