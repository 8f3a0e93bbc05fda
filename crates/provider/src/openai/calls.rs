//! The tool calls of one reply, put together from deltas that vendors number and name in several ways.

use serde_json::{Value, json};

use super::chunk::CallDelta;
use crate::told::Told;
use crate::{VendorPart, limits};

/// The calls so far.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug)]
struct Call {
    /// The vendor's number, which need not be unique.
    number: Option<u64>,
    id: String,
    /// Empty until the vendor names the tool; the call is told from then on.
    name: String,
    /// Its index in our events, once it has a name.
    told: usize,
    /// Arguments that came before the name.
    held: String,
    extra: Option<Value>,
}

impl Calls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes one delta. `reply` is the vendor's id of the whole reply. An error says what is wrong with the vendor.
    pub(super) fn delta(
        &mut self,
        delta: CallDelta,
        reply: &str,
        told: &mut Told,
    ) -> Result<(), String> {
        let id = delta.id.filter(|id| !id.is_empty());
        let function = delta.function.unwrap_or_default();
        let name = function.name.unwrap_or_default();
        let args = match function.arguments {
            Some(Value::String(args)) => args,
            None | Some(Value::Null) => String::new(),
            Some(args) => args.to_string(),
        };
        let index = match self.place(delta.index, id.as_deref(), &name) {
            Some(index) => index,
            None => self.begin(delta.index, id, reply)?,
        };
        let call = &mut self.0[index];
        if let Some(extra) = delta.extra_content.filter(|extra| !extra.is_null()) {
            call.extra = Some(extra);
        }
        if call.name.is_empty() {
            if name.is_empty() {
                if call.held.len() + args.len() > limits::HELD_ARGS_BYTES {
                    return Err("arguments of a tool call that has no name".into());
                }
                call.held.push_str(&args);
                return Ok(());
            }
            call.name.clone_from(&name);
            call.told = told.call(call.id.clone(), name)?;
        }
        told.args(call.told, std::mem::take(&mut call.held) + &args);
        Ok(())
    }

    /// Whether every call can be made. An error says what is wrong with the vendor.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.0.iter().any(|call| call.name.is_empty()) {
            return Err("a tool call without a name".into());
        }
        Ok(())
    }

    /// What the vendor wants back with its calls, once all of them are whole.
    pub(super) fn finish(&mut self, told: &mut Told) -> Result<(), String> {
        for call in &mut self.0 {
            if let Some(extra) = call.extra.take() {
                let data = json!({ "extra_content": extra });
                told.vendor(VendorPart::ToolCall(call.told), data)?;
            }
        }
        Ok(())
    }

    /// The call that a delta goes on with; none if it begins one.
    ///
    /// By the wire, `index` alone decides. But some vendors give every call of a reply the number 0 (older Ollama),
    /// and some a new id to every delta of one call (older vLLM): only another id together with a name is another call.
    fn place(&self, number: Option<u64>, id: Option<&str>, name: &str) -> Option<usize> {
        let found = match (number, id) {
            (Some(_), _) => self.0.iter().rposition(|call| call.number == number),
            (None, Some(id)) => self
                .0
                .iter()
                .rposition(|call| call.id == id)
                .or_else(|| self.last_if(name.is_empty())),
            (None, None) => self.last_if(name.is_empty()),
        }?;
        let call = &self.0[found];
        let another =
            !call.name.is_empty() && !name.is_empty() && id.is_some_and(|id| id != call.id);
        (!another).then_some(found)
    }

    fn last_if(&self, goes_on: bool) -> Option<usize> {
        if goes_on {
            self.0.len().checked_sub(1)
        } else {
            None
        }
    }

    fn begin(
        &mut self,
        number: Option<u64>,
        id: Option<String>,
        reply: &str,
    ) -> Result<usize, String> {
        let index = self.0.len();
        if index == limits::TOOL_CALLS {
            return Err(format!(
                "more than {} tool calls in one reply",
                limits::TOOL_CALLS
            ));
        }
        self.0.push(Call {
            number,
            // Made from the reply's id, so that calls of two replies in one conversation differ.
            id: id.unwrap_or_else(|| format!("call_{reply}_{index}")),
            name: String::new(),
            told: 0,
            held: String::new(),
            extra: None,
        });
        Ok(index)
    }
}
