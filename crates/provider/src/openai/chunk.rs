//! The shape of one chunk of a stream, read leniently: what is not named here is passed over, and what vendors write
//! in several ways is kept as a value.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub(super) id: Option<Value>,
    /// `error` where a vendor sends the error itself as the chunk (vLLM).
    #[serde(default)]
    pub(super) object: Option<Value>,
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice>>,
    #[serde(default)]
    pub(super) usage: Option<Value>,
    #[serde(default)]
    pub(super) x_groq: Option<Value>,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(default)]
    pub(super) delta: Option<Delta>,
    /// In place of `delta` where a vendor did not stream.
    #[serde(default)]
    pub(super) message: Option<Delta>,
    #[serde(default)]
    pub(super) finish_reason: Option<String>,
    /// Usage in the choice (Moonshot).
    #[serde(default)]
    pub(super) usage: Option<Value>,
    /// Why a choice failed (OpenRouter).
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    /// A string; a list of typed pieces from Mistral's reasoning models.
    #[serde(default)]
    pub(super) content: Option<Value>,
    /// `DeepSeek`, vLLM, `llama.cpp`.
    #[serde(default)]
    pub(super) reasoning_content: Option<String>,
    /// OpenRouter, Ollama, Groq, newer vLLM; some send both, with the same text.
    #[serde(default)]
    pub(super) reasoning: Option<String>,
    /// What OpenRouter wants back: summaries, signatures, encrypted reasoning.
    #[serde(default)]
    pub(super) reasoning_details: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CallDelta {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) function: Option<FunctionDelta>,
    /// What Gemini behind this wire wants back: the signature of its thought.
    #[serde(default)]
    pub(super) extra_content: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionDelta {
    #[serde(default)]
    pub(super) name: Option<String>,
    /// A piece of JSON text; the arguments themselves from some followers.
    #[serde(default)]
    pub(super) arguments: Option<Value>,
}

impl Delta {
    /// Text and reasoning, in the order in which they are to be told: reasoning first.
    pub(super) fn take_content(&mut self) -> (String, String) {
        let mut text = String::new();
        let mut reasoning = String::new();
        match self.content.take() {
            Some(Value::String(content)) => text = content,
            Some(Value::Array(pieces)) => {
                for piece in &pieces {
                    if let Some(said) = piece["text"].as_str() {
                        text.push_str(said);
                    }
                    for thought in piece["thinking"].as_array().into_iter().flatten() {
                        reasoning.push_str(thought["text"].as_str().unwrap_or_default());
                    }
                }
            }
            _ => {}
        }
        (text, reasoning)
    }
}
