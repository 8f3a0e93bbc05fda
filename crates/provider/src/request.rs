//! What goes out to a vendor, in no vendor's words.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{Error, limits};

/// One model call.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The vendor's name of the model.
    pub model: String,
    /// The conversation so far. Every tool call in it must have its result: vendors refuse the whole request otherwise.
    pub messages: Vec<Message>,
    /// The tools that the model may call.
    pub tools: Vec<Tool>,
    /// A JSON Schema for the answer, for the vendor's own structured mode.
    pub output_schema: Option<Value>,
    /// The rest.
    pub settings: Settings,
}

impl Request {
    /// The bytes of a body that a wire has made.
    pub(crate) fn bytes(document: &Map<String, Value>) -> Result<Vec<u8>, Error> {
        let body = serde_json::to_vec(document)
            .map_err(|error| Error::Invalid(format!("the request cannot be written: {error}")))?;
        if body.len() > limits::REQUEST_BYTES {
            let (size, limit) = (body.len(), limits::REQUEST_BYTES);
            return Err(Error::Invalid(format!(
                "the request has {size} bytes, more than {limit}"
            )));
        }
        Ok(body)
    }

    /// The model's name, which must be there.
    pub(crate) fn model(&self) -> Result<&str, Error> {
        if self.model.is_empty() {
            return Err(Error::Invalid("no model is named".into()));
        }
        Ok(&self.model)
    }

    /// The names of the tools that were called, by the calls' ids: some wires want them with the results.
    pub(crate) fn called(&self) -> HashMap<&str, &str> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts
            .filter_map(|part| match &part.content {
                Content::ToolCall { id, name, .. } => Some((&**id, &**name)),
                Content::Text(_)
                | Content::Reasoning(_)
                | Content::Image(_)
                | Content::File { .. }
                | Content::ToolResult { .. } => None,
            })
            .collect()
    }

    /// What the schema asks for, in words, for models without a structured mode.
    pub(crate) fn schema_in_words(schema: &Value) -> String {
        format!(
            "Answer with one JSON document and nothing else. It must be valid against this JSON Schema:\n{schema}"
        )
    }
}

/// How a model is called.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Sampling temperature; the vendor's default if none.
    pub temperature: Option<f64>,
    /// Nucleus sampling; the vendor's default if none.
    pub top_p: Option<f64>,
    /// The most tokens that the answer may have.
    pub max_output_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// A seed, for vendors that can repeat themselves.
    pub seed: Option<i64>,
    /// How hard to think, in the vendor's word (`low`, `medium`, `high`, …).
    pub effort: Option<String>,
    /// How long the headers of the answer may take.
    pub header_timeout: Duration,
    /// How long the stream may give no byte.
    pub stall_timeout: Duration,
    /// Members laid over the request's body; `null` takes a member out. What the wire gathers in an object of its own
    /// (`generationConfig`, `output_config`, `options`) is laid over member by member, anything else as it is.
    pub extra: Map<String, Value>,
}

impl Settings {
    /// Lays `extra` over a body.
    pub(crate) fn lay_over(&self, body: &mut Map<String, Value>) {
        for (name, value) in &self.extra {
            let gathers = matches!(&**name, "generationConfig" | "output_config" | "options");
            match (body.get_mut(name), value) {
                (_, Value::Null) => {
                    body.remove(name);
                }
                (Some(Value::Object(known)), Value::Object(more)) if gathers => {
                    known.extend(more.clone());
                    known.retain(|_, value| !value.is_null());
                }
                (_, value) => {
                    body.insert(name.clone(), value.clone());
                }
            }
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            temperature: None,
            top_p: None,
            max_output_tokens: None,
            stop: Vec::new(),
            seed: None,
            effort: None,
            header_timeout: limits::HEADER_TIMEOUT,
            stall_timeout: limits::STALL_TIMEOUT,
            extra: Map::new(),
        }
    }
}

/// A tool that the model may call.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name, as the model writes it.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The one who set the model up.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// The tools: a message of results.
    Tool,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub parts: Vec<Part>,
}

impl Message {
    /// A message of one text.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            parts: vec![Part::from(Content::Text(text.into()))],
        }
    }
}

/// A part of a message.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub content: Content,
    /// What [`StreamEvent::VendorData`](crate::StreamEvent::VendorData) gave for this part, or members of the vendor's
    /// own (an object), laid over the part as it is sent.
    pub vendor: Option<Value>,
}

impl Part {
    pub(crate) fn misplaced(&self, role: Role) -> Error {
        let what = match &self.content {
            Content::Text(_) => "text",
            Content::Reasoning(_) => "reasoning",
            Content::Image(_) => "an image",
            Content::File { .. } => "a file",
            Content::ToolCall { .. } => "a tool call",
            Content::ToolResult { .. } => "a tool result",
        };
        Error::Invalid(format!("{what} in a message of the role {role:?}"))
    }
}

/// A call's arguments for a wire that only takes objects.
pub(crate) fn as_object(args: &Value) -> Value {
    match args {
        Value::Object(_) => args.clone(),
        Value::Null => json!({}),
        other => json!({ "arguments": other }),
    }
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self {
            content,
            vendor: None,
        }
    }
}

/// The content of a part. Which role may say what is noted; another is [`Error::Invalid`](crate::Error::Invalid).
#[derive(Debug, Clone)]
pub enum Content {
    /// Text; every role but the tools.
    Text(String),
    /// What the model thought; the assistant. Goes back only to vendors that asked for it by their data.
    Reasoning(String),
    /// A picture; the user.
    Image(Media),
    /// Another file, audio included; the user.
    File {
        /// Where it is.
        media: Media,
        /// Its name.
        name: Option<String>,
    },
    /// A call of a tool; the assistant.
    ToolCall {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments, normally an object.
        args: Value,
    },
    /// What a call gave; the tools.
    ToolResult {
        /// The call's id.
        call_id: String,
        /// What the model reads.
        output: String,
    },
}

/// Where a picture or a file is.
#[derive(Debug, Clone)]
pub enum Media {
    /// At an address that the vendor fetches.
    Url(String),
    /// Here.
    Base64 {
        /// The media type, as `image/png`.
        mime: String,
        /// The bytes in base64.
        data: String,
    },
}
