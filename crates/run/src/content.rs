//! What people and models say: parts, messages and the input of a run.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// What the vendor wants back with this part in the next call; opaque.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vendor: Option<Value>,
    },
    /// What the model thought before it spoke.
    Reasoning {
        /// The text.
        text: String,
        /// What the vendor wants back with this part in the next call; opaque.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vendor: Option<Value>,
    },
    /// The model's words for not answering.
    Refusal {
        /// The text.
        text: String,
    },
    /// Where something was found.
    Source {
        /// Its address.
        url: String,
        /// Its title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// A file, by address (an `https:`, `data:` or `blob:` URL).
    File {
        /// Its media type.
        media_type: String,
        /// Its address.
        url: String,
        /// Its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            vendor: None,
        }
    }

    /// A reasoning part.
    pub fn reasoning(text: impl Into<String>) -> Self {
        Self::Reasoning {
            text: text.into(),
            vendor: None,
        }
    }

    /// What the vendor wants back with it.
    pub fn vendor(&self) -> Option<&Value> {
        match self {
            Self::Text { vendor, .. } | Self::Reasoning { vendor, .. } => vendor.as_ref(),
            Self::Refusal { .. } | Self::Source { .. } | Self::File { .. } => None,
        }
    }
}

/// The texts of the text parts, joined by nothing: parts of one message are one text.
pub fn text_of(parts: &[Part]) -> String {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            Part::Reasoning { .. }
            | Part::Refusal { .. }
            | Part::Source { .. }
            | Part::File { .. } => None,
        })
        .collect()
}

/// Whether a value nests no deeper than an event may hold: see [`MAX_VALUE_DEPTH`](crate::MAX_VALUE_DEPTH).
pub fn is_shallow(value: &Value) -> bool {
    depth(value) <= crate::MAX_VALUE_DEPTH
}

/// How deep a value nests: 0 for one without items or members.
pub fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operator.
    System,
    /// The person or program that uses the run.
    User,
    /// The agent.
    Assistant,
    /// A tool.
    Tool,
}

/// Who did something: a user, a key, a rule, the server itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct By(pub String);

impl By {
    /// The server itself.
    pub fn server() -> Self {
        Self("server".to_owned())
    }
}

/// A message that a run brings along, replacing the thread's history from there on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChatMessage {
    /// The client's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    #[serde(deserialize_with = "parts_or_text")]
    pub parts: Vec<Part>,
}

/// A tool that runs at the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTool {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its arguments.
    #[serde(default)]
    pub parameters: Value,
}

/// What a run is asked: a string, `{parts, variables}` or `{messages, tools}`; always kept as the object.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Input {
    /// What the user says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Variables of the agent's prompt templates.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub variables: Map<String, Value>,
    /// The whole conversation, instead of the thread's history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<ChatMessage>>,
    /// Tools that run at the client.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ClientTool>,
}

impl Input {
    /// An input of one text.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            parts: vec![Part::text(text)],
            ..Self::default()
        }
    }

    /// The text of the input: that of its parts, else of the last user message.
    pub fn as_text(&self) -> String {
        let last = self
            .messages
            .iter()
            .flatten()
            .rfind(|message| message.role == Role::User);
        match last {
            Some(message) if self.parts.is_empty() => text_of(&message.parts),
            _ => text_of(&self.parts),
        }
    }
}

/// A string, or the object that `Input` is printed as. Written by hand because serde's untagged enums report
/// "did not match any variant" instead of what is wrong.
impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Object {
            #[serde(default, deserialize_with = "parts_or_text")]
            parts: Vec<Part>,
            #[serde(default)]
            variables: Map<String, Value>,
            #[serde(default)]
            messages: Option<Vec<ChatMessage>>,
            #[serde(default)]
            tools: Vec<ClientTool>,
        }
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::text(text)),
            object @ Value::Object(_) => {
                let Object {
                    parts,
                    variables,
                    messages,
                    tools,
                } = serde_json::from_value(object).map_err(de::Error::custom)?;
                Ok(Self {
                    parts,
                    variables,
                    messages,
                    tools,
                })
            }
            _ => Err(de::Error::custom(
                "expected a string or an object with parts, variables, messages or tools",
            )),
        }
    }
}

/// Parts, or a plain string for one text part.
fn parts_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Part>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(vec![Part::text(text)]),
        parts => serde_json::from_value(parts).map_err(de::Error::custom),
    }
}
