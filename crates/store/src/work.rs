//! What workers do: claim, write, end.

use std::sync::Arc;

use run::{AppendNo, Event, Fence, Run, RunId, Seq, Timestamp, WorkerId};

use crate::RunRecord;

/// A worker asks for runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which worker; it must have a lease.
    pub worker: WorkerId,
    /// How many at most.
    pub max: usize,
}

/// A run that a worker has from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The run; its control state holds attempt and fence.
    pub run: RunRecord,
    /// The right to write.
    pub fence: Fence,
}

/// Events of a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The run.
    pub run: RunId,
    /// The right to write.
    pub fence: Fence,
    /// Its number within the attempt. Repeating one whose commit was uncertain returns its first result.
    pub append_no: AppendNo,
    /// What happened.
    pub events: Vec<Event>,
}

/// What an append did.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// The number of its first event.
    pub first: Seq,
    /// The number of its last event.
    pub last: Seq,
    /// The control state behind it; its own number and time may lag behind deltas, which do not move it.
    pub control: Arc<Run>,
}

/// What a worker's other write did.
#[derive(Debug, Clone, PartialEq)]
pub struct Worked {
    /// Whether anything was written; a wait whose answer came first writes nothing.
    pub wrote: bool,
    /// The control state behind it.
    pub control: Arc<Run>,
}

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Attempts that were settled because their worker is gone, with the run's status behind it.
    pub lost: Vec<(RunId, run::Status)>,
    /// Requests that expired.
    pub n_expired: usize,
    /// Runs that were ended from outside.
    pub concluded: Vec<RunId>,
    /// When the next sweep has something to do, as far as known.
    pub next_at: Option<Timestamp>,
    /// Whether more was due than one sweep does.
    pub more: bool,
}
