//! What was said on a thread, as the messages that an AG-UI agent is sent. Pure.

use std::collections::{BTreeMap, BTreeSet};

use run::snapshot::{Activity, Message, Progress, Snapshot};
use run::{Input, MessageId, Part, Role, RunId, Seq, text_of};
use serde_json::{Map, Value, json};

use super::fold::message_id;
use super::names::theirs;
use crate::history;
use crate::limits::UPSTREAM_VALUE_BYTES;

/// What a run was asked and said.
pub(super) struct Past {
    /// Its messages.
    pub(super) messages: Vec<Value>,
    /// Whether it brought its own conversation: then nothing before it counts.
    pub(super) begins: bool,
}

impl Past {
    /// Of a run. Calls among `waiting`, by the agent's ids, are told without a result: an answer to them goes along.
    pub(super) fn of(
        run: RunId,
        input: &Input,
        snapshot: &Snapshot,
        waiting: &BTreeSet<String>,
    ) -> Self {
        let mut messages = asked(run, input);
        messages.extend(said(snapshot, waiting));
        Self {
            messages,
            begins: input.messages.is_some(),
        }
    }
}

fn asked(run: RunId, input: &Input) -> Vec<Value> {
    let brought = input.messages.iter().flatten().enumerate();
    let brought = brought.map(|(n, message)| {
        let id = message.id.clone().unwrap_or_else(|| format!("{run}-{n}"));
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant | Role::Tool => "assistant",
        };
        let content = match message.role {
            Role::User => parts(&message.parts),
            Role::System | Role::Assistant | Role::Tool => text_of(&message.parts).into(),
        };
        json!({ "id": id, "role": role, "content": content })
    });
    let mut asked: Vec<Value> = brought.collect();
    if !input.parts.is_empty() {
        let content = parts(&input.parts);
        asked.push(json!({ "id": run.to_string(), "role": "user", "content": content }));
    }
    asked
}

/// What a person says: text alone as text, which every version understands.
fn parts(parts: &[Part]) -> Value {
    let is_text = |part: &Part| !matches!(part, Part::File { .. });
    if parts.iter().all(is_text) {
        return text_of(parts).into();
    }
    let parts = parts.iter().filter_map(|part| match part {
        Part::Text { text, .. } => Some(json!({ "type": "text", "text": text })),
        Part::File {
            media_type,
            url,
            name,
        } => Some(file(media_type, url, name.as_deref())),
        Part::Reasoning { .. } | Part::Refusal { .. } | Part::Source { .. } => None,
    });
    parts.collect()
}

fn file(media_type: &str, url: &str, name: Option<&str>) -> Value {
    let kind = match media_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        Some("video") => "video",
        Some(_) | None => "document",
    };
    let inline = url.strip_prefix("data:");
    let source = match inline.and_then(|rest| rest.split_once(";base64,")) {
        Some((mime, data)) => json!({ "type": "data", "value": data, "mimeType": mime }),
        None => json!({ "type": "url", "value": url, "mimeType": media_type }),
    };
    let mut part = json!({ "type": kind, "source": source });
    if let Some(name) = name {
        part["metadata"] = json!({ "filename": name });
    }
    part
}

