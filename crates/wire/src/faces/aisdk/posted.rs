//! UI messages as clients send them: read leniently, because pages keep all kinds of things in them.

use run::{Part, Role};
use serde::Deserialize;
use serde_json::Value;

/// A message of a client.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PostedMessage {
    /// Its id.
    #[serde(default)]
    pub id: Option<String>,
    /// `user`, `assistant` or `system`.
    pub role: Role,
    /// Its parts.
    #[serde(default)]
    pub parts: Vec<PostedPart>,
}

/// A part of a client's message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "RawPart")]
pub enum PostedPart {
    /// What a model can be told.
    Said(Part),
    /// A tool call.
    Call(PostedCall),
    /// Anything else: steps, and data of the page's own.
    Other,
}

/// A tool call in a client's message.
#[derive(Debug, Clone, PartialEq)]
pub struct PostedCall {
    /// The id in the chat.
    pub id: String,
    /// Where it is, in the client's word.
    pub state: String,
    /// What came out.
    pub output: Value,
    /// What went wrong.
    pub error_text: Option<String>,
    /// The approval that it needed.
    pub approval: Option<PostedApproval>,
}

/// An approval in a client's message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PostedApproval {
    /// The id in the chat.
    pub id: String,
    /// What the person decided.
    #[serde(default)]
    pub approved: Option<bool>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A part as it is written, whatever it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPart {
    r#type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    title: Option<Value>,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    output: Value,
    #[serde(default)]
    error_text: Option<String>,
    #[serde(default)]
    approval: Option<PostedApproval>,
}

impl From<RawPart> for PostedPart {
    fn from(raw: RawPart) -> Self {
        let is_call = raw.r#type == "dynamic-tool" || raw.r#type.starts_with("tool-");
        if is_call {
            let (Some(id), Some(state)) = (raw.tool_call_id, raw.state) else {
                return Self::Other;
            };
            return Self::Call(PostedCall {
                id,
                state,
                output: raw.output,
                error_text: raw.error_text,
                approval: raw.approval,
            });
        }
        let said = match (raw.r#type.as_str(), raw.text, raw.url) {
            ("text", Some(text), _) if !text.is_empty() => Part::text(text),
            ("reasoning", Some(text), _) if !text.is_empty() => Part::reasoning(text),
            ("file", _, Some(url)) => Part::File {
                media_type: raw.media_type.unwrap_or_default(),
                url,
                name: raw.filename,
            },
            ("source-url", _, Some(url)) => Part::Source {
                url,
                title: raw
                    .title
                    .and_then(|title| title.as_str().map(str::to_owned)),
            },
            _ => return Self::Other,
        };
        Self::Said(said)
    }
}

impl PostedMessage {
    /// What a model can be told of it.
    pub fn said(&self) -> Vec<Part> {
        let parts = self.parts.iter().filter_map(|part| match part {
            PostedPart::Said(part) => Some(part.clone()),
            PostedPart::Call(_) | PostedPart::Other => None,
        });
        parts.collect()
    }

    /// Its tool calls.
    pub fn calls(&self) -> impl Iterator<Item = &PostedCall> {
        self.parts.iter().filter_map(|part| match part {
            PostedPart::Call(call) => Some(call),
            PostedPart::Said(_) | PostedPart::Other => None,
        })
    }
}
