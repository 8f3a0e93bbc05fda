//! What is open in a stream: the client wants each thing begun before it goes on, and ended before its run ends.

use std::collections::BTreeSet;

use run::MessageId;
use serde_json::Value;

use super::event::{Event, ReasoningRole, TextRole};
use super::ids;
use super::sent::Sent;

/// How far something is for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It does not know of it.
    Unknown,
    /// It has its beginning.
    Begun,
    /// It has its end.
    Ended,
}

/// Whether a client reads something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Yes.
    Yes,
    /// No: it is to be forgotten, and this client never hears of it.
    Never,
    /// No more: it is to be forgotten, and the client has its beginning.
    NoMore,
}

/// A message that is being written.
#[derive(Debug)]
pub(super) struct OpenMessage {
    pub(super) id: String,
    /// The id as JSON.
    pub(super) quoted: String,
    pub(super) role: TextRole,
    pub(super) shown: Shown,
    /// Whether its beginning is in this stretch.
    pub(super) is_whole: bool,
    pub(super) sent: Sent,
    text: Stage,
    /// The thought that is open.
    thought: Option<u32>,
    /// The thoughts that were begun.
    thoughts: BTreeSet<u32>,
    pub(super) has_calls: bool,
    /// The messages with results of its calls.
    pub(super) results: Vec<String>,
}

impl OpenMessage {
    pub(super) fn new(id: String, role: TextRole) -> Self {
        Self {
            quoted: serde_json::to_string(&id).expect("a text can be printed"),
            id,
            role,
            shown: Shown::Yes,
            is_whole: true,
            sent: Sent::new(),
            text: Stage::Unknown,
            thought: None,
            thoughts: BTreeSet::new(),
            has_calls: false,
            results: Vec::new(),
        }
    }

    pub(super) fn rename(&mut self, id: String) {
        self.quoted = serde_json::to_string(&id).expect("a text can be printed");
        self.id = id;
    }

    pub(super) fn has_thoughts(&self) -> bool {
        !self.thoughts.is_empty()
    }

    pub(super) fn text(&mut self, text: &str, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        self.end_thought(out);
        self.begin(out);
        self.sent.add(text);
        out.push(Event::TextMessageContent {
            message_id: self.id.clone(),
            delta: text.to_owned(),
        });
    }

    /// What the client may have of a message of which it hears no more.
    pub(super) fn may_have(&mut self, thought: Option<u32>) {
        match thought {
            Some(part) => drop(self.thoughts.insert(part)),
            None => self.text = Stage::Ended,
        }
    }

    /// Whether more text only adds to it.
    pub(super) fn goes_on(&self) -> bool {
        self.shown == Shown::Yes && self.text == Stage::Begun && self.thought.is_none()
    }

    fn begin(&mut self, out: &mut Vec<Event>) {
        if self.text != Stage::Begun {
            self.text = Stage::Begun;
            out.push(Event::TextMessageStart {
                message_id: self.id.clone(),
                role: self.role,
            });
        }
    }

    pub(super) fn think(&mut self, part: u32, text: &str, out: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        if self.thought != Some(part) {
            self.end_thought(out);
            self.thought = Some(part);
            self.thoughts.insert(part);
            self.begin_thought(part, out);
        }
        out.push(Event::ReasoningMessageContent {
            message_id: ids::reasoning(&self.id, part),
            delta: text.to_owned(),
        });
    }

    fn begin_thought(&self, part: u32, out: &mut Vec<Event>) {
        let message_id = ids::reasoning(&self.id, part);
        out.push(Event::ReasoningStart {
            message_id: message_id.clone(),
        });
        out.push(Event::ReasoningMessageStart {
            message_id,
            role: ReasoningRole::Reasoning,
        });
    }

    pub(super) fn end_thought(&mut self, out: &mut Vec<Event>) {
        if let Some(part) = self.thought.take() {
            let message_id = ids::reasoning(&self.id, part);
            out.push(Event::ReasoningMessageEnd {
                message_id: message_id.clone(),
            });
            out.push(Event::ReasoningEnd { message_id });
        }
    }

    /// Ends what is open of it.
    pub(super) fn end(&mut self, metadata: Option<Value>, out: &mut Vec<Event>) {
        self.end_thought(out);
        if self.text == Stage::Begun {
            self.text = Stage::Ended;
            out.push(Event::TextMessageEnd {
                message_id: self.id.clone(),
                metadata,
            });
        }
    }

    /// Begins again what is open of it, for a client that has its beginning from an earlier connection.
    pub(super) fn reopen(&mut self, out: &mut Vec<Event>) {
        if self.text == Stage::Begun {
            self.text = Stage::Ended;
            self.begin(out);
        }
        if let Some(part) = self.thought {
            self.begin_thought(part, out);
        }
    }

    /// All messages that the client has of it.
    pub(super) fn told(&self) -> impl Iterator<Item = String> {
        let thoughts = self.thoughts.iter();
        let thoughts = thoughts.map(|part| ids::reasoning(&self.id, *part));
        let text = (self.text != Stage::Unknown || self.has_calls).then(|| self.id.clone());
        thoughts.chain(text).chain(self.results.iter().cloned())
    }
}

/// A call without a result.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) message: Option<MessageId>,
    pub(super) parent: Option<String>,
    pub(super) is_hidden: bool,
    pub(super) stage: Stage,
    pub(super) has_args: bool,
}

impl OpenCall {
    pub(super) fn begin(&mut self, out: &mut Vec<Event>) {
        self.stage = Stage::Begun;
        out.push(Event::ToolCallStart {
            tool_call_id: self.id.clone(),
            tool_call_name: self.name.clone(),
            parent_message_id: self.parent.clone(),
        });
    }

    pub(super) fn args(&mut self, text: &str, out: &mut Vec<Event>) {
        if text.is_empty() || self.stage != Stage::Begun {
            return;
        }
        self.has_args = true;
        out.push(Event::ToolCallArgs {
            tool_call_id: self.id.clone(),
            delta: text.to_owned(),
        });
    }

    pub(super) fn end(&mut self, out: &mut Vec<Event>) {
        if self.stage == Stage::Begun {
            self.stage = Stage::Ended;
            out.push(Event::ToolCallEnd {
                tool_call_id: self.id.clone(),
            });
        }
    }

    pub(super) fn reopen(&mut self, out: &mut Vec<Event>) {
        if self.stage == Stage::Begun {
            self.begin(out);
        }
    }
}
