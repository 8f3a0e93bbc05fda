//! What a run is told of the conversation that a client sends.
//!
//! The history of a thread is ours. A client sends the conversation as it has it, and what it says behind our last word
//! is new. Where its conversation is another one (a message was edited, an answer is to be given again, it was begun
//! elsewhere), it takes the place of the thread's.

use std::collections::BTreeMap;

use run::event::RunCreated;
use run::snapshot::{Progress, Snapshot};
use run::{ChatMessage, Part, Role, RunId, text_of};
use serde_json::Value;

use super::ids;

/// Who speaks in a message of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    System,
    User,
    Assistant,
    /// A tool that this call asked for.
    Tool,
    Thought,
    /// Activities and what later versions bring: no part of the conversation.
    Aside,
}

/// A message of a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    id: String,
    speaker: Speaker,
    parts: Vec<Part>,
    calls: Vec<Call>,
    answers: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl Said {
    /// The call that it has the result of, and the result.
    pub fn result(&self) -> Option<(&str, String)> {
        let call = self.answers.as_deref()?;
        Some((call, text_of(&self.parts)))
    }

    /// Whether the client has it from us.
    pub fn is_ours(&self) -> bool {
        ids::split(&self.id).is_some()
    }
}

/// Reads the messages of a client; an error is where and what.
pub fn read_messages(messages: &[Value]) -> Result<Vec<Said>, (String, String)> {
    let read = messages.iter().enumerate().map(|(n, message)| {
        read(message).map_err(|(member, text)| (format!("messages[{n}]{member}"), text))
    });
    read.collect()
}

fn read(message: &Value) -> Result<Said, (&'static str, String)> {
    let speaker = match message["role"].as_str() {
        Some("developer" | "system") => Speaker::System,
        Some("user") => Speaker::User,
        Some("assistant") => Speaker::Assistant,
        Some("tool") => Speaker::Tool,
        Some("reasoning") => Speaker::Thought,
        Some(_) => Speaker::Aside,
        None => return Err((".role", "expected a string".to_owned())),
    };
    let Some(id) = message["id"].as_str() else {
        return Err((".id", "expected a string".to_owned()));
    };
    let parts = match speaker {
        Speaker::Aside => Vec::new(),
        Speaker::System | Speaker::User | Speaker::Assistant | Speaker::Tool | Speaker::Thought => {
            parts(&message["content"]).map_err(|text| (".content", text))?
        }
    };
    let calls = message["toolCalls"].as_array();
    let calls = calls.into_iter().flatten().filter_map(|call| {
        Some(Call {
            id: call["id"].as_str()?.to_owned(),
            name: call["function"]["name"].as_str()?.to_owned(),
            arguments: call["function"]["arguments"].as_str()?.to_owned(),
        })
    });
    let answers = message["toolCallId"].as_str().map(str::to_owned);
    Ok(Said {
        id: id.to_owned(),
        speaker,
        parts,
        calls: calls.collect(),
        answers: answers.filter(|_| speaker == Speaker::Tool),
    })
}

fn parts(content: &Value) -> Result<Vec<Part>, String> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(parts) => parts.iter().map(part).collect(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            Err("expected a string or a list of parts".to_owned())
        }
    }
}

fn part(part: &Value) -> Result<Part, String> {
    let kind = part["type"].as_str().unwrap_or_default();
    let fallback = match kind {
        "text" => {
            let text = part["text"].as_str();
            return text
                .map(Part::text)
                .ok_or_else(|| "a text part needs text".to_owned());
        }
        "image" => "image/*",
        "audio" => "audio/*",
        "video" => "video/*",
        "document" | "binary" => "application/octet-stream",
        other => return Err(format!("there is no part of type {other:?}")),
    };
    // Before 1.0 a file stood in the part itself.
    let source = part.get("source").unwrap_or(part);
    let media_type = source["mimeType"].as_str().unwrap_or(fallback);
    let value = source["value"].as_str();
    let url = match (source["type"].as_str(), value) {
        (Some("url"), Some(url)) => url.to_owned(),
        (Some("data"), Some(data)) => format!("data:{media_type};base64,{data}"),
        (Some("file"), _) => {
            return Err(
                "a file that a vendor keeps cannot be passed on; give its address or its bytes"
                    .to_owned(),
            );
        }
        _ => match (source["url"].as_str(), source["data"].as_str()) {
            (Some(url), _) => url.to_owned(),
            (None, Some(data)) => format!("data:{media_type};base64,{data}"),
            (None, None) => return Err(format!("a part of type {kind:?} needs a source")),
        },
    };
    let name = part["metadata"]["filename"]
        .as_str()
        .or(part["filename"].as_str());
    Ok(Part::File {
        media_type: media_type.to_owned(),
        url,
        name: name.map(str::to_owned),
    })
}

/// A message that the thread has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastMessage {
    /// The id that the client knows it by.
    pub id: String,
    /// Its text.
    pub text: String,
}

/// A finished run of the thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastRun {
    /// What it was asked and told.
    pub asked: Vec<PastMessage>,
    /// What it said.
    pub said: Vec<PastMessage>,
}

/// Where the ids of the messages that a run was asked with stand among what clients want to have kept with it.
pub(super) const MESSAGE_IDS: &str = "agui_messages";

