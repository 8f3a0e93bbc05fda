//! Starting a run.

use run::event::Parent;
use run::{AgentSpec, Input, InputId, RunId, ThreadId, Trigger};
use serde_json::{Map, Value};

use crate::{RunRecord, Scope, Sealed, SegmentName};

/// What happens when the thread has a current run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The start is refused.
    Reject,
    /// The new run stands in line.
    Enqueue,
    /// The new run takes the place of this one.
    Supersede(RunId),
    /// The input goes to the current run.
    Steer,
}

/// A key under which a repeat gives the same run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key.
    pub key: String,
    /// A hash of the whole request.
    pub body_hash: [u8; 32],
}

/// A run to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Its id, made by the caller.
    pub run: RunId,
    /// Who starts it; a scope without user starts a run that belongs to no user.
    pub scope: Scope,
    /// Its thread; an unknown one is created.
    pub thread: ThreadId,
    /// The agent's name.
    pub agent: String,
    /// The agent, resolved.
    pub spec: AgentSpec,
    /// What it is asked.
    pub input: Input,
    /// What happens on a busy thread.
    pub on_conflict: OnConflict,
    /// What starts it.
    pub trigger: Trigger,
    /// The run whose result it refines.
    pub refines: Option<RunId>,
    /// The run that it does again: that one is no part of the thread's history any more.
    pub retries: Option<RunId>,
    /// The call of another agent's run that it performs. Refused when that run has ended.
    pub parent: Option<Parent>,
    /// The name that a client of another protocol gives to it: a repeat under the name is the same run.
    pub segment: Option<SegmentName>,
    /// What else clients of other protocols want to have kept with it.
    pub client: Map<String, Value>,
    /// The client's own data.
    pub metadata: Map<String, Value>,
    /// The key of the request.
    pub idempotency: Option<Idempotency>,
    /// Keys and headers that it brings along: kept while it is open, erased in the transaction of its end.
    pub credentials: Option<Sealed>,
}

impl Start {
    /// The start of a run by a program, refused on a busy thread.
    pub fn new(
        run: RunId,
        scope: Scope,
        thread: ThreadId,
        agent: String,
        spec: AgentSpec,
        input: Input,
    ) -> Self {
        Self {
            run,
            scope,
            thread,
            agent,
            spec,
            input,
            on_conflict: OnConflict::Reject,
            trigger: Trigger::Api,
            refines: None,
            retries: None,
            parent: None,
            segment: None,
            client: Map::new(),
            metadata: Map::new(),
            idempotency: None,
            credentials: None,
        }
    }
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// The run.
    pub run: RunRecord,
    /// How it came about.
    pub fate: Fate,
}

/// How a start was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// There is a new run.
    Created,
    /// The key was used before, for this run.
    Repeated,
    /// The current run got the input.
    Steered(InputId),
}
