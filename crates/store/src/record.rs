//! A run as the store knows it.

use std::sync::Arc;

use run::event::Parent;
use run::{
    AgentSpec, Event, Input, Run, RunId, Status, Tenant, ThreadId, Timestamp, Trigger, User,
    WorkerId,
};
use serde_json::{Map, Value};

/// A run with everything but its log.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub tenant: Tenant,
    /// Who in the tenant.
    pub created_by: Option<User>,
    /// The thread it belongs to.
    pub thread: ThreadId,
    /// The agent's name.
    pub agent: String,
    /// The agent as it was resolved for this run.
    pub spec: Arc<AgentSpec>,
    /// What it is asked.
    pub input: Arc<Input>,
    /// What started it.
    pub trigger: Trigger,
    /// The control state.
    pub control: Arc<Run>,
    /// Whether it is the thread's current run.
    pub is_current: bool,
    /// The worker that has it.
    pub worker: Option<WorkerId>,
    /// The structured result.
    pub output: Option<Value>,
    /// The run whose result it refines.
    pub refines: Option<RunId>,
    /// The call of another agent's run that it performs.
    pub parent: Option<Parent>,
    /// The client's own data.
    pub metadata: Map<String, Value>,
    /// When and by whom its result was applied.
    pub applied: Option<Applied>,
    /// When the worktree that it owned was removed.
    pub worktree_removed_at: Option<Timestamp>,
    /// Whether its log was deleted by age.
    pub log_expired: bool,
}

/// That a result was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// What the client wants to remember with it.
    pub reference: Option<String>,
}

/// What a client's command did.
#[derive(Debug, Clone, PartialEq)]
pub struct Commanded {
    /// The run behind it.
    pub run: RunRecord,
    /// What was written; nothing when what was asked for already held.
    pub events: Vec<Event>,
}

/// How many runs are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for a worker or in line.
    pub queued: u64,
    /// Performed now.
    pub running: u64,
    /// Waiting for their clients.
    pub waiting: u64,
}

/// Which runs to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this thread.
    pub thread: Option<ThreadId>,
    /// Of this agent.
    pub agent: Option<String>,
    /// In one of these states; in any if empty.
    pub statuses: Vec<Status>,
    /// That this run started through its agents.
    pub parent: Option<RunId>,
    /// Also runs of ephemeral agents.
    pub with_ephemeral: bool,
}

/// What a compaction did to one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compaction {
    /// The run.
    pub run: RunId,
    /// Bytes of its log before.
    pub before_bytes: u64,
    /// Bytes of its log after.
    pub after_bytes: u64,
}