impl PastRun {
    /// A run by its first event and what its log folds to.
    pub fn of(run: RunId, created: &RunCreated, snapshot: &Snapshot) -> Self {
        let run = run.to_string();
        let brought = created.input.messages.iter().flatten();
        let brought = brought.filter_map(|message| {
            Some(PastMessage {
                id: message.id.clone()?,
                text: spoken(&message.parts),
            })
        });
        let ids = created.client.get(MESSAGE_IDS).and_then(Value::as_array);
        let ids = ids.into_iter().flatten().filter_map(Value::as_str);
        let asked = ids.map(|id| PastMessage {
            id: id.to_owned(),
            text: text_of(&created.input.parts),
        });
        let inputs = snapshot.inputs.iter().map(|input| PastMessage {
            id: ids::input(&run, &input.input),
            text: text_of(&input.parts),
        });
        let said = snapshot.messages.iter().filter(|message| {
            message.role == Role::Assistant && message.progress != Progress::Discarded
        });
        let said = said.map(|message| PastMessage {
            id: ids::message(&run, &message.message),
            text: text_of(&message.parts),
        });
        Self {
            asked: brought.chain(asked).chain(inputs).collect(),
            said: said.collect(),
        }
    }
}

/// What was said in words; calls of a conversation that was begun elsewhere stand behind that.
fn spoken(parts: &[Part]) -> String {
    match parts {
        [first, ..] => text_of(std::slice::from_ref(first)),
        [] => String::new(),
    }
}

/// What a run is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// What is new, behind the history of the thread.
    New {
        /// What the person says.
        parts: Vec<Part>,
        /// The ids of the messages that it is from.
        message_ids: Vec<String>,
    },
    /// The whole conversation, in place of that history.
    Conversation(Vec<ChatMessage>),
}

impl Told {
    /// What is kept with the run, so that a later request is known to go on behind it.
    pub fn kept(&self) -> Option<(String, Value)> {
        match self {
            Self::New { message_ids, .. } if !message_ids.is_empty() => {
                Some((MESSAGE_IDS.to_owned(), message_ids.clone().into()))
            }
            Self::New { .. } | Self::Conversation(_) => None,
        }
    }
}

/// What a run on a thread with this past, oldest first, is told of a conversation.
pub fn tell(said: &[Said], past: &[PastRun]) -> Told {
    let begins_new = said.iter().rposition(|message| match message.speaker {
        Speaker::Assistant | Speaker::Tool | Speaker::Thought => true,
        Speaker::System | Speaker::User | Speaker::Aside => false,
    });
    let (before, new) = said.split_at(begins_new.map_or(0, |n| n + 1));
    let new: Vec<&Said> = new
        .iter()
        .filter(|it| it.speaker != Speaker::Aside)
        .collect();
    let goes_on = if past.is_empty() {
        before.is_empty() && new.len() <= 1
    } else {
        !new.is_empty() && follows(before, &new, past)
    };
    if goes_on && new.iter().all(|message| message.speaker == Speaker::User) {
        return Told::New {
            parts: new
                .iter()
                .flat_map(|message| message.parts.clone())
                .collect(),
            message_ids: new.iter().map(|message| message.id.clone()).collect(),
        };
    }
    Told::Conversation(conversation(said))
}

/// Whether what the client has is what the thread has, and what it adds is new.
fn follows(before: &[Said], new: &[&Said], past: &[PastRun]) -> bool {
    let all = past
        .iter()
        .flat_map(|run| run.asked.iter().chain(&run.said));
    let known: BTreeMap<&str, &str> = all.map(|it| (&*it.id, &*it.text)).collect();
    if new.iter().any(|message| known.contains_key(&*message.id)) {
        return false;
    }
    let spoken: Vec<&Said> = before
        .iter()
        .filter(|message| match message.speaker {
            Speaker::System | Speaker::User | Speaker::Assistant => true,
            Speaker::Tool | Speaker::Thought | Speaker::Aside => false,
        })
        .collect();
    let is_known = |message: &&Said| match known.get(&*message.id) {
        Some(text) => *text == text_of(&message.parts),
        // A call that no message asked for is a message of its own for the client.
        None => ids::split(&message.id).is_some() && message.parts.is_empty(),
    };
    let last = past.iter().rev().find_map(|run| run.said.last());
    let theirs = spoken
        .iter()
        .rev()
        .find(|it| it.speaker == Speaker::Assistant && known.contains_key(&*it.id));
    let is_behind_the_last = match (theirs, last) {
        (Some(theirs), Some(last)) => theirs.id == last.id,
        // A client that sends only what is new trusts the thread.
        (None, _) => spoken.is_empty(),
        (Some(_), None) => false,
    };
    is_behind_the_last && spoken.iter().all(is_known)
}

/// The conversation as a run brings it along. Calls and their results are told in words: messages of an input carry none.
fn conversation(said: &[Said]) -> Vec<ChatMessage> {
    let result_of = |call: &Call| {
        let results = said.iter().filter_map(Said::result);
        let mut results = results.filter(|(id, _)| *id == call.id);
        results.next().map(|(_, result)| result)
    };
    let messages = said.iter().filter_map(|message| {
        let role = match message.speaker {
            Speaker::System => Role::System,
            Speaker::User => Role::User,
            Speaker::Assistant => Role::Assistant,
            Speaker::Tool | Speaker::Thought | Speaker::Aside => return None,
        };
        let mut parts = message.parts.clone();
        for call in &message.calls {
            let Call {
                name, arguments, ..
            } = call;
            parts.push(Part::text(match result_of(call) {
                Some(result) => {
                    format!("[called the tool {name} with {arguments}; it gave: {result}]")
                }
                None => format!("[called the tool {name} with {arguments}]"),
            }));
        }
        (!parts.is_empty()).then(|| ChatMessage {
            id: Some(message.id.clone()),
            role,
            parts,
        })
    });
    messages.collect()
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
