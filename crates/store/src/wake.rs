//! Hints: that something may have changed, without data. Losing every hint costs only latency, because whoever is
//! woken acts on what is stored.

use std::sync::Arc;

use run::{Run, RunId, Status, Tenant, ThreadId, User};
use tokio::sync::watch;

use crate::tail::Tail;

/// A change of a run's status or of a thread, for boards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub tenant: Tenant,
    /// Who in the tenant.
    pub created_by: Option<User>,
    /// The thread.
    pub thread: ThreadId,
    /// The run, unless the thread itself changed.
    pub run: Option<(RunId, Status)>,
    /// Whether the run is of an ephemeral agent.
    pub ephemeral: bool,
}

/// A worker's view of one run: woken by every commit that touches it.
pub struct RunWatch {
    pub(crate) tail: Arc<Tail>,
    pub(crate) head: watch::Receiver<u64>,
}

impl RunWatch {
    /// Waits until something was committed since this was last called.
    pub async fn changed(&mut self) {
        // The sender lives in the tail that this value holds, so it cannot be gone.
        let _ = self.head.changed().await;
    }

    /// The control state behind the newest commit that is visible.
    pub fn control(&self) -> Arc<Run> {
        self.tail.control()
    }

    /// How many follow the run now.
    pub fn n_followers(&self) -> usize {
        self.tail.n_followers()
    }
}
