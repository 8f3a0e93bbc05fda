//! The events of a run's log.
//!
//! Types are only ever added. An event of an unknown type, or of a known type with data that this version cannot
//! read, is kept as [`Event::Unknown`] and shown as it is: one odd record never makes a log unreadable.

mod file;
mod input;
mod lifecycle;
mod notice;
mod plan;
mod request;
mod session;
mod state;
mod text;
mod tool;
mod turn;
mod usage;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub use file::*;
pub use input::*;
pub use lifecycle::*;
pub use notice::*;
pub use plan::*;
pub use request::*;
pub use session::*;
pub use state::*;
pub use text::*;
pub use tool::*;
pub use turn::*;
pub use usage::*;

use crate::{Seq, Timestamp};

/// Declares the enum of all events, their names on the wire and the reading of their data.
macro_rules! events {
    ($($name:ident $wire:literal)*) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $(
                #[doc = concat!("`", $wire, "`")]
                $name($name),
            )*
            /// A type or a shape that this version does not know; kept as it was written.
            Unknown(Unknown),
        }

        /// Every event type that can be stored, in the order of the design's table.
        pub const TYPES: &[&str] = &[$($wire),*];

        impl Event {
            /// The type, as in the envelope.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$name(_) => $wire,)*
                    Self::Unknown(unknown) => &unknown.kind,
                }
            }

            /// Writes the data as JSON, without line breaks.
            pub fn write_data(&self, out: &mut Vec<u8>) {
                let written = match self {
                    $(Self::$name(data) => serde_json::to_writer(&mut *out, data),)*
                    Self::Unknown(unknown) => serde_json::to_writer(&mut *out, &unknown.data),
                };
                written.expect("event data has string keys and a Vec takes all bytes");
            }

            /// Reads the data of a type that is known; nothing where it is not, or has another shape.
            pub(crate) fn read_known(kind: &str, data: &str) -> Option<Self> {
                match kind {
                    $($wire => serde_json::from_str(data).ok().map(Self::$name),)*
                    _ => None,
                }
            }

            /// Reads type and data; what cannot be read is kept as unknown.
            pub fn read(kind: &str, data: &RawValue) -> Self {
                Self::read_known(kind, data.get()).unwrap_or_else(|| {
                    Self::Unknown(Unknown {
                        kind: kind.to_owned(),
                        data: serde_json::from_str(data.get()).unwrap_or(serde_json::Value::Null),
                    })
                })
            }
        }

        $(
            impl From<$name> for Event {
                fn from(data: $name) -> Self {
                    Self::$name(data)
                }
            }
        )*
    };
}

events! {
    RunCreated "run.created"
    AttemptStarted "attempt.started"
    AttemptEnded "attempt.ended"
    RunWaiting "run.waiting"
    StopRequested "stop.requested"
    RunFinished "run.finished"
    InputReceived "input.received"
    InputConsumed "input.consumed"
    InputReturned "input.returned"
    SessionStarted "session.started"
    SessionChanged "session.changed"
    SessionExited "session.exited"
    PromptRendered "prompt.rendered"
    TurnStarted "turn.started"
    TurnCompleted "turn.completed"
    StepStarted "step.started"
    StepFinished "step.finished"
    MessageStarted "message.started"
    TextDelta "text.delta"
    ReasoningDelta "reasoning.delta"
    MessageCompleted "message.completed"
    MessageDiscarded "message.discarded"
    ToolStarted "tool.started"
    ToolArgsDelta "tool.args.delta"
    ToolCalled "tool.called"
    ToolRunning "tool.running"
    ToolOutput "tool.output"
    ToolUpdated "tool.updated"
    ToolCompleted "tool.completed"
    ApprovalRequested "approval.requested"
    ApprovalResolved "approval.resolved"
    QuestionAsked "question.asked"
    QuestionAnswered "question.answered"
    ClientToolCalled "client_tool.called"
    ClientToolAnswered "client_tool.answered"
    RequestExpired "request.expired"
    PlanUpdated "plan.updated"
    PlanProposed "plan.proposed"
    PlanImplemented "plan.implemented"
    TaskStarted "task.started"
    TaskProgress "task.progress"
    TaskCompleted "task.completed"
    UsageUpdated "usage.updated"
    ContextCompacted "context.compacted"
    RetryScheduled "retry.scheduled"
    WorktreeReady "worktree.ready"
    DiffUpdated "diff.updated"
    CheckpointCaptured "checkpoint.captured"
    WorktreeSettled "worktree.settled"
    StateSnapshot "state.snapshot"
    StateDelta "state.delta"
    Notice "notice"
    Raw "raw"
    Custom "custom"
}

impl Event {
    /// Whether this is the one event that closes a log.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::RunFinished(_))
    }
}

/// An event that this version does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// Its type.
    pub kind: String,
    /// Its data.
    pub data: serde_json::Value,
}

/// One record of a log, stored and streamed alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope {
    /// Its number in the run's log.
    pub seq: Seq,
    /// When it was stored.
    pub at: Timestamp,
    /// The attempt that was under way, 0 before the first.
    pub attempt: u32,
    /// What happened.
    pub event: Event,
}

impl Serialize for Envelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut data = Vec::new();
        self.event.write_data(&mut data);
        let data = String::from_utf8(data).map_err(serde::ser::Error::custom)?;
        let data = RawValue::from_string(data).map_err(serde::ser::Error::custom)?;
        let mut envelope = serializer.serialize_struct("Envelope", 5)?;
        envelope.serialize_field("seq", &self.seq)?;
        envelope.serialize_field("at", &self.at)?;
        envelope.serialize_field("attempt", &self.attempt)?;
        envelope.serialize_field("type", self.event.kind())?;
        envelope.serialize_field("data", &data)?;
        envelope.end()
    }
}

impl<'de> Deserialize<'de> for Envelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            seq: Seq,
            at: Timestamp,
            attempt: u32,
            r#type: String,
            data: Box<RawValue>,
        }
        let Fields {
            seq,
            at,
            attempt,
            r#type,
            data,
        } = Fields::deserialize(deserializer)?;
        Ok(Self {
            seq,
            at,
            attempt,
            event: Event::read(&r#type, &data),
        })
    }
}
