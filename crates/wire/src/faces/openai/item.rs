//! Items of a response's output.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

/// The name of the server that our own tools seem to belong to.
pub const SERVER_LABEL: &str = "outlive";
/// The name of the function as whose call questions to the user appear.
pub const ASK_USER: &str = "ask_user";

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// More comes.
    InProgress,
    /// All of it is there.
    Completed,
    /// It was cut short, or is to be forgotten.
    Incomplete,
    /// Its tool failed.
    Failed,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// What the agent says.
    Message {
        /// Its id.
        id: Arc<str>,
        /// How far it is.
        status: ItemStatus,
        /// Always the assistant.
        role: &'static str,
        /// What is said.
        content: Vec<Content>,
        /// With structured output: `final_answer` for the JSON, `commentary` for what was said beside it.
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<&'static str>,
    },
    /// What it thought.
    Reasoning {
        /// Its id.
        id: Arc<str>,
        /// How far it is.
        status: ItemStatus,
        /// Always empty: the thoughts themselves are there.
        summary: [(); 0],
        /// The thoughts.
        content: Vec<Content>,
    },
    /// A call of a function of the client.
    FunctionCall {
        /// Its id.
        id: Arc<str>,
        /// What the answer names.
        call_id: String,
        /// The function.
        name: String,
        /// The arguments' JSON text.
        arguments: String,
        /// How far it is.
        status: ItemStatus,
    },
    /// A call of a tool of ours.
    McpCall {
        /// Its id.
        id: Arc<str>,
        /// Always [`SERVER_LABEL`].
        server_label: &'static str,
        /// The tool.
        name: String,
        /// The arguments' JSON text.
        arguments: String,
        /// How far it is.
        status: ItemStatus,
        /// What came out.
        output: Option<String>,
        /// What went wrong.
        error: Option<ToolError>,
        /// The approval that it needed.
        approval_request_id: Option<String>,
    },
    /// Something is to be allowed.
    McpApprovalRequest {
        /// What the answer names.
        id: String,
        /// Always [`SERVER_LABEL`].
        server_label: &'static str,
        /// The tool, or what kind of thing it is.
        name: String,
        /// All that is to be allowed, as JSON text; never cut.
        arguments: String,
    },
}

/// Why a tool of ours failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolError {
    /// Always `mcp_tool_execution_error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it said.
    pub content: Value,
}

/// A piece of an item.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text.
    OutputText {
        /// The text.
        text: String,
        /// Where it was found.
        annotations: Vec<Annotation>,
        /// Always empty.
        logprobs: [(); 0],
    },
    /// Why the model does not answer.
    Refusal {
        /// Its words.
        refusal: String,
    },
    /// Thoughts.
    ReasoningText {
        /// The text.
        text: String,
    },
}

impl Content {
    /// Text without annotations.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::OutputText {
            text: text.into(),
            annotations: Vec::new(),
            logprobs: [],
        }
    }

    fn n_bytes(&self) -> usize {
        match self {
            Self::OutputText {
                text, annotations, ..
            } => {
                let sources = annotations.iter();
                text.len() + sources.map(|it| it.url.len() + 64).sum::<usize>()
            }
            Self::Refusal { refusal: text } | Self::ReasoningText { text } => text.len(),
        }
    }
}

/// Where a text was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Annotation {
    /// Always `url_citation`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The address.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Where in the text it is said, characters: at its end, because sources stand behind the whole text.
    pub start_index: usize,
    /// The same.
    pub end_index: usize,
}

impl Item {
    /// About how much memory it takes.
    pub(super) fn n_bytes(&self) -> usize {
        let of = |content: &[Content]| content.iter().map(Content::n_bytes).sum::<usize>();
        match self {
            Self::Message { content, .. } | Self::Reasoning { content, .. } => of(content),
            Self::FunctionCall { arguments, .. } | Self::McpApprovalRequest { arguments, .. } => {
                arguments.len()
            }
            Self::McpCall {
                arguments,
                output,
                error,
                ..
            } => {
                let error = error.as_ref().map_or(0, |it| it.content.to_string().len());
                arguments.len() + output.as_ref().map_or(0, String::len) + error
            }
        }
    }
}
