//! What goes out to a vendor, in no vendor's words.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::limits;

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
    /// Members laid over the request's body as they are; `null` takes a member out.
    pub extra: Map<String, Value>,
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
