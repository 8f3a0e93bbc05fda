//! What a run is: states, events, commands, the agent catalogue's types and the folds.
//!
//! The one rule of this crate: it is pure. It performs no IO, reads no clock and draws no randomness; time and ids are
//! arguments. Two folds are made from a log: [`Run`], the bounded control state that decisions need, and
//! [`Snapshot`], the unbounded view that people read.

mod id;
mod limits;
mod seq;
mod time;

mod agent;
mod coding;
mod content;
mod history;
mod problems;
mod script;
mod tools;
mod upstream;
mod usage;
mod worktree;

pub mod event;
pub mod frame;

mod budget;
mod command;
mod retry;
mod status;

mod admit;
mod apply;
mod closure;
mod decide;
mod lease;
mod state;
mod step;

pub mod snapshot;

#[cfg(test)]
mod tests;

pub use agent::{
    AgentSpec, BudgetEnd, CommandSpec, DriverKind, ModelSpec, OnLost, Policy, Setting, Structured,
    Survives,
};
pub use budget::{Budget, Exhausted};
pub use coding::{Approval, Cleanup, WorktreeUse, preview_thread, preview_threads};
pub use command::{Answer, Command, Refused, WaitMode, Work};
pub use content::{By, ChatMessage, ClientTool, Input, Part, Role, depth, is_shallow, text_of};
pub use event::{Envelope, Event};
pub use history::{History, OverBudget};
pub use id::{
    CallId, CheckpointId, InputId, InvalidId, MessageId, NodeId, PlanId, RequestId, RunId, StepId,
    TaskId, Tenant, ThreadId, TurnId, User, WorkerId,
};
pub use lease::Lease;
pub use limits::*;
pub use retry::Backoff;
pub use script::ScriptStep;
pub use seq::{AppendNo, Fence, Seq};
pub use snapshot::Snapshot;
pub use state::{
    CallStage, ClosedRequest, OpenCall, OpenMessage, OpenRequest, PendingInput, RequestKind, Run,
    State, Stop,
};
pub use status::{ErrorInfo, Outcome, Reason, Status, Trigger};
pub use step::{Holder, Step};
pub use time::Timestamp;
pub use tools::{BuiltinTool, Permission, ToolRule, Tools};
pub use usage::Usage;
pub use worktree::{MergeHow, WorktreeCommand, WorktreeTask};