/// Something that the log has.
enum Item<'s> {
    Said(&'s Message),
    Done(&'s Activity),
}

/// An assistant's message under way.
#[derive(Default)]
struct Open {
    id: String,
    content: String,
    calls: Vec<Value>,
    results: Vec<Value>,
}

fn said(snapshot: &Snapshot, waiting: &BTreeSet<String>) -> Vec<Value> {
    let discarded = snapshot.messages.iter();
    let discarded = discarded.filter(|message| message.progress == Progress::Discarded);
    // An agent may say something under the id that its calls have named before: those stay.
    let forgotten: BTreeMap<&MessageId, Seq> = discarded
        .map(|message| (&message.message, message.first_seq))
        .collect();
    let is_forgotten = |call: &Activity| {
        let message = call.message.as_ref();
        let begun = message.and_then(|message| forgotten.get(message));
        begun.is_some_and(|begun| *begun < call.first_seq)
    };
    let messages = snapshot.messages.iter();
    let messages = messages
        .filter(|message| message.progress != Progress::Discarded)
        .map(|message| (message.first_seq, Item::Said(message)));
    let calls = snapshot.activities.iter();
    let calls = calls
        .filter(|call| !is_forgotten(call))
        .map(|call| (call.first_seq, Item::Done(call)));
    let mut items: Vec<(Seq, Item<'_>)> = messages.chain(calls).collect();
    items.sort_by_key(|(seq, _)| *seq);

    let mut out = Vec::new();
    let mut open: Option<Open> = None;
    for (_, item) in items {
        match item {
            Item::Said(message) => {
                close(&mut out, open.take());
                let (id, is_thought) = message_id(message.message.as_str());
                if is_thought {
                    out.extend(thought(id, message));
                } else {
                    open = Some(Open {
                        id: id.to_owned(),
                        content: text_of(&message.parts),
                        ..Open::default()
                    });
                }
            }
            Item::Done(call) => {
                let id = theirs(call.call.as_str());
                let parent = call
                    .message
                    .as_ref()
                    .map_or(id, |it| message_id(it.as_str()).0);
                // Calls of one message go together, and so do those of no message that come one behind the other.
                let goes_on = open
                    .as_ref()
                    .is_some_and(|open| open.id == parent || call.message.is_none());
                if !goes_on {
                    close(&mut out, open.take());
                }
                let open = open.get_or_insert_with(|| Open {
                    id: parent.to_owned(),
                    ..Open::default()
                });
                open.calls.push(tool_call(id, call));
                if !(waiting.contains(id) && call.status.is_none()) {
                    open.results.push(json!({
                        "id": format!("{id}-result"), "role": "tool", "toolCallId": id, "content": result(call),
                    }));
                }
            }
        }
    }
    close(&mut out, open);
    out
}

fn close(out: &mut Vec<Value>, open: Option<Open>) {
    let Some(open) = open else { return };
    if open.content.is_empty() && open.calls.is_empty() {
        return;
    }
    let mut message = json!({ "id": open.id, "role": "assistant" });
    if !open.content.is_empty() {
        message["content"] = open.content.into();
    }
    if !open.calls.is_empty() {
        message["toolCalls"] = open.calls.into();
    }
    out.push(message);
    out.extend(open.results);
}

/// A thought goes back only where its vendor wants that: older agents do not know such messages.
fn thought(id: &str, message: &Message) -> Option<Value> {
    let reasoning = message.parts.iter().find_map(|part| match part {
        Part::Reasoning { text, vendor } => Some((text, encrypted(vendor.as_ref())?)),
        Part::Text { .. } | Part::Refusal { .. } | Part::Source { .. } | Part::File { .. } => None,
    });
    let (text, value) = reasoning?;
    Some(json!({ "id": id, "role": "reasoning", "content": text, "encryptedValue": value }))
}

fn encrypted(vendor: Option<&Value>) -> Option<&str> {
    vendor?["agui"]["encryptedValue"].as_str()
}

fn tool_call(id: &str, call: &Activity) -> Value {
    let args = match &call.args {
        Value::Null => "{}".to_owned(),
        args => args.to_string(),
    };
    let function = json!({ "name": call.name, "arguments": args });
    let mut call_of = json!({ "id": id, "type": "function", "function": function });
    if let Some(value) = encrypted(call.vendor.as_ref()) {
        call_of["encryptedValue"] = value.into();
    }
    call_of
}

/// What came of a call, whole where it came to its end.
fn result(call: &Activity) -> String {
    match (&call.status, &call.result) {
        (Some(run::event::ToolStatus::Ok), Value::String(text)) => text.clone(),
        (Some(run::event::ToolStatus::Ok), value) if !value.is_null() => value.to_string(),
        _ => history::result(call, UPSTREAM_VALUE_BYTES),
    }
}

/// Leaves out the oldest runs until the rest has at most so many bytes; gives how many were left out. The last one stays.
pub(super) fn cut(pasts: &mut Vec<Vec<Value>>, max_bytes: usize) -> usize {
    let size = |messages: &Vec<Value>| -> usize {
        let messages = messages.iter();
        messages.map(|message| message.to_string().len()).sum()
    };
    let mut room = max_bytes;
    let fitting = pasts.iter().rev().take_while(|messages| {
        let n_bytes = size(messages);
        let fits = n_bytes <= room;
        room = room.saturating_sub(n_bytes);
        fits
    });
    let n_kept = fitting.count().max(1);
    let n_cut = pasts.len().saturating_sub(n_kept);
    pasts.drain(..n_cut);
    n_cut
}

/// The client's properties beside the agent's own, which win.
pub(super) fn forwarded(own: &Map<String, Value>, variables: &Map<String, Value>) -> Value {
    let known = ["state", "context", "forwarded_props"];
    let mut forwarded = match variables.get("forwarded_props") {
        Some(Value::Object(members)) => members.clone(),
        Some(_) | None => Map::new(),
    };
    let others = variables.iter();
    let others = others.filter(|(name, _)| !known.contains(&name.as_str()));
    let others: Map<String, Value> = others
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !others.is_empty() {
        forwarded.insert("variables".to_owned(), others.into());
    }
    forwarded.extend(own.clone());
    forwarded.into()
}

#[cfg(test)]
#[path = "past_tests.rs"]
mod tests;
