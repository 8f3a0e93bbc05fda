//! The life of a run: created, attempted, waiting, stopped, finished.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    By, CallId, DriverKind, ErrorInfo, Input, Reason, RequestId, RunId, Status, ThreadId,
    Timestamp, Trigger, Usage, WaitMode,
};

/// The run exists. Always the first event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCreated {
    /// The agent's name.
    pub agent: String,
    /// How attempts are performed.
    pub driver: DriverKind,
    /// The thread it belongs to.
    pub thread: ThreadId,
    /// What started it.
    pub trigger: Trigger,
    /// What it is asked.
    pub input: Input,
    /// Ids that clients of other protocols gave to it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub client: Map<String, Value>,
    /// The run whose place it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<RunId>,
    /// The run whose result it refines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refines: Option<RunId>,
    /// The run that it does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<RunId>,
    /// The call of another agent's run that it performs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Whether its output has to fit a schema.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub structured: bool,
}

/// The call that a run performs for the run of another agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// The run that calls.
    pub run: RunId,
    /// Its call.
    pub call: CallId,
    /// How many agents there are above, from 1.
    pub depth: u32,
}

/// A worker has begun to perform the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptStarted {
    /// How it is performed.
    pub driver: DriverKind,
    /// Whether it goes on behind an earlier attempt.
    #[serde(default)]
    pub resumes: bool,
}

/// How an attempt ended when the run did not end with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The run waits without a worker.
    Parked,
    /// The worker leaves in good order.
    HandedOver,
    /// The worker died, lost its lease or its driver broke off.
    Lost,
}

/// An attempt is over and the run is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnded {
    /// How.
    pub end: AttemptEnd,
    /// Why, for people.
    pub why: String,
    /// When the run is due for its next attempt, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// The run waits for its client, a child run or a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunWaiting {
    /// The open requests it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<RequestId>,
    /// The open calls that runs of other agents perform.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CallId>,
    /// Whether a worker keeps it meanwhile.
    pub mode: WaitMode,
    /// When it goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
}

/// Somebody asked for the run to end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopRequested {
    /// Who.
    pub by: By,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The run that takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RunId>,
}

/// The run has ended. Always the last event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// A final status.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// The vendor's own word for the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorInfo>,
    /// All that the run consumed.
    pub usage: Usage,
    /// The structured result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}
