//! The control state of a run: all that decisions need, bounded, and a fold of its log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{Decision, InputMode};
use crate::{
    By, CallId, DriverKind, Fence, InputId, MessageId, Outcome, RequestId, Role, RunId, Seq,
    Status, StepId, TaskId, Timestamp, TurnId, Usage, WaitMode,
};

/// Where a run is, with the data that has meaning there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// Due for an attempt, now or at a time.
    Queued {
        /// When, if not now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Timestamp>,
    },
    /// An attempt is under way.
    Running,
    /// Waits for open requests, for runs of other agents, or for a time.
    Waiting {
        /// Whether a worker keeps it.
        mode: WaitMode,
        /// The requests that are still open.
        requests: Vec<RequestId>,
        /// The calls that runs of other agents still perform.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        calls: Vec<CallId>,
        /// When it goes on by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Timestamp>,
    },
    /// Ended.
    Final(Outcome),
}

/// A stop that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: By,
    /// The run that takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RunId>,
}

/// A message that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenMessage {
    /// The attempt that writes it.
    pub attempt: u32,
    /// Who speaks.
    pub role: Role,
}

/// How far a tool call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStage {
    /// Its arguments are not complete.
    Started,
    /// Its arguments are complete; the tool was not touched.
    Called,
    /// The tool may have acted.
    Running,
}

/// A tool call without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCall {
    /// How far it is.
    pub stage: CallStage,
    /// Whether it may be run again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idempotent: bool,
    /// The run of another agent that performs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// What kind of answer a request wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RequestKind {
    /// One of these decisions.
    Approval {
        /// The options.
        options: Vec<Decision>,
        /// What `allow_for_thread` allows: the name of a tool.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grants: Option<String>,
    },
    /// Answers by the ids of questions.
    Question {
        /// The ids.
        ids: Vec<String>,
    },
    /// The result of a tool.
    ClientTool {
        /// The call.
        call: CallId,
    },
}

/// A request without an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// What kind of answer it wants.
    pub wants: RequestKind,
    /// When nobody needs to answer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// An input that was accepted and not yet heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingInput {
    /// Its id.
    pub input: InputId,
    /// When it is to be heard.
    pub mode: InputMode,
}

/// The control state. Everything in it follows from the log, so it can be rebuilt and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Where it is.
    pub state: State,
    /// How attempts are performed.
    pub driver: DriverKind,
    /// The generation of the right to write.
    pub fence: Fence,
    /// The number of its last event.
    pub last_seq: Seq,
    /// The number of the last event that was no delta.
    #[serde(default)]
    pub moved_seq: Seq,
    /// Whether the present or last attempt has written deltas.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_written: bool,
    /// The number of its present or last attempt, 0 before the first.
    pub attempt: u32,
    /// Attempts lost since there was progress.
    pub n_lost: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its first attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When its last event happened.
    pub updated_at: Timestamp,
    /// The stop that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// The turn under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The model call under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// Turns so far.
    pub n_turns: u32,
    /// Model calls so far.
    pub n_steps: u32,
    /// Messages so far.
    pub n_messages: u32,
    /// Tool calls so far.
    pub n_calls: u32,
    /// Requests so far.
    pub n_requests: u32,
    /// Inputs so far.
    pub n_inputs: u32,
    /// Notices so far that somebody from outside has left.
    #[serde(default, skip_serializing_if = "is_none_told")]
    pub n_told: u32,
    /// Messages being written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub messages: BTreeMap<MessageId, OpenMessage>,
    /// Calls without a result.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<CallId, OpenCall>,
    /// Requests without an answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub requests: BTreeMap<RequestId, OpenRequest>,
    /// Inputs not yet heard, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<PendingInput>,
    /// Background tasks without an end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskId>,
    /// Messages that readers are to forget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<MessageId>,
    /// The last requests that were closed, so that a late answer hears which of the two it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed_requests: Vec<ClosedRequest>,
    /// Whether a request was answered with `cancel`, so that there is nothing to wait for, until the next one is made
    /// or the model is asked again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// What it consumed.
    pub usage: Usage,
    /// The beginning of the last finished answer, for lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What reopens the agent's own session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_ref: Option<Value>,
}

/// A request that has been closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedRequest {
    /// The request.
    pub request: RequestId,
    /// Whether it was answered; else it expired.
    pub answered: bool,
}

impl Run {
    /// The state before the first event.
    pub fn new() -> Self {
        Self {
            state: State::Queued { due_at: None },
            driver: DriverKind::Scripted,
            fence: Fence(0),
            last_seq: Seq::ZERO,
            moved_seq: Seq::ZERO,
            has_written: false,
            attempt: 0,
            n_lost: 0,
            created_at: Timestamp::default(),
            started_at: None,
            updated_at: Timestamp::default(),
            stop: None,
            turn: None,
            step: None,
            n_turns: 0,
            n_steps: 0,
            n_messages: 0,
            n_calls: 0,
            n_requests: 0,
            n_inputs: 0,
            n_told: 0,
            messages: BTreeMap::new(),
            calls: BTreeMap::new(),
            requests: BTreeMap::new(),
            inputs: Vec::new(),
            tasks: Vec::new(),
            discarded: Vec::new(),
            closed_requests: Vec::new(),
            cancelled: false,
            usage: Usage::default(),
            summary: None,
            resume_ref: None,
        }
    }

    /// The status that clients see.
    pub fn status(&self) -> Status {
        match &self.state {
            State::Queued { .. } => Status::Queued,
            State::Running => Status::Running,
            State::Waiting { .. } => Status::Waiting,
            State::Final(outcome) => outcome.status,
        }
    }

    /// Whether the run has ended.
    pub fn is_final(&self) -> bool {
        matches!(self.state, State::Final(_))
    }

    /// Whether a worker has the run: it runs, or waits held.
    pub fn is_held(&self) -> bool {
        match &self.state {
            State::Running
            | State::Waiting {
                mode: WaitMode::Held,
                ..
            } => true,
            State::Queued { .. }
            | State::Waiting {
                mode: WaitMode::Parked,
                ..
            }
            | State::Final(_) => false,
        }
    }

    /// When a worker may take it up; the epoch stands for "now". `None` while somebody has it, while it waits for its
    /// client alone, or after its end.
    pub fn due_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Queued { due_at } => Some(due_at.unwrap_or_default()),
            State::Waiting {
                mode: WaitMode::Parked,
                due_at,
                ..
            } => *due_at,
            State::Waiting {
                mode: WaitMode::Held,
                ..
            }
            | State::Running
            | State::Final(_) => None,
        }
    }

    /// Whether nothing is open that an end would have to close.
    pub fn is_closed(&self) -> bool {
        self.messages.is_empty()
            && self.calls.is_empty()
            && self.requests.is_empty()
            && self.inputs.is_empty()
            && self.tasks.is_empty()
            && self.turn.is_none()
    }
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_none_told(n: &u32) -> bool {
    *n == 0
}
