//! The input of a response: a text, or items of a conversation with the answers that a run waits for.

use std::collections::HashMap;

use run::{ChatMessage, Input, Part, Role};
use serde_json::Value;

use super::ids::AskedId;
use super::request::Unfit;

/// What a request gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Given {
    /// The conversation. Calls and their results are told in words, as a model without these tools would read them.
    pub messages: Vec<ChatMessage>,
    /// How many of the messages stand before the last word of the model; what follows is new.
    pub n_old: usize,
    /// Answers behind the last word of the model that are for a run of ours.
    pub replies: Vec<Reply>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What it is for.
    pub to: AskedId,
    /// What it says.
    pub says: Says,
    /// Where it stands in the request.
    pub param: String,
    /// The same in words.
    words: String,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq)]
pub enum Says {
    /// What a function gave.
    Output(String),
    /// That something may be done.
    Approved,
    /// That it may not.
    Denied {
        /// A word to the agent.
        reason: Option<String>,
    },
}

impl Given {
    /// Reads an input.
    pub fn read(input: &Value) -> Result<Self, Unfit> {
        let given = match input {
            Value::String(text) => Self {
                messages: vec![message(Role::User, vec![Part::text(text)])],
                ..Self::default()
            },
            Value::Array(items) => Reading::default().read(items)?,
            _ => return Err(Unfit::new("input", "must be a text or a list of items")),
        };
        if given.messages.is_empty() && given.replies.is_empty() {
            return Err(Unfit::new("input", "says nothing"));
        }
        Ok(given)
    }

    /// What is new beside the answers.
    pub fn new_messages(&self) -> &[ChatMessage] {
        &self.messages[self.n_old..]
    }

    /// What the user says, if nobody else says anything.
    pub fn user_parts(&self) -> Option<Vec<Part>> {
        let is_users = |message: &ChatMessage| message.role == Role::User;
        let all = self.replies.is_empty() && self.messages.iter().all(is_users);
        all.then(|| {
            let messages = self.messages.iter();
            messages.flat_map(|it| it.parts.clone()).collect()
        })
    }

    /// All of it as a conversation; answers that nobody waits for are told in words.
    pub fn into_messages(self) -> Vec<ChatMessage> {
        let mut messages = self.messages;
        let new = messages.split_off(self.n_old);
        let replies = self.replies.into_iter();
        messages.extend(replies.map(|it| message(Role::Assistant, vec![Part::text(it.words)])));
        messages.extend(new);
        messages
    }

    /// An input of this alone.
    pub fn into_input(self) -> Input {
        match self.user_parts() {
            Some(parts) => Input {
                parts,
                ..Input::default()
            },
            None => Input {
                messages: Some(self.into_messages()),
                ..Input::default()
            },
        }
    }
}

fn message(role: Role, parts: Vec<Part>) -> ChatMessage {
    ChatMessage {
        id: None,
        role,
        parts,
    }
}

#[derive(Default)]
struct Reading {
    given: Given,
    /// Names and arguments of calls by their ids.
    calls: HashMap<String, (String, String)>,
}

impl Reading {
    fn read(mut self, items: &[Value]) -> Result<Given, Unfit> {
        for (n, item) in items.iter().enumerate() {
            self.item(&format!("input[{n}]"), item)?;
        }
        Ok(self.given)
    }

    fn item(&mut self, param: &str, item: &Value) -> Result<(), Unfit> {
        let word = |member: &str| item.get(member).and_then(Value::as_str);
        match word("type") {
            None | Some("message") => self.message(param, item),
            Some("function_call") => {
                let called = (text_of(item, "name"), text_of(item, "arguments"));
                self.calls.insert(text_of(item, "call_id"), called);
                self.model_spoke();
                Ok(())
            }
            Some("function_call_output") => self.output(param, item),
            Some("mcp_approval_response") => self.approval(param, item),
            // What an agent's own tools did, as an earlier response told it.
            Some("mcp_call") => {
                let output = word("output").unwrap_or("(no output)");
                let name = text_of(item, "name");
                let words = called(&name, &text_of(item, "arguments"), output);
                self.said(words);
                Ok(())
            }
            // Thoughts are not told to a model again, and a question is told with its answer.
            Some("reasoning" | "mcp_approval_request" | "mcp_list_tools" | "compaction") => {
                self.model_spoke();
                Ok(())
            }
            Some(other) => Err(Unfit::new(
                format!("{param}.type"),
                format!("items of type {other:?} are not offered"),
            )),
        }
    }

    fn message(&mut self, param: &str, item: &Value) -> Result<(), Unfit> {
        let role = match item.get("role").and_then(Value::as_str) {
            Some("user") => Role::User,
            Some("system" | "developer") => Role::System,
            Some("assistant") => Role::Assistant,
            Some(_) | None => {
                return Err(Unfit::new(
                    format!("{param}.role"),
                    "must be \"user\", \"assistant\", \"system\" or \"developer\"",
                ));
            }
        };
        let param = format!("{param}.content");
        let parts = match item.get("content") {
            Some(Value::String(text)) => vec![Part::text(text)],
            Some(Value::Array(pieces)) => {
                let pieces = pieces.iter().enumerate();
                let parts = pieces.map(|(n, piece)| part(&format!("{param}[{n}]"), piece));
                parts.collect::<Result<_, _>>()?
            }
            Some(_) | None => return Err(Unfit::new(param, "must be a text or a list of pieces")),
        };
        if parts.is_empty() {
            return Ok(());
        }
        self.given.messages.push(message(role, parts));
        if role == Role::Assistant {
            self.model_spoke();
        }
        Ok(())
    }

