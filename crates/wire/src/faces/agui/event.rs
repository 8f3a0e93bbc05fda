//! The events that a client reads.

use run::event::ToolStatus;
use run::{Seq, Usage};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Who speaks in a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TextRole {
    /// The operator.
    System,
    /// The person.
    User,
    /// The agent.
    Assistant,
}

/// The one role of a reasoning message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningRole {
    /// Reasoning.
    Reasoning,
}

/// The one role of a tool's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolRole {
    /// A tool.
    Tool,
}

/// What a run needs before it goes on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Interrupt {
    /// What an answer names.
    pub id: String,
    /// `tool_call`, `confirmation`, `input_required` or `client_tool`.
    pub reason: &'static str,
    /// A line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The call it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// JSON Schema of the payload of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_schema: Option<Value>,
    /// When nobody needs to answer any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// `outlive`: the request as the native interface has it.
    pub metadata: Value,
}

/// Why a run of the protocol ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// It came to its end, or to calls of the client's own tools.
    Success {
        /// Those calls.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pending_tool_call_ids: Vec<String>,
    },
    /// It waits for answers.
    Interrupt {
        /// For these.
        interrupts: Vec<Interrupt>,
    },
    /// It was stopped.
    Cancelled,
}

/// Tokens of a run of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    /// The vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The vendor's name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Sent to the model.
    pub input_tokens: u64,
    /// Written by it.
    pub output_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// Of the output, for reasoning.
    pub reasoning_tokens: u64,
    /// Of the input, from the vendor's cache.
    pub cached_input_tokens: u64,
}

/// An event. Members that are missing are left out: the client refuses `null` for them.
#[derive(Debug, Clone, Serialize)]
#[serde(
    tag = "type",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
#[expect(missing_docs, reason = "members are the protocol's, by their names")]
pub enum Event {
    /// Always the first.
    RunStarted {
        thread_id: String,
        run_id: String,
        protocol_version: &'static str,
        metadata: Value,
    },
    /// The last one of a run that did not fail.
    RunFinished {
        thread_id: String,
        run_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Value>,
        outcome: Outcome,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        usage: Vec<TokenUsage>,
        metadata: Value,
    },
    /// The last one of a run that failed.
    RunError {
        message: String,
        code: String,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        usage: Vec<TokenUsage>,
        metadata: Value,
    },
    /// A step begins.
    StepStarted { step_name: String },
    /// A step is over.
    StepFinished {
        step_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Value>,
    },
    /// A text message begins, or goes on.
    TextMessageStart { message_id: String, role: TextRole },
    /// More of its text.
    TextMessageContent { message_id: String, delta: String },
    /// It is over for now.
    TextMessageEnd {
        message_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Value>,
    },
    /// Thoughts begin.
    ReasoningStart { message_id: String },
    /// A thought begins, or goes on.
    ReasoningMessageStart {
        message_id: String,
        role: ReasoningRole,
    },
    /// More of it.
    ReasoningMessageContent { message_id: String, delta: String },
    /// It is over for now.
    ReasoningMessageEnd { message_id: String },
    /// Thoughts are over.
    ReasoningEnd { message_id: String },
    /// A call begins.
    ToolCallStart {
        tool_call_id: String,
        tool_call_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        parent_message_id: Option<String>,
    },
    /// More of its arguments' JSON.
    ToolCallArgs { tool_call_id: String, delta: String },
    /// Its arguments are complete.
    ToolCallEnd { tool_call_id: String },
    /// What came of it.
    ToolCallResult {
        message_id: String,
        tool_call_id: String,
        content: String,
        role: ToolRole,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Value>,
    },
    /// The whole state.
    StateSnapshot { snapshot: Value },
    /// A change of it.
    StateDelta { delta: Vec<Value> },
    /// The conversation so far, in place of what the client has.
    MessagesSnapshot { messages: Vec<Value> },
    /// Something beside the conversation; it takes the place of what has its id.
    ActivitySnapshot {
        message_id: String,
        activity_type: String,
        content: Map<String, Value>,
        replace: bool,
    },
    /// A change of it.
    ActivityDelta {
        message_id: String,
        activity_type: String,
        patch: Vec<Value>,
    },
    /// An event of the agent's own protocol.
    Raw { event: Value, source: String },
    /// Anything else.
    Custom { name: String, value: Box<RawValue> },
}

