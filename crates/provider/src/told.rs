//! What one reply has said so far, as every wire tells it.

use std::collections::VecDeque;

use serde_json::Value;

use crate::{Error, FinishReason, StreamEvent, Usage, VendorPart, limits};

/// What a reader has not been given yet.
pub(crate) type Events = VecDeque<Result<StreamEvent, Error>>;

/// The events that are ready, and what only comes with the end.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) events: Events,
    pub(crate) usage: Option<Usage>,
    /// Makes the answer complete.
    pub(crate) finish: Option<FinishReason>,
    /// The tool calls that were told.
    pub(crate) n_calls: usize,
    /// Bytes of text, thoughts and arguments that were told.
    pub(crate) said_bytes: usize,
    vendor_bytes: usize,
}

impl Told {
    pub(crate) fn push(&mut self, event: StreamEvent) {
        self.said_bytes += match &event {
            StreamEvent::TextDelta(text)
            | StreamEvent::ReasoningDelta(text)
            | StreamEvent::RefusalDelta(text)
            | StreamEvent::ToolCallDelta { args: text, .. } => text.len(),
            StreamEvent::ToolCallStarted { .. }
            | StreamEvent::VendorData { .. }
            | StreamEvent::Usage(_)
            | StreamEvent::Finished { .. } => 0,
        };
        self.events.push_back(Ok(event));
    }

    pub(crate) fn text(&mut self, text: String) {
        if !text.is_empty() {
            self.push(StreamEvent::TextDelta(text));
        }
    }

    pub(crate) fn reasoning(&mut self, text: String) {
        if !text.is_empty() {
            self.push(StreamEvent::ReasoningDelta(text));
        }
    }

    pub(crate) fn refusal(&mut self, text: String) {
        if !text.is_empty() {
            self.push(StreamEvent::RefusalDelta(text));
        }
    }

    /// A tool call begins; gives its index. An error says what is wrong with the vendor.
    pub(crate) fn call(&mut self, id: String, name: String) -> Result<usize, String> {
        let index = self.n_calls;
        if index == limits::TOOL_CALLS {
            let limit = limits::TOOL_CALLS;
            return Err(format!("more than {limit} tool calls in one reply"));
        }
        if name.is_empty() {
            return Err("a tool call without a name".into());
        }
        self.n_calls += 1;
        self.push(StreamEvent::ToolCallStarted { index, id, name });
        Ok(index)
    }

    pub(crate) fn args(&mut self, index: usize, args: String) {
        if !args.is_empty() {
            self.push(StreamEvent::ToolCallDelta { index, args });
        }
    }

    /// Data that the vendor wants back with a part.
    pub(crate) fn vendor(&mut self, part: VendorPart, data: Value) -> Result<(), String> {
        self.vendor_bytes += data.to_string().len();
        if self.vendor_bytes > limits::VENDOR_DATA_BYTES {
            let limit = limits::VENDOR_DATA_BYTES;
            return Err(format!(
                "more than {limit} bytes of data that the vendor wants back"
            ));
        }
        self.push(StreamEvent::VendorData { part, data });
        Ok(())
    }

    /// Adds one report to what is known. Vendors report once at the end, in every chunk, or zeros first: a count never
    /// falls within one reply, so the largest is the last.
    pub(crate) fn spent(&mut self, new: Usage) {
        let old = self.usage.unwrap_or_default();
        self.usage = Some(Usage {
            input: old.input.max(new.input),
            output: old.output.max(new.output),
            reasoning: old.reasoning.max(new.reasoning),
            cached: old.cached.max(new.cached),
        });
    }

    pub(crate) fn tell_usage(&mut self) {
        if let Some(usage) = self.usage.take() {
            self.push(StreamEvent::Usage(usage));
        }
    }
}

/// The first of these paths that holds a count; some vendors write counts as floats.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked, and a fraction of a token means nothing"
)]
pub(crate) fn count(report: &Value, paths: &[&str]) -> Option<u64> {
    let number = |value: &Value| {
        value.as_u64().or_else(|| {
            value
                .as_f64()
                .filter(|count| (0.0..1e15).contains(count))
                .map(|count| count as u64)
        })
    };
    paths
        .iter()
        .find_map(|path| report.pointer(path).and_then(number))
}