    fn output(&mut self, param: &str, item: &Value) -> Result<(), Unfit> {
        let Some(call_id) = item.get("call_id").and_then(Value::as_str) else {
            return Err(Unfit::new(format!("{param}.call_id"), "is missing"));
        };
        let output = match item.get("output") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(pieces)) => output_text(&format!("{param}.output"), pieces)?,
            Some(_) | None => {
                return Err(Unfit::new(
                    format!("{param}.output"),
                    "must be a text or a list of pieces",
                ));
            }
        };
        let unknown = || ("unknown".to_owned(), "{}".to_owned());
        let (name, args) = self.calls.get(call_id).cloned().unwrap_or_else(unknown);
        let words = called(&name, &args, &output);
        match AskedId::parse(call_id) {
            Some(to) => self.given.replies.push(Reply {
                to,
                says: Says::Output(output),
                param: param.to_owned(),
                words,
            }),
            // A call of somebody else's: the model is told what came of it.
            None => self.said(words),
        }
        Ok(())
    }

    fn approval(&mut self, param: &str, item: &Value) -> Result<(), Unfit> {
        let id = text_of(item, "approval_request_id");
        let Some(to @ AskedId::Approval(..)) = AskedId::parse(&id) else {
            return Err(Unfit::new(
                format!("{param}.approval_request_id"),
                "is not the id of an mcp_approval_request",
            ));
        };
        let Some(approve) = item.get("approve").and_then(Value::as_bool) else {
            return Err(Unfit::new(format!("{param}.approve"), "is missing"));
        };
        let reason = item.get("reason").and_then(Value::as_str);
        let says = if approve {
            Says::Approved
        } else {
            let reason = reason.map(str::to_owned);
            Says::Denied { reason }
        };
        let word = if approve { "allowed" } else { "denied" };
        self.given.replies.push(Reply {
            to,
            says,
            param: param.to_owned(),
            words: format!("[asked for an approval; it was {word}]"),
        });
        Ok(())
    }

    /// The model says something.
    fn said(&mut self, words: String) {
        let said = message(Role::Assistant, vec![Part::text(words)]);
        self.given.messages.push(said);
        self.model_spoke();
    }

    /// All so far is old: answers before the model's next word were heard.
    fn model_spoke(&mut self) {
        let given = &mut self.given;
        let new = given.messages.split_off(given.n_old);
        let replies = std::mem::take(&mut given.replies).into_iter();
        let replies = replies.map(|it| message(Role::Assistant, vec![Part::text(it.words)]));
        given.messages.extend(replies);
        given.messages.extend(new);
        given.n_old = given.messages.len();
    }
}

/// A call in words, as the history of a thread tells it to a model without tools.
fn called(name: &str, args: &str, output: &str) -> String {
    format!("[called the tool {name} with {args}; it gave: {output}]")
}

fn text_of(item: &Value, member: &str) -> String {
    let text = item.get(member).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// What a function gave in pieces. Only text reaches a model as the result of a call.
fn output_text(param: &str, pieces: &[Value]) -> Result<String, Unfit> {
    let mut text = String::new();
    for (n, piece) in pieces.iter().enumerate() {
        match part(&format!("{param}[{n}]"), piece)? {
            Part::Text { text: piece, .. } => text.push_str(&piece),
            Part::Reasoning { .. }
            | Part::Refusal { .. }
            | Part::Source { .. }
            | Part::File { .. } => {
                let param = format!("{param}[{n}].type");
                return Err(Unfit::new(param, "a function gives text"));
            }
        }
    }
    Ok(text)
}

fn part(param: &str, piece: &Value) -> Result<Part, Unfit> {
    let word = |member: &str| piece.get(member).and_then(Value::as_str);
    let by_id = |kind: &str| {
        let message = format!("files by id are not offered; give {kind} with its address");
        Unfit::new(format!("{param}.file_id"), message)
    };
    match word("type") {
        Some("input_text" | "output_text" | "text") => Ok(Part::text(text_of(piece, "text"))),
        Some("refusal") => Ok(Part::Refusal {
            text: text_of(piece, "refusal"),
        }),
        Some("input_image") => {
            let url = word("image_url").ok_or_else(|| by_id("image_url"))?;
            let media_type = media_type(url).unwrap_or("image/*").to_owned();
            Ok(Part::File {
                media_type,
                url: url.to_owned(),
                name: None,
            })
        }
        Some("input_file") => {
            let name = word("filename").map(str::to_owned);
            let url = word("file_url").or(word("file_data"));
            let url = url.ok_or_else(|| by_id("file_data or file_url"))?;
            let guessed = match name.as_deref().and_then(|name| name.rsplit_once('.')) {
                Some((_, "txt" | "md" | "csv")) => "text/plain",
                Some(_) | None => "application/pdf",
            };
            let media_type = media_type(url).unwrap_or(guessed).to_owned();
            Ok(Part::File {
                media_type,
                url: url.to_owned(),
                name,
            })
        }
        Some(other) => Err(Unfit::new(
            format!("{param}.type"),
            format!("pieces of type {other:?} are not offered"),
        )),
        None => Err(Unfit::new(format!("{param}.type"), "is missing")),
    }
}

/// The media type that a `data:` address says.
fn media_type(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("data:")?;
    let end = rest.find([';', ','])?;
    Some(&rest[..end]).filter(|it| !it.is_empty())
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
