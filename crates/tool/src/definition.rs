//! What a model is told about a tool, and how its arguments are read.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A tool as a model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The name that the model calls.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// The JSON Schema of its arguments, an object.
    pub input_schema: Value,
}

/// Arguments that a tool cannot take. The text is for the model that made them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad arguments for {tool}: {detail}")]
pub struct BadArgs {
    /// The tool.
    pub tool: &'static str,
    /// What is wrong, and where.
    pub detail: String,
}

/// Reads arguments; an error names the place. No arguments at all are an empty object.
pub(crate) fn read<T: DeserializeOwned>(tool: &'static str, args: &Value) -> Result<T, BadArgs> {
    let empty = Value::Object(serde_json::Map::new());
    let args = if args.is_null() { &empty } else { args };
    serde_path_to_error::deserialize(args).map_err(|error| {
        let path = error.path().to_string();
        let detail = if path == "." {
            error.inner().to_string()
        } else {
            format!("{path}: {}", error.inner())
        };
        BadArgs { tool, detail }
    })
}

/// Refuses a text that is empty or longer than `limit` bytes.
pub(crate) fn check_text(
    tool: &'static str,
    place: &str,
    text: &str,
    limit: usize,
) -> Result<(), BadArgs> {
    let detail = if text.trim().is_empty() {
        format!("{place} is empty")
    } else if text.len() > limit {
        format!(
            "{place} has {} bytes, at most {limit} are accepted",
            text.len()
        )
    } else {
        return Ok(());
    };
    Err(BadArgs { tool, detail })
}
