//! Messages and calls.

use run::event::{MessageCompleted, MessageDiscarded, ToolCompleted, ToolStarted, ToolStatus};
use run::{CallId, InputId, MessageId, Part, Role, Seq};
use serde_json::{Value, json};

use super::super::event::{Event as Agui, TextRole, ToolRole, ours, status_word};
use super::super::open::{OpenCall, OpenMessage, Shown, Stage};
use super::super::{activity, ids};
use super::Translator;
use super::inside::raw;

impl Translator {
    /// A message that more is said of: its text, or the thought of this part.
    pub(super) fn shown_message(
        &mut self,
        message: &MessageId,
        thought: Option<u32>,
    ) -> Option<&mut OpenMessage> {
        let message = self.messages.get_mut(message)?;
        if message.shown == Shown::NoMore && self.is_partly_told {
            message.may_have(thought);
        }
        (message.shown == Shown::Yes).then_some(message)
    }

    /// The message that goes on with more text, where nothing has to begin or end before.
    pub(in super::super) fn going_on(&mut self, message: &str) -> Option<&mut OpenMessage> {
        if self
            .last
            .as_ref()
            .is_none_or(|last| last.as_str() != message)
        {
            self.last = MessageId::parse(message).ok();
        }
        let message = self.messages.get_mut(self.last.as_ref()?)?;
        message.goes_on().then_some(message)
    }

    pub(super) fn shown_call(&mut self, call: &CallId) -> Option<&mut OpenCall> {
        let call = self.calls.get_mut(call)?;
        (!call.is_hidden).then_some(call)
    }

    pub(super) fn start_message(&mut self, message: &MessageId, role: Role, is_forgotten: bool) {
        let (role, is_told) = match role {
            Role::System => (TextRole::System, !is_forgotten),
            Role::User => (TextRole::User, !is_forgotten),
            Role::Assistant => (TextRole::Assistant, !is_forgotten),
            // What a tool says is told with its call.
            Role::Tool => (TextRole::Assistant, false),
        };
        let mut open = OpenMessage::new(ids::message(&self.run, message), role);
        if !is_told {
            open.shown = Shown::Never;
        }
        self.messages.insert(message.clone(), open);
    }

    pub(super) fn complete_message(
        &mut self,
        done: &MessageCompleted,
        seq: Seq,
        out: &mut Vec<Agui>,
    ) {
        let Some(mut message) = self.messages.remove(&done.message) else {
            return;
        };
        if message.shown != Shown::Yes {
            return;
        }
        let metadata = done
            .interrupted
            .then(|| ours(&json!({ "interrupted": true })));
        let Some(parts) = &done.parts else {
            message.end(metadata, out);
            return;
        };
        if message.is_whole && !message.has_thoughts() {
            for (n, part) in (0..).zip(parts) {
                if let Part::Reasoning { text, .. } = part {
                    message.think(n, text, out);
                }
            }
        }
        if message.is_whole {
            let whole = words(parts);
            match message.sent.rest_of(&whole) {
                Some(rest) => message.text(&rest, out),
                None => self.correct(&mut message, &whole, seq, out),
            }
        }
        message.end(metadata, out);
        for part in parts {
            if let Part::Source { .. } | Part::File { .. } = part {
                let value = json!({ "messageId": message.id, "part": part });
                out.push(Agui::Custom {
                    name: "outlive.part".to_owned(),
                    value: raw(value.to_string()),
                });
            }
        }
    }

    /// What was sent is not what was said in the end: the message is said again. Where calls stand in it the client would
    /// lose them, so there the true text is told beside it.
    pub(super) fn correct(
        &self,
        message: &mut OpenMessage,
        whole: &str,
        seq: Seq,
        out: &mut Vec<Agui>,
    ) {
        if message.has_calls {
            message.end(Some(ours(&json!({ "text": whole }))), out);
            return;
        }
        message.end(None, out);
        out.push(activity::discarded(&message.id, "it was said again"));
        message.rename(ids::again(&ids::only(&self.run, "said"), seq));
        message.text(whole, out);
    }

    /// A message is to be forgotten. The protocol cannot take one back, but what takes its id takes its place: the client
    /// keeps an activity there, which is no part of the conversation.
    pub(super) fn discard(&mut self, done: &MessageDiscarded, out: &mut Vec<Agui>) {
        for call in self.calls.values_mut() {
            if call.message.as_ref() == Some(&done.message) && !call.is_hidden {
                call.end(out);
                call.is_hidden = true;
            }
        }
        if let Some(mut message) = self.messages.remove(&done.message) {
            if message.shown == Shown::Yes {
                message.end(None, out);
            }
            out.extend(message.told().map(|id| activity::discarded(&id, &done.why)));
        }
    }

    pub(super) fn withdraw(&self, input: &InputId, out: &mut Vec<Agui>) {
        let id = ids::input(&self.run, input);
        out.push(activity::discarded(&id, "the run did not hear it"));
    }

    pub(super) fn start_call(&mut self, started: &ToolStarted) {
        let message = started
            .message
            .as_ref()
            .and_then(|message| self.messages.get_mut(message));
        let (parent, is_hidden) = match (message, &started.message) {
            (Some(message), _) => {
                message.has_calls |= match message.shown {
                    Shown::Yes => true,
                    Shown::NoMore => self.is_partly_told,
                    Shown::Never => false,
                };
                (Some(message.id.clone()), message.shown != Shown::Yes)
            }
            (None, Some(message)) => (Some(ids::message(&self.run, message)), false),
            (None, None) => (None, false),
        };
        let call = OpenCall {
            id: ids::call(&self.run, &started.call),
            name: started.name.clone(),
            message: started.message.clone(),
            parent,
            is_hidden,
            stage: Stage::Unknown,
            has_args: false,
        };
        self.calls.insert(started.call.clone(), call);
    }

    pub(super) fn complete_call(&mut self, done: &ToolCompleted, out: &mut Vec<Agui>) {
        let Some(mut call) = self.calls.remove(&done.call) else {
            return;
        };
        if call.is_hidden {
            return;
        }
        if call.stage == Stage::Unknown {
            call.begin(out);
        }
        call.end(out);
        // The client ran it and has the message with its result.
        if self.view.answered.contains(&call.id) {
            return;
        }
        let message_id = ids::result(&call.id);
        let message = call.message.as_ref();
        if let Some(message) = message.and_then(|message| self.messages.get_mut(message)) {
            message.results.push(message_id.clone());
        }
        let status = status_word(done.status);
        out.push(Agui::ToolCallResult {
            message_id,
            content: result_text(&done.result, done.status),
            tool_call_id: call.id,
            role: ToolRole::Tool,
            metadata: status.map(|status| ours(&json!({ "status": status }))),
        });
    }
}

/// The words of a message: what is said and what is refused.
fn words(parts: &[Part]) -> String {
    let words = parts.iter().filter_map(|part| match part {
        Part::Text { text, .. } | Part::Refusal { text } => Some(text.as_str()),
        Part::Reasoning { .. } | Part::Source { .. } | Part::File { .. } => None,
    });
    words.collect()
}

/// What came of a call, as text.
fn result_text(result: &Value, status: ToolStatus) -> String {
    match result {
        Value::Null => status_word(status).unwrap_or_default().to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
