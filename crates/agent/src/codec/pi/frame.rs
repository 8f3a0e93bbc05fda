//! The frames of pi that are read field by field. What is not named here is skipped, not kept: some versions repeat the
//! whole message in every frame.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::codec::Usage;
use crate::codec::json::{number, sum};

#[derive(Debug, Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(borrow)]
    pub(super) r#type: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Update {
    #[serde(rename = "assistantMessageEvent")]
    pub(super) event: Part,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(default)]
    pub(super) r#type: String,
    #[serde(default)]
    pub(super) content_index: u64,
    #[serde(default)]
    pub(super) delta: Option<String>,
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) tool_name: Option<String>,
    #[serde(default)]
    pub(super) tool_call: Option<ToolCall>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolCall {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) arguments: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct WithMessage {
    pub(super) message: Message,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(default)]
    pub(super) role: String,
    #[serde(default)]
    pub(super) content: Value,
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) stop_reason: Option<String>,
    #[serde(default, rename = "errorMessage")]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) usage: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentEnd {
    #[serde(default)]
    pub(super) will_retry: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Queue {
    #[serde(default)]
    pub(super) steering: Vec<Value>,
    #[serde(default)]
    pub(super) follow_up: Vec<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) command: String,
    #[serde(default)]
    pub(super) success: bool,
    #[serde(default)]
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) data: Value,
}

/// Its input leaves out what the cache had.
pub(super) fn usage(tokens: &Value) -> Usage {
    let count = |what| number(tokens, what).unwrap_or(0);
    let cached = count("/cacheRead");
    let cost = tokens.pointer("/cost/total").and_then(Value::as_f64);
    Usage {
        input_tokens: sum([count("/input"), cached, count("/cacheWrite")]),
        output_tokens: count("/output"),
        reasoning_tokens: count("/reasoning"),
        cached_input_tokens: cached,
        // Without a price of the model it counts nothing.
        cost_usd: cost.filter(|cost| *cost > 0.0),
    }
}
