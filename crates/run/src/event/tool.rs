//! Tool calls. A side effect is announced before it happens: `tool.running` is durable before the tool is touched.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{CallId, MessageId, RunId, Usage};

/// What kind of thing a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// Runs a command.
    Command,
    /// Changes files.
    FileChange,
    /// Reads files.
    FileRead,
    /// Searches.
    Search,
    /// Reads the web.
    Web,
    /// A tool of an MCP server.
    Mcp,
    /// Another agent.
    Subagent,
    /// Makes or reads an image.
    Image,
    /// Anything else, also kinds of later versions.
    #[serde(other)]
    Other,
}

/// A call appears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolStarted {
    /// The call.
    pub call: CallId,
    /// The tool's name.
    pub name: String,
    /// What kind of thing it does.
    pub kind: ToolKind,
    /// A line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The message that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Whether it may be run again when its outcome is unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
}

/// More of the arguments' JSON text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolArgsDelta {
    /// The call.
    pub call: CallId,
    /// The text to add.
    pub text: String,
}

/// The arguments are complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCalled {
    /// The call.
    pub call: CallId,
    /// The arguments.
    pub args: Value,
    /// What the vendor wants back with the call in the next request; opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Value>,
}

/// The tool is about to be touched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolRunning {
    /// The call.
    pub call: CallId,
    /// The number of the try, from 1.
    #[serde(rename = "try")]
    pub n_try: u32,
    /// The run of another agent that performs it; its end ends the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// Where output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Standard output, or the only output there is.
    Stdout,
    /// Standard error.
    Stderr,
}

/// More output of a running tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolOutput {
    /// The call.
    pub call: CallId,
    /// Where it came from.
    pub stream: OutputStream,
    /// The text to add.
    pub text: String,
}

/// Something about a call changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolUpdated {
    /// The call.
    pub call: CallId,
    /// A word for its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// A new line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// Well.
    Ok,
    /// With an error.
    Failed,
    /// It was not allowed.
    Denied,
    /// Its attempt or run ended before it did.
    Interrupted,
    /// It was running when its attempt was lost: nobody knows whether it acted.
    Unknown,
}

/// A call has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCompleted {
    /// The call.
    pub call: CallId,
    /// How.
    pub status: ToolStatus,
    /// What came out.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// What the run that performed it consumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}
