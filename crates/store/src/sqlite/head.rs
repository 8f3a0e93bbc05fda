//! A run in the writer's memory.

use std::sync::Arc;

use bytes::Bytes;
use run::{
    AgentSpec, AppendNo, Fence, Holder, Input, Policy, Run, RunId, Seq, Status, Step, Tenant,
    ThreadId, Timestamp, Trigger, User, WorkerId,
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
    pub(crate) log_expired: bool,
    pub(crate) append: LastAppend,
    /// Events up to here are in chunks.
    pub(crate) folded: Seq,
    /// The frames behind that, in order.
    pub(crate) waiting: Vec<Bytes>,
    pub(crate) waiting_bytes: usize,
    /// The journal row of the oldest of them.
    pub(crate) first_off: Option<i64>,
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
        let next_at =
            match self
                .control
                .next_step(&self.origin.policy, self.updated_at, Holder::Alive)
            {
                Step::SleepUntil(at) => Some(at),
                Step::Expire(_) | Step::Conclude(_) => Some(self.updated_at),
                Step::Nothing | Step::Claim | Step::Lose | Step::Wait => None,
            };
        Columns {
            status: self.control.status(),
            is_current: self.is_current,
            line: self.line,
            due_at: self.control.due_at().filter(|_| self.is_current),
            next_at,
            worker: self.worker.clone(),
        }
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
            metadata: origin.metadata.clone(),
            applied: self.applied.clone(),
            log_expired: self.log_expired,
        }
    }
}