/// What an event about ours says under the key `outlive`.
pub(super) fn ours(value: &Value) -> Value {
    json!({ "outlive": value })
}

/// The word for how a call ended, where that is worth a word.
pub(super) fn status_word(status: ToolStatus) -> Option<&'static str> {
    match status {
        ToolStatus::Ok => None,
        ToolStatus::Failed => Some("failed"),
        ToolStatus::Denied => Some("denied"),
        ToolStatus::Interrupted => Some("interrupted"),
        ToolStatus::Unknown => Some("unknown"),
    }
}

/// Tokens as the protocol counts them; nothing where there are none.
pub(super) fn token_usage(usage: &Usage, model: Option<&str>) -> Vec<TokenUsage> {
    if usage.total_tokens() == 0 {
        return Vec::new();
    }
    let (provider, model) = match model.and_then(|model| model.split_once('/')) {
        Some((provider, model)) => (Some(provider.to_owned()), Some(model.to_owned())),
        None => (None, model.map(str::to_owned)),
    };
    vec![TokenUsage {
        provider,
        model,
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        total_tokens: usage.total_tokens(),
        reasoning_tokens: usage.reasoning_tokens,
        cached_input_tokens: usage.cached_input_tokens,
    }]
}

impl Event {
    /// Whether it changes nothing when it is said twice: it begins or ends something, or says all of it.
    fn is_repeatable(&self) -> bool {
        match self {
            Self::StepStarted { .. }
            | Self::StepFinished { .. }
            | Self::TextMessageStart { .. }
            | Self::TextMessageEnd { .. }
            | Self::ReasoningStart { .. }
            | Self::ReasoningMessageStart { .. }
            | Self::ReasoningMessageEnd { .. }
            | Self::ReasoningEnd { .. }
            | Self::ToolCallStart { .. }
            | Self::ToolCallEnd { .. }
            | Self::StateSnapshot { .. }
            | Self::ActivitySnapshot { .. } => true,
            Self::RunStarted { .. }
            | Self::RunFinished { .. }
            | Self::RunError { .. }
            | Self::TextMessageContent { .. }
            | Self::ReasoningMessageContent { .. }
            | Self::ToolCallArgs { .. }
            | Self::ToolCallResult { .. }
            | Self::StateDelta { .. }
            | Self::MessagesSnapshot { .. }
            | Self::ActivityDelta { .. }
            | Self::Raw { .. }
            | Self::Custom { .. } => false,
        }
    }
}

/// Prints the events that one event of the log became as server-sent events. The last one carries the log's number; one
/// before it says how many came behind the number before, so that a cut between them loses and doubles nothing. Of those
/// that a client has, `skip` from the first, only what can be said twice is said again: to its new connection nothing has
/// begun.
pub fn write(out: &mut Vec<u8>, seq: Seq, skip: usize, events: &[Event]) {
    let told = |(n, event): &(usize, &Event)| *n >= skip || event.is_repeatable();
    for (n, event) in events.iter().enumerate().filter(told) {
        out.extend_from_slice(b"id: ");
        let id = if n + 1 == events.len() {
            seq.to_string()
        } else {
            format!("{}.{}", seq.0.saturating_sub(1), n + 1)
        };
        out.extend_from_slice(id.as_bytes());
        out.push(b'\n');
        write_data(out, event);
    }
}

/// Prints an event without a number.
pub(super) fn write_data(out: &mut Vec<u8>, event: &Event) {
    out.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut *out, event).expect("events have string keys and a Vec takes all");
    out.extend_from_slice(b"\n\n");
}
