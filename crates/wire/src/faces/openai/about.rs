//! What is known of a run beside its log, and the response made of both.

use std::collections::BTreeSet;

use run::{ClientTool, MessageId, RunId, Timestamp, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::ids::ResponseId;
use super::item::Item;
use super::outcome::Standing;
use crate::structured::Schema;

/// What is known of a run beside its log.
pub struct About {
    /// The run.
    pub run: RunId,
    /// The agent's name.
    pub agent: String,
    /// The thread.
    pub thread: String,
    /// The client's own data.
    pub metadata: Map<String, Value>,
    /// The functions of the client.
    pub tools: Vec<ClientTool>,
    /// What the client told the model of its task.
    pub instructions: Option<String>,
    /// The sampling temperature.
    pub temperature: Option<f64>,
    /// The longest answer.
    pub max_output_tokens: Option<u32>,
    /// The JSON Schema of the output.
    pub output_schema: Option<Value>,
    /// The same to check with; nothing where it cannot be used.
    pub schema: Option<Schema>,
    /// Messages that readers are to forget.
    pub discarded: BTreeSet<MessageId>,
}

/// What a request said that nothing of the run shows; kept with the run, under the name of this face, and given back in
/// its responses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Echo {
    /// The model as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The response that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// Whether nobody waited for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<bool>,
    /// Whether it may be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// The name of the output's form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format_name: Option<String>,
    /// How hard the model was to think.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Value>,
    /// Which functions might be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// What becomes of a conversation that is too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncation: Option<String>,
}

/// The name under which an [`Echo`] is kept with a run.
pub const FACE: &str = "openai";

/// A response at a moment.
pub(super) struct Moment<'m> {
    pub(super) id: ResponseId,
    pub(super) previous: Option<ResponseId>,
    pub(super) echo: &'m Echo,
    pub(super) begun_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) standing: &'m Standing,
    pub(super) output: Vec<&'m Item>,
    pub(super) usage: Option<Usage>,
}

impl About {
    /// The response object.
    pub(super) fn response(&self, moment: &Moment<'_>) -> Value {
        let Moment {
            id,
            previous,
            echo,
            begun_at,
            ended_at,
            standing,
            output,
            usage,
        } = moment;
        let previous = previous.map(|id| id.to_string());
        let tools: Vec<Value> = self.tools.iter().map(function).collect();
        let reasoning = json!({ "effort": null, "summary": null });
        let is_well = matches!(standing, Standing::Completed);
        json!({
            "id": id.to_string(),
            "object": "response",
            "created_at": seconds(*begun_at),
            "completed_at": ended_at.filter(|_| is_well).map(seconds),
            "status": standing.word(),
            "background": echo.background.unwrap_or(false),
            "conversation": { "id": self.thread },
            "error": standing.error(),
            "incomplete_details": standing.incomplete_details(),
            "instructions": self.instructions,
            "max_output_tokens": self.max_output_tokens,
            "metadata": self.metadata,
            "model": echo.model.as_ref().unwrap_or(&self.agent),
            "output": output,
            "parallel_tool_calls": true,
            "previous_response_id": previous.or_else(|| echo.previous_response_id.clone()),
            "reasoning": echo.reasoning.as_ref().unwrap_or(&reasoning),
            "store": echo.store.unwrap_or(true),
            "temperature": self.temperature,
            "text": { "format": self.format(echo) },
            "tool_choice": echo.tool_choice.clone().unwrap_or_else(|| "auto".into()),
            "tools": tools,
            "top_p": null,
            "truncation": echo.truncation.as_deref().unwrap_or("disabled"),
            "usage": usage.as_ref().map(counted),
            "user": null,
        })
    }

    fn format(&self, echo: &Echo) -> Value {
        match &self.output_schema {
            Some(schema) => json!({
                "type": "json_schema",
                "name": echo.format_name.as_deref().unwrap_or("output"),
                "schema": schema,
                "strict": true,
            }),
            None => json!({ "type": "text" }),
        }
    }
}

fn function(tool: &ClientTool) -> Value {
    json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": false,
    })
}

fn counted(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": 0,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
        "total_tokens": usage.total_tokens(),
    })
}

fn seconds(at: Timestamp) -> i64 {
    at.as_ms().div_euclid(1_000)
}
