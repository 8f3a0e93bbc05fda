//! One reply of this wire while it is read. Pure.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{REDACTED, SIGNATURE};
use crate::dialect::{Broken, Next};
use crate::told::{Told, count};
use crate::{FinishReason, Usage, VendorPart, limits};

/// The blocks that have begun and not ended, by the vendor's number.
#[derive(Debug, Default)]
pub(crate) struct Reading(HashMap<u64, Block>);

#[derive(Debug)]
enum Block {
    Thinking {
        signature: String,
    },
    Call {
        index: usize,
    },
    /// Text, and what this wire may yet invent.
    Other,
}

/// One event, read leniently: what is not named here is passed over.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    content_block: Value,
    #[serde(default)]
    delta: Value,
    #[serde(default)]
    usage: Value,
}

impl Reading {
    /// Takes one event, or a whole message from a vendor that does not stream.
    pub(crate) fn take(&mut self, data: &str, told: &mut Told) -> Result<Next, Broken> {
        let event: Event = serde_json::from_str(data)?;
        match &*event.kind {
            "message_start" => add_usage(&event.message["usage"], told),
            "content_block_start" => self.start(event.index, &event.content_block, told)?,
            "content_block_delta" => self.delta(event.index, &event.delta, told)?,
            "content_block_stop" => self.stop(event.index, told)?,
            "message_delta" => {
                add_usage(&event.usage, told);
                end(&event.delta, told);
            }
            "message_stop" => return Ok(Next::End),
            "error" => return Err(Broken::Fault(serde_json::from_str(data)?)),
            "message" => {
                let whole: Value = serde_json::from_str(data)?;
                for block in whole["content"].as_array().into_iter().flatten() {
                    self.start(0, block, told)?;
                    self.stop(0, told)?;
                }
                add_usage(&whole["usage"], told);
                end(&whole, told);
                return Ok(Next::End);
            }
            "" => {
                let value: Value = serde_json::from_str(data)?;
                if value.get("error").is_some_and(crate::fault::is_fault) {
                    return Err(Broken::Fault(value));
                }
            }
            // `ping`, and whatever is added: the wire reserves the right to.
            _ => {}
        }
        Ok(Next::More)
    }

    fn start(&mut self, number: u64, block: &Value, told: &mut Told) -> Result<(), String> {
        let text = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
        let begun = match block["type"].as_str().unwrap_or_default() {
            "text" => {
                told.text(text("text"));
                Block::Other
            }
            "thinking" => {
                told.reasoning(text("thinking"));
                Block::Thinking {
                    signature: text("signature"),
                }
            }
            "redacted_thinking" => {
                told.vendor(VendorPart::Reasoning, json!({ REDACTED: text("data") }))?;
                Block::Other
            }
            "tool_use" => {
                let index = told.call(text("id"), text("name"))?;
                // In a stream the arguments are empty here and follow in pieces.
                if block["input"]
                    .as_object()
                    .is_some_and(|args| !args.is_empty())
                {
                    told.args(index, block["input"].to_string());
                }
                Block::Call { index }
            }
            _ => Block::Other,
        };
        self.0.insert(number, begun);
        if self.0.len() > limits::OPEN_BLOCKS {
            let limit = limits::OPEN_BLOCKS;
            return Err(format!("more than {limit} blocks at once"));
        }
        Ok(())
    }

    fn delta(&mut self, number: u64, delta: &Value, told: &mut Told) -> Result<(), String> {
        let text = |name: &str| delta[name].as_str().unwrap_or_default();
        match (text("type"), self.0.get_mut(&number)) {
            ("text_delta", _) => told.text(text("text").to_owned()),
            ("thinking_delta", _) => told.reasoning(text("thinking").to_owned()),
            ("signature_delta", Some(Block::Thinking { signature })) => {
                signature.push_str(text("signature"));
                if signature.len() > limits::VENDOR_DATA_BYTES {
                    let limit = limits::VENDOR_DATA_BYTES;
                    return Err(format!("a signature of more than {limit} bytes"));
                }
            }
            ("input_json_delta", Some(Block::Call { index })) => {
                told.args(*index, text("partial_json").to_owned());
            }
            ("input_json_delta" | "signature_delta", None) => {
                return Err(format!(
                    "a delta of the block {number}, which has not begun"
                ));
            }
            // Citations, the arguments of the vendor's own tools, and what is yet to be invented.
            _ => {}
        }
        Ok(())
    }

    fn stop(&mut self, number: u64, told: &mut Told) -> Result<(), String> {
        match self.0.remove(&number) {
            Some(Block::Thinking { signature }) if !signature.is_empty() => {
                told.vendor(VendorPart::Reasoning, json!({ SIGNATURE: signature }))
            }
            Some(Block::Thinking { .. } | Block::Call { .. } | Block::Other) | None => Ok(()),
        }
    }
}

/// Reads why the message ends, if it does.
fn end(message: &Value, told: &mut Told) {
    let Some(word) = message["stop_reason"].as_str() else {
        return;
    };
    told.finish = Some(match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => {
            let details = &message["stop_details"];
            let words = ["explanation", "category"]
                .iter()
                .find_map(|name| details[*name].as_str());
            told.refusal(words.unwrap_or_default().to_owned());
            FinishReason::ContentFilter
        }
        other => FinishReason::Other(other.to_owned()),
    });
}

fn add_usage(report: &Value, told: &mut Told) {
    let count = |path| count(report, &[path]);
    let input = count("/input_tokens");
    let output = count("/output_tokens");
    if input.is_none() && output.is_none() {
        return;
    }
    // What was written to the cache and what was read from it is counted beside the input.
    let cached = count("/cache_read_input_tokens").unwrap_or(0);
    let written = count("/cache_creation_input_tokens").unwrap_or(0);
    told.spent(Usage {
        input: input.unwrap_or(0) + cached + written,
        output: output.unwrap_or(0),
        reasoning: count("/output_tokens_details/thinking_tokens").unwrap_or(0),
        cached,
    });
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
