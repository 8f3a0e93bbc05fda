//! What comes in while a vendor answers.

use serde_json::Value;

/// One thing that happened in a vendor's answer.
///
/// An answer is any number of deltas and of [`VendorData`](Self::VendorData), then at most one [`Usage`](Self::Usage),
/// then [`Finished`](Self::Finished). An error takes the place of what is left; usage that was known by then still comes
/// before it.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamEvent {
    /// More text of the answer.
    TextDelta(String),
    /// More of the reasoning that the vendor shows.
    ReasoningDelta(String),
    /// More of the words in which the model declines to answer.
    RefusalDelta(String),
    /// A tool call has begun.
    ToolCallStarted {
        /// Counted from 0 by us, without gaps, whatever the vendor counts.
        index: usize,
        /// The vendor's id of the call; one made from the reply's id if the vendor gave none.
        id: String,
        /// The tool's name.
        name: String,
    },
    /// More of the JSON text of a call's arguments. A call without arguments has none of these.
    ToolCallDelta {
        /// Which call, as in [`ToolCallStarted`](Self::ToolCallStarted).
        index: usize,
        /// The piece of JSON text.
        args: String,
    },
    /// What the vendor wants back with a part in the next request: keep it in that part's
    /// [`vendor`](crate::Part::vendor) as it is. Text or reasoning that comes after its data begins a new part: an answer
    /// may have several pieces of reasoning, each signed for itself.
    VendorData {
        /// The part that it belongs to.
        part: VendorPart,
        /// Opaque.
        data: Value,
    },
    /// What the answer cost. Comes at most once.
    Usage(Usage),
    /// The answer is complete.
    Finished {
        /// Why the model stopped.
        finish_reason: FinishReason,
    },
}

/// The part of an answer that opaque data belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VendorPart {
    /// The last part of reasoning that has no data yet. If there is none, a part with an empty text carries the data.
    Reasoning,
    /// The last part of text that has no data yet. If there is none, a part with an empty text carries the data.
    Text,
    /// The tool call of this index.
    ToolCall(usize),
}

/// Tokens of one answer. What a vendor does not tell is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request, those from the vendor's cache among them.
    pub input: u64,
    /// Tokens of the answer, those of the reasoning among them.
    pub output: u64,
    /// Tokens of the reasoning.
    pub reasoning: u64,
    /// Tokens of the request that came from the vendor's cache.
    pub cached: u64,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishReason {
    /// It had said what it wanted to say.
    Stop,
    /// It ran into a limit of tokens.
    Length,
    /// It calls tools. Also where the vendor said `stop` after tool calls.
    ToolCalls,
    /// The vendor's filter cut it.
    ContentFilter,
    /// In the vendor's word.
    Other(String),
}

impl FinishReason {
    /// The reason in the words of chat completions.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(word) => word,
        }
    }
}
