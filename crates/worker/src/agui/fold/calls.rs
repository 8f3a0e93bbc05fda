//! Calls of an agent.

use run::event::{ToolArgsDelta, ToolCalled, ToolCompleted, ToolKind, ToolStarted, ToolStatus};
use run::{CallId, MAX_NAME_BYTES, MessageId, bounded_text};
use serde_json::Value;

use super::super::names::{Begun, TooMany};
use super::Fold;
use crate::asked_calls::arguments;
use crate::limits::{CALL_ARGS_BYTES, UPSTREAM_CALLS, UPSTREAM_VALUE_BYTES};

/// A call without a result.
#[derive(Debug)]
pub(in super::super) struct OpenCall {
    /// Nothing while the log has it already.
    pub(in super::super) call: Option<CallId>,
    pub(in super::super) name: String,
    pub(super) args: String,
    pub(super) is_called: bool,
    pub(super) vendor: Option<Value>,
}

impl Fold {
    /// The calls without a result.
    pub(in super::super) fn open_calls(&self) -> impl Iterator<Item = (&str, &OpenCall)> {
        self.calls.iter().map(|(id, call)| (&**id, call))
    }

    /// The call of ours that an agent's id stands for, while it has no result.
    pub(in super::super) fn call(&self, theirs: &str) -> Option<&OpenCall> {
        self.calls.get(theirs)
    }

    pub(in super::super) fn is_at_client(&self, call: &OpenCall) -> bool {
        self.before.client_tools.contains(&call.name)
    }

    pub(super) fn begin_call(
        &mut self,
        id: &str,
        name: &str,
        parent: Option<&str>,
    ) -> Result<(), TooMany> {
        if self.calls.get(id).is_some_and(|call| !call.is_called) {
            return Ok(());
        }
        let begun = self.call_names.begin(id)?;
        if self.calls.contains_key(id) {
            // It waits for its result. Told again it is the same; told once more it is another one.
            match begun {
                Begun::Known => return Ok(()),
                Begun::New(_) => self.complete(id, ToolStatus::Unknown, Value::Null),
            }
        }
        if self.calls.len() >= UPSTREAM_CALLS
            && let Some(first) = self.calls.keys().next().cloned()
        {
            self.complete(&first, ToolStatus::Unknown, Value::Null);
        }
        let call = match begun {
            Begun::New(id) => CallId::parse(id).ok(),
            Begun::Known => None,
        };
        let name = bounded_text(name.to_owned(), MAX_NAME_BYTES);
        if let Some(call) = &call {
            let message = parent.map(|parent| self.messages.current(parent));
            self.events.push(
                ToolStarted {
                    call: call.clone(),
                    name: name.clone(),
                    kind: ToolKind::Other,
                    title: None,
                    message: message.and_then(|message| MessageId::parse(message).ok()),
                    idempotent: false,
                }
                .into(),
            );
        }
        let open = OpenCall {
            call,
            name,
            args: String::new(),
            is_called: false,
            vendor: None,
        };
        self.calls.insert(id.to_owned(), open);
        Ok(())
    }

    pub(super) fn args(&mut self, id: &str, text: String) {
        let Some(open) = self.calls.get_mut(id).filter(|call| !call.is_called) else {
            return;
        };
        // Longer arguments are told as such at the end; what is kept until then is bounded.
        let room = (CALL_ARGS_BYTES + 1).saturating_sub(open.args.len());
        open.args.push_str(&text[..text.floor_char_boundary(room)]);
        if open.args.len() > CALL_ARGS_BYTES || text.is_empty() {
            return;
        }
        if let Some(call) = open.call.clone() {
            self.events.push(ToolArgsDelta { call, text }.into());
        }
    }

    pub(super) fn end_call(&mut self, id: &str) {
        let Some(open) = self.calls.get_mut(id).filter(|call| !call.is_called) else {
            return;
        };
        open.is_called = true;
        let args = arguments(&std::mem::take(&mut open.args));
        match open.call.clone() {
            Some(call) => {
                let vendor = open.vendor.take();
                self.events.push(ToolCalled { call, args, vendor }.into());
            }
            None => drop(self.calls.remove(id)),
        }
    }

    pub(super) fn result(&mut self, id: &str, content: String) -> Result<(), TooMany> {
        if !self.calls.contains_key(id) {
            // It was told before.
            if self.call_names.is_known(id) {
                return Ok(());
            }
            // Of a call that was never told of.
            self.call_names.begin(id)?;
            let Ok(call) = CallId::parse(self.call_names.current(id)) else {
                return Ok(());
            };
            let started = ToolStarted {
                call: call.clone(),
                name: "tool".to_owned(),
                kind: ToolKind::Other,
                title: None,
                message: None,
                idempotent: false,
            };
            self.events.push(started.into());
            let open = OpenCall {
                call: Some(call),
                name: "tool".to_owned(),
                args: String::new(),
                is_called: false,
                vendor: None,
            };
            self.calls.insert(id.to_owned(), open);
        }
        self.end_call(id);
        self.complete(id, ToolStatus::Ok, fitting(content).into());
        Ok(())
    }

    /// A call has ended.
    pub(in super::super) fn complete(&mut self, id: &str, status: ToolStatus, result: Value) {
        if let Some(call) = self.calls.remove(id).and_then(|open| open.call) {
            let usage = None;
            self.events.push(
                ToolCompleted {
                    call,
                    status,
                    result,
                    usage,
                }
                .into(),
            );
        }
    }
}

/// A text as it fits into an event: printed as JSON some characters take more room.
fn fitting(mut text: String) -> String {
    let mut max_bytes = UPSTREAM_VALUE_BYTES;
    loop {
        text = bounded_text(text, max_bytes);
        let printed = serde_json::to_string(&text).map_or(0, |json| json.len());
        if printed <= UPSTREAM_VALUE_BYTES + 64 {
            return text;
        }
        max_bytes /= 2;
    }
}
