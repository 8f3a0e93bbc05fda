//! One reply of this wire while it is read. Pure.

use serde::Deserialize;
use serde_json::{Value, json};

use super::SIGNATURE;
use crate::dialect::{Broken, Next};
use crate::fault::is_fault;
use crate::told::{Told, count};
use crate::{FinishReason, Usage, VendorPart};

/// What later chunks go on with.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    id: String,
}

/// One chunk, read leniently: what is not named here is passed over.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    #[serde(default)]
    response_id: Option<String>,
    #[serde(default)]
    candidates: Option<Vec<Candidate>>,
    #[serde(default)]
    prompt_feedback: Option<Value>,
    #[serde(default)]
    usage_metadata: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    finish_message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Content {
    #[serde(default)]
    parts: Option<Vec<Part>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thought: Option<bool>,
    #[serde(default)]
    function_call: Option<FunctionCall>,
    #[serde(default)]
    thought_signature: Option<String>,
}

#[derive(Debug, Deserialize)]
struct FunctionCall {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Value,
}

impl Reading {
    /// Takes one chunk.
    pub(crate) fn take(&mut self, data: &str, told: &mut Told) -> Result<Next, Broken> {
        let chunk: Chunk = serde_json::from_str(data)?;
        if chunk.error.as_ref().is_some_and(is_fault) {
            return Err(Broken::Fault(serde_json::from_str(data)?));
        }
        if let Some(report) = &chunk.usage_metadata {
            add_usage(report, told);
        }
        if let Some(id) = chunk.response_id.filter(|_| self.id.is_empty()) {
            self.id = id;
        }
        let first = |candidate: &Candidate| candidate.index.unwrap_or(0) == 0;
        match chunk.candidates.unwrap_or_default().into_iter().find(first) {
            Some(candidate) => self.candidate(candidate, told)?,
            None => blocked(chunk.prompt_feedback.as_ref(), told),
        }
        Ok(Next::More)
    }

    fn candidate(&mut self, candidate: Candidate, told: &mut Told) -> Result<(), Broken> {
        let parts = candidate.content.and_then(|content| content.parts);
        for part in parts.unwrap_or_default() {
            self.part(part, told)?;
        }
        let Some(word) = candidate.finish_reason else {
            return Ok(());
        };
        let words = candidate.finish_message.unwrap_or_default();
        told.finish = Some(match &*word {
            "" | "FINISH_REASON_UNSPECIFIED" => return Ok(()),
            "STOP" => FinishReason::Stop,
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY"
            | "RECITATION"
            | "LANGUAGE"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => {
                told.refusal(words);
                FinishReason::ContentFilter
            }
            // The model's slip: the next try may do better.
            "MALFORMED_FUNCTION_CALL" | "MALFORMED_RESPONSE" | "UNEXPECTED_TOOL_CALL" => {
                let words = format!("the vendor gave up the answer: {word} {words}");
                return Err(Broken::GaveUp(words));
            }
            _ => FinishReason::Other(word),
        });
        Ok(())
    }

    fn part(&mut self, part: Part, told: &mut Told) -> Result<(), String> {
        let text = part.text.unwrap_or_default();
        let owner = match part.function_call {
            Some(call) => {
                let made = || format!("call_{}_{}", self.id, told.n_calls);
                let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(made);
                let index = told.call(id, call.name)?;
                if call.args.as_object().is_some_and(|args| !args.is_empty()) {
                    told.args(index, call.args.to_string());
                }
                VendorPart::ToolCall(index)
            }
            None if part.thought == Some(true) => {
                told.reasoning(text);
                VendorPart::Reasoning
            }
            None => {
                told.text(text);
                VendorPart::Text
            }
        };
        match part.thought_signature.filter(|sign| !sign.is_empty()) {
            Some(signature) => told.vendor(owner, json!({ SIGNATURE: signature })),
            None => Ok(()),
        }
    }
}

/// A prompt that the vendor refuses has no candidate, only a reason.
fn blocked(feedback: Option<&Value>, told: &mut Told) {
    let member = |name| feedback?.get(name)?.as_str();
    let Some(reason) = member("blockReason").filter(|reason| *reason != "BLOCK_REASON_UNSPECIFIED")
    else {
        return;
    };
    let words = match member("blockReasonMessage") {
        Some(words) => words.to_owned(),
        None => format!("the prompt was blocked: {reason}"),
    };
    told.refusal(words);
    told.finish = Some(FinishReason::ContentFilter);
}

fn add_usage(report: &Value, told: &mut Told) {
    let count = |path| count(report, &[path]).unwrap_or(0);
    let reasoning = count("/thoughtsTokenCount");
    told.spent(Usage {
        input: count("/promptTokenCount") + count("/toolUsePromptTokenCount"),
        // The thoughts are counted beside the answer.
        output: count("/candidatesTokenCount") + reasoning,
        reasoning,
        cached: count("/cachedContentTokenCount"),
    });
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
