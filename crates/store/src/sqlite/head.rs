//! A run in the writer's memory.

use std::sync::Arc;

use bytes::Bytes;
use run::event::Parent;
use run::{
    AgentSpec, AppendNo, Fence, Input, Policy, Run, RunId, Seq, Status, Tenant, ThreadId,
    Timestamp, Trigger, User, WorkerId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::tail::Tail;
use crate::{Applied, RunRecord};

/// What never changes about a run.
pub(crate) struct Origin {
    pub(crate) id: RunId,
    pub(crate) key: i64,
    pub(crate) tenant: Tenant,
    pub(crate) created_by: Option<User>,
    pub(crate) thread_key: i64,
    pub(crate) thread: ThreadId,
    pub(crate) agent: String,
    pub(crate) spec: Arc<AgentSpec>,
    pub(crate) policy: Policy,
    pub(crate) input: Arc<Input>,
    pub(crate) trigger: Trigger,
    pub(crate) refines: Option<RunId>,
    pub(crate) parent: Option<Parent>,
    pub(crate) metadata: Map<String, Value>,
}

/// A run in the writer's memory, ahead of its row.
pub(crate) struct Head {
    pub(crate) origin: Arc<Origin>,
    pub(crate) control: Arc<Run>,
    pub(crate) last: Seq,
    pub(crate) updated_at: Timestamp,
    pub(crate) is_current: bool,
    pub(crate) line: Option<i64>,
    pub(crate) worker: Option<WorkerId>,
    pub(crate) output: Option<Value>,
    pub(crate) applied: Option<Applied>,
    pub(crate) worktree_removed_at: Option<Timestamp>,
    pub(crate) log_expired: bool,
    pub(crate) append: LastAppend,
    /// Events up to here are in chunks.
    pub(crate) folded: Seq,
    /// The frames behind that, in order.
    pub(crate) waiting: Vec<Bytes>,
    pub(crate) waiting_bytes: usize,
    /// The journal row of the oldest of them.
    pub(crate) first_off: Option<i64>,
    /// Whether something happened since the columns were compared; deltas alone never move them.
    pub(crate) is_moved: bool,
    /// What the row's columns say.
    pub(crate) saved: Columns,
    /// The control state as the row has it.
    pub(crate) saved_control: Arc<Run>,
    pub(crate) tail: Arc<Tail>,
}

/// The last append of the present attempt, so that its repetition finds its result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastAppend {
    pub(crate) fence: Fence,
    pub(crate) no: AppendNo,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
}

impl LastAppend {
    /// The later one of two: fences grow, and numbers grow within a fence.
    pub(crate) fn or_newer(self, other: Self) -> Self {
        if (other.fence, other.no) > (self.fence, self.no) {
            other
        } else {
            self
        }
    }
}

/// The columns that queries use: the row is written when they move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) status: Status,
    pub(crate) is_current: bool,
    pub(crate) line: Option<i64>,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) worker: Option<WorkerId>,
}

impl Columns {
    /// Of a run that is not there: everything counts as a change against it.
    pub(crate) fn none() -> Self {
        Self {
            status: Status::Succeeded,
            is_current: false,
            line: None,
            due_at: None,
            next_at: None,
            worker: None,
        }
    }
}

impl Head {
    /// Whether it can be read back from its row at any time: nothing waits for a chunk and nobody has it.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.worker.is_none()
    }

    /// What the row's columns should say.
    pub(crate) fn columns(&self) -> Columns {
        // A run that is due at once stands where its creation puts it: a queue that never empties must not keep a
        // retry waiting for ever.
        let due_at = self.control.due_at().filter(|_| self.is_current);
        Columns {
            status: self.control.status(),
            is_current: self.is_current,
            line: self.line,
            due_at: due_at.map(|at| at.max(self.control.created_at)),
            next_at: self.next_at(),
            worker: self.worker.clone(),
        }
    }

    /// When a sweep has something to do for this run. That it is due for a claim is no business of a sweep: a queued
    /// run would fill every sweep until somebody takes it, and its deadline would never be looked at.
    fn next_at(&self) -> Option<Timestamp> {
        let (run, policy) = (&self.control, &self.origin.policy);
        if run.is_final() {
            return None;
        }
        let stop = run
            .stop
            .as_ref()
            .map(|stop| stop.at.plus_ms(policy.stop_timeout_ms));
        let grace_ms = if run.is_held() {
            policy.stop_timeout_ms
        } else {
            0
        };
        let deadline = policy.budget.deadline(run).map(|at| at.plus_ms(grace_ms));
        let expiry = run
            .requests
            .values()
            .filter_map(|open| open.expires_at)
            .min();
        [stop, deadline, expiry].into_iter().flatten().min()
    }

    /// The control state with the numbers that deltas move.
    pub(crate) fn control_now(&self) -> Arc<Run> {
        if self.control.last_seq == self.last {
            return Arc::clone(&self.control);
        }
        let mut control = Run::clone(&self.control);
        control.last_seq = self.last;
        control.updated_at = self.updated_at;
        Arc::new(control)
    }

    pub(crate) fn record(&self) -> RunRecord {
        let origin = &self.origin;
        RunRecord {
            id: origin.id,
            tenant: origin.tenant.clone(),
            created_by: origin.created_by.clone(),
            thread: origin.thread.clone(),
            agent: origin.agent.clone(),
            spec: Arc::clone(&origin.spec),
            input: Arc::clone(&origin.input),
            trigger: origin.trigger,
            control: self.control_now(),
            is_current: self.is_current,
            worker: self.worker.clone(),
            output: self.output.clone(),
            refines: origin.refines,
            parent: origin.parent.clone(),
            metadata: origin.metadata.clone(),
            applied: self.applied.clone(),
            worktree_removed_at: self.worktree_removed_at,
            log_expired: self.log_expired,
        }
    }
}
