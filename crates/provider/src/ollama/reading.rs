//! One reply of this wire while it is read. Pure.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ECHO, THINKING};
use crate::dialect::{Broken, Next};
use crate::fault::is_fault;
use crate::told::{Told, count};
use crate::{FinishReason, Usage, VendorPart};

/// What the end goes by.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    has_thoughts: bool,
}

/// One line, read leniently: what is not named here is passed over.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Debug, Deserialize)]
struct Call {
    #[serde(default)]
    id: Option<String>,
    function: Function,
}

#[derive(Debug, Deserialize)]
struct Function {
    #[serde(default)]
    name: String,
    #[serde(default)]
    arguments: Value,
}

impl Reading {
    /// Takes one line.
    pub(crate) fn take(&mut self, data: &str, told: &mut Told) -> Result<Next, Broken> {
        let line: Line = serde_json::from_str(data)?;
        if line.error.as_ref().is_some_and(is_fault) {
            return Err(Broken::Fault(serde_json::from_str(data)?));
        }
        if let Some(message) = line.message {
            let thoughts = message.thinking.unwrap_or_default();
            self.has_thoughts |= !thoughts.is_empty();
            told.reasoning(thoughts);
            told.text(message.content.unwrap_or_default());
            for call in message.tool_calls.unwrap_or_default() {
                add_call(call, &line.created_at, told)?;
            }
        }
        if !line.done {
            return Ok(Next::More);
        }
        add_usage(&serde_json::from_str(data)?, told);
        told.finish = Some(match line.done_reason.as_deref() {
            None | Some("" | "stop") => FinishReason::Stop,
            Some("length") => FinishReason::Length,
            Some(other) => FinishReason::Other(other.to_owned()),
        });
        Ok(Next::End)
    }

    /// Thoughts go back within a loop of tools only: the templates of models drop older ones.
    pub(crate) fn finish(&mut self, told: &mut Told) -> Result<(), String> {
        if self.has_thoughts && told.n_calls > 0 {
            told.vendor(VendorPart::Reasoning, json!({ ECHO: THINKING }))?;
        }
        Ok(())
    }
}

/// A call comes whole. Older servers give it no id: one is made of the time, so that calls of two replies differ.
fn add_call(call: Call, at: &str, told: &mut Told) -> Result<(), String> {
    let made = || {
        let at: String = at.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("call_{at}_{}", told.n_calls)
    };
    let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(made);
    let index = told.call(id, call.function.name)?;
    match call.function.arguments {
        Value::Null => {}
        Value::Object(args) if args.is_empty() => {}
        Value::String(args) => told.args(index, args),
        args => told.args(index, args.to_string()),
    }
    Ok(())
}

fn add_usage(line: &Value, told: &mut Told) {
    let count = |path| count(line, &[path]);
    let input = count("/prompt_eval_count");
    let output = count("/eval_count");
    if input.is_some() || output.is_some() {
        told.spent(Usage {
            input: input.unwrap_or(0),
            output: output.unwrap_or(0),
            reasoning: 0,
            cached: count("/prompt_eval_cached_count").unwrap_or(0),
        });
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
