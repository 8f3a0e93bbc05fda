//! What was said in a run, as messages that a later run brings along: for a response that follows an earlier one than the
//! last of its thread.

use run::snapshot::{Activity, InputState, Progress, Snapshot};
use run::{ChatMessage, Input, Part, Role, Seq};
use serde_json::Value;

/// What was said in a finished run, oldest first. Calls of tools are told in words: messages carry none.
pub fn conversation(input: &Input, snapshot: &Snapshot) -> Vec<ChatMessage> {
    let mut messages: Vec<ChatMessage> = input.messages.clone().unwrap_or_default();
    if !input.parts.is_empty() {
        messages.push(message(Role::User, input.parts.clone()));
    }
    let mut said: Vec<(Seq, ChatMessage)> = Vec::new();
    let spoken = snapshot.messages.iter().filter(|message| {
        message.role == Role::Assistant && message.progress != Progress::Discarded
    });
    for spoken in spoken {
        // What a vendor wants back, and thoughts, belong to the run of their model.
        let parts = spoken.parts.iter().filter_map(|part| match part {
            Part::Text { text, .. } if !text.is_empty() => Some(Part::text(text)),
            Part::Refusal { .. } => Some(part.clone()),
            Part::Text { .. }
            | Part::Reasoning { .. }
            | Part::Source { .. }
            | Part::File { .. } => None,
        });
        let parts: Vec<Part> = parts.collect();
        if !parts.is_empty() {
            said.push((spoken.first_seq, message(Role::Assistant, parts)));
        }
    }
    let done = snapshot
        .activities
        .iter()
        .filter(|it| it.status.is_some() && !is_withdrawn(it, snapshot));
    said.extend(done.map(|activity| {
        let words = Part::text(in_words(activity));
        (activity.first_seq, message(Role::Assistant, vec![words]))
    }));
    said.extend(snapshot.inputs.iter().filter_map(|input| {
        let heard = input.heard_seq?;
        let is_heard = matches!(input.state, InputState::Consumed { .. });
        is_heard.then(|| (heard, message(Role::User, input.parts.clone())))
    }));
    said.sort_by_key(|(seq, _)| *seq);
    messages.extend(said.into_iter().map(|(_, message)| message));
    messages
}

fn message(role: Role, parts: Vec<Part>) -> ChatMessage {
    ChatMessage {
        id: None,
        role,
        parts,
    }
}

fn is_withdrawn(activity: &Activity, snapshot: &Snapshot) -> bool {
    let asked_by = activity.message.as_ref();
    let mut messages = snapshot.messages.iter();
    messages.any(|it| Some(&it.message) == asked_by && it.progress == Progress::Discarded)
}

fn in_words(activity: &Activity) -> String {
    let result = match &activity.result {
        Value::Null => "(no output)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) => match members.get("text").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => activity.result.to_string(),
        },
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_)) => other.to_string(),
    };
    let (name, args) = (&activity.name, &activity.args);
    format!("[called the tool {name} with {args}; it gave: {result}]")
}
