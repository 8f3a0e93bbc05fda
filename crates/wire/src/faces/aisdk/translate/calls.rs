//! Tool calls.

use run::event::{ToolCalled, ToolCompleted, ToolStarted, ToolStatus};
use run::{MessageId, Seq};
use serde_json::Value;

use super::super::chunk::Chunk;
use super::super::ids::in_chat;
use super::super::lines::Lines;
use super::Translator;

/// A call without a result.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: Option<String>,
    /// The message that asks for it.
    pub(super) message: Option<MessageId>,
    pub(super) performer: Performer,
    /// Whether a person was asked about it.
    pub(super) was_asked: bool,
}

/// Who performs a call, as the client is to see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Performer {
    /// We do. Its type is not the client's.
    Server,
    /// The client.
    Client,
    /// The client has: it must not do it again because it reads of it again.
    ClientBefore,
}

impl Translator {
    pub(super) fn start_call(&mut self, started: &ToolStarted, seq: Seq, lines: &mut Lines) {
        let of = started.message.as_ref();
        if of.is_some_and(|message| self.view.left_out.contains(message)) {
            self.hidden_calls.insert(started.call.clone());
            return;
        }
        self.belongs(of, lines);
        let is_client = self.view.client_tools.contains(&started.name);
        let is_past = seq <= self.view.known && !self.view.at_client.contains(&started.call);
        let call = Call {
            id: in_chat(self.view.run, &started.call),
            name: started.name.clone(),
            title: started.title.clone(),
            message: started.message.clone(),
            performer: match (is_client, is_past) {
                (true, false) => Performer::Client,
                (true, true) => Performer::ClientBefore,
                (false, _) => Performer::Server,
            },
            was_asked: false,
        };
        lines.put(&call.input_start());
        self.calls.insert(started.call.clone(), call);
    }

    pub(super) fn called(&mut self, called: &ToolCalled, lines: &mut Lines) {
        if let Some(call) = self.calls.get(&called.call) {
            lines.put(&call.input_available(&called.args));
        }
    }

    pub(super) fn end_call(&mut self, completed: &ToolCompleted, lines: &mut Lines) {
        if self.hidden_calls.remove(&completed.call) {
            return;
        }
        let Some(call) = self.calls.remove(&completed.call) else {
            return;
        };
        let provider_executed = call.performer.has_executed();
        self.was_at_client |= call.performer != Performer::Server;
        let tool_call_id = &call.id;
        match completed.status {
            ToolStatus::Ok => lines.put(&Chunk::ToolOutputAvailable {
                tool_call_id,
                output: &completed.result,
                provider_executed,
            }),
            ToolStatus::Denied if call.was_asked => {
                lines.put(&Chunk::ToolOutputDenied { tool_call_id });
            }
            // A denial by a rule: the client's word for it goes with an approval.
            ToolStatus::Denied
            | ToolStatus::Failed
            | ToolStatus::Interrupted
            | ToolStatus::Unknown => {
                lines.put(&Chunk::ToolOutputError {
                    tool_call_id,
                    error_text: &failure(completed.status, &completed.result),
                    provider_executed,
                });
            }
        }
    }
}

impl Performer {
    /// What is said before a call has ended. A client hands a call to its page unless somebody else has performed it; and
    /// it does not go on by itself while calls are open that nobody has performed, so one that we perform is not said to
    /// be ours before its end.
    fn executed(self) -> Option<bool> {
        match self {
            Self::Server | Self::Client => None,
            Self::ClientBefore => Some(true),
        }
    }

    /// What is said at its end.
    fn has_executed(self) -> Option<bool> {
        match self {
            Self::Server => Some(true),
            Self::Client => None,
            Self::ClientBefore => Some(false),
        }
    }

    /// Whether the client does not know the tool.
    pub(super) fn dynamic(self) -> Option<bool> {
        match self {
            Self::Server => Some(true),
            Self::Client | Self::ClientBefore => None,
        }
    }
}

impl Call {
    pub(super) fn input_start(&self) -> Chunk<'_> {
        Chunk::ToolInputStart {
            tool_call_id: &self.id,
            tool_name: &self.name,
            provider_executed: self.performer.executed(),
            dynamic: self.performer.dynamic(),
            title: self.title.as_deref(),
        }
    }

    pub(super) fn input_available<'a>(&'a self, input: &'a Value) -> Chunk<'a> {
        Chunk::ToolInputAvailable {
            tool_call_id: &self.id,
            tool_name: &self.name,
            input,
            provider_executed: self.performer.executed(),
            dynamic: self.performer.dynamic(),
            title: self.title.as_deref(),
        }
    }
}

/// What to say of a call that has no output.
pub(in super::super) fn failure(status: ToolStatus, result: &Value) -> String {
    match (status, result) {
        (_, Value::String(text)) => text.clone(),
        (ToolStatus::Interrupted, Value::Null) => "the call was interrupted".to_owned(),
        (ToolStatus::Unknown, Value::Null) => {
            "nobody knows whether the call took effect".to_owned()
        }
        (ToolStatus::Denied, Value::Null) => "the call was denied".to_owned(),
        (ToolStatus::Ok | ToolStatus::Failed, Value::Null) => "the call failed".to_owned(),
        (_, other) => other.to_string(),
    }
}
