//! One reply of this wire while it is read. Pure.

use serde_json::Value;

use super::calls::Calls;
use super::chunk::{Choice, Chunk, Delta};
use super::details::Details;
use super::usage;
use crate::dialect::{Broken, Next};
use crate::fault::is_fault;
use crate::told::Told;
use crate::{FinishReason, VendorPart};

/// What later chunks go on with.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    id: String,
    calls: Calls,
    details: Details,
}

impl Reading {
    /// Takes one chunk.
    pub(crate) fn take(&mut self, data: &str, told: &mut Told) -> Result<Next, Broken> {
        let chunk: Chunk = serde_json::from_str(data)?;
        let groq = chunk
            .x_groq
            .and_then(|mut groq| Some(groq.get_mut("usage")?.take()));
        for report in chunk.usage.iter().chain(&groq) {
            usage::add(report, told);
        }
        if self.id.is_empty()
            && let Some(Value::String(id)) = chunk.id
        {
            self.id = id;
        }
        let is_error = chunk
            .object
            .as_ref()
            .is_some_and(|object| object == "error");
        if is_error || chunk.error.as_ref().is_some_and(is_fault) {
            // Read again as a whole: a fault may lie beside the members that a chunk has.
            return Err(Broken::Fault(serde_json::from_str(data)?));
        }
        let first = |choice: &Choice| choice.index.unwrap_or(0) == 0;
        if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().find(first) {
            self.choice(choice, told)?;
        }
        Ok(Next::More)
    }

    fn choice(&mut self, choice: Choice, told: &mut Told) -> Result<(), Broken> {
        if let Some(report) = &choice.usage {
            usage::add(report, told);
        }
        if let Some(delta) = choice.delta.or(choice.message) {
            self.delta(delta, told)?;
        }
        if let Some(error) = choice.error.filter(is_fault) {
            return Err(Broken::Fault(error));
        }
        match choice.finish_reason.as_deref() {
            // Some vendors have an empty reason until there is one.
            None | Some("") => {}
            // OpenRouter's word for a failure, vLLM's for an abort, DeepSeek's for a lack of machines.
            Some(word @ ("error" | "abort" | "insufficient_system_resource")) => {
                let words = format!("the vendor gave up the answer: {word}");
                return Err(Broken::GaveUp(words));
            }
            Some(word) => told.finish = Some(finish_reason(word)),
        }
        Ok(())
    }

    fn delta(&mut self, mut delta: Delta, told: &mut Told) -> Result<(), String> {
        let (text, mut reasoning) = delta.take_content();
        let fields = [
            ("reasoning_content", delta.reasoning_content),
            ("reasoning", delta.reasoning),
        ];
        for (field, said) in fields {
            if let Some(said) = said.filter(|said| !said.is_empty())
                && reasoning.is_empty()
            {
                self.details.came_in(field);
                reasoning = said;
            }
        }
        self.details
            .add(delta.reasoning_details.unwrap_or_default())?;
        told.reasoning(reasoning);
        told.text(text);
        told.refusal(delta.refusal.unwrap_or_default());
        for call in delta.tool_calls.unwrap_or_default() {
            self.calls.delta(call, &self.id, told)?;
        }
        Ok(())
    }

    /// What the vendor wants back, once all of it is whole.
    pub(crate) fn finish(&mut self, told: &mut Told) -> Result<(), String> {
        self.calls.check()?;
        if let Some(data) = self.details.take(!self.calls.is_empty()) {
            told.vendor(VendorPart::Reasoning, data)?;
        }
        self.calls.finish(told)
    }
}

fn finish_reason(word: &str) -> FinishReason {
    match word {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
