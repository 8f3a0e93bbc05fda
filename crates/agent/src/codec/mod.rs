//! The protocols of agents: pure state machines between lines of bytes and one vocabulary.
//!
//! A [`Codec`] is one agent process. Commands go in and frames come out; frames go in and [`Event`]s come out. It reads
//! no clock, starts nothing and fails at nothing: what an agent says that makes no sense is a notice.
//!
//! Three rules hold for each of them. **A turn ends once**, with [`Event::TurnEnded`], after all that it had open was
//! closed; neither a process exit nor the first word that sounds like an end is one, and an end that carries an error is
//! a failure whatever it calls itself. **Only what is new comes out**, however often an agent repeats itself. **What is
//! to be approved is never cut.**
//!
//! # Why no crate for the Agent Client Protocol
//!
//! `agent-client-protocol-schema` was read and builds. It turns on `preserve_order` of `serde_json`, and with it changes
//! the order of every JSON object of this program, stored ones included; it brings seven more crates; and its types
//! refuse a frame as a whole where ours take what they know and keep the rest.

mod capabilities;
mod command;
mod event;
mod launch;
mod settings;

mod moves;
mod wire;

mod grown;
mod json;
mod odd;
mod open;
mod rpc;
mod tool_name;

mod acp;
mod claude;
mod codex;
mod pi;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod played;
#[cfg(test)]
mod recordings;

pub use self::capabilities::{Can, Capabilities, FollowUp, Steer};
pub use self::command::{Command, Decision, Image, InputId, Said};
pub use self::event::{
    Event, Failure, FailureCode, Level, Part, PlanStep, PlanStepStatus, Question, TaskStatus,
    ToolKind, ToolStatus, TurnStatus, Usage,
};
pub use self::launch::Launch;
pub use self::moves::Moves;
pub use self::settings::{Approval, Raw, Settings};
pub use self::wire::{Codec, Waiting, Wire};
