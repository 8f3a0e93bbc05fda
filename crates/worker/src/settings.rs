//! How a worker behaves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use run::{NodeId, Timestamp, WorkerId};

/// Reads the time; a simulation brings its own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a worker behaves. Built by whoever composes the program.
#[derive(Clone)]
pub struct Settings {
    /// This worker between its start and its end; no other may have the name. A lease that was lost is followed by one
    /// under a name derived from it.
    pub worker: WorkerId,
    /// The machine.
    pub node: NodeId,
    /// Attempts at once.
    pub slots: usize,
    /// Length of the lease.
    pub lease: Duration,
    /// How often the lease is renewed.
    pub renew: Duration,
    /// How often is looked for due runs when no hint comes.
    pub poll: Duration,
    /// How often is swept at least.
    pub sweep: Duration,
    /// How long attempts may go on to a good place to stop when the server stops.
    pub drain: Duration,
    /// The time.
    pub clock: Clock,
}

impl Settings {
    /// Every default.
    pub fn new(worker: WorkerId, node: NodeId) -> Self {
        Self {
            worker,
            node,
            slots: 256,
            lease: Duration::from_secs(5),
            renew: Duration::from_secs(1),
            poll: Duration::from_secs(1),
            sweep: Duration::from_secs(1),
            drain: Duration::from_secs(10),
            clock: Arc::new(system_clock),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn lease_ms(&self) -> u64 {
        u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("worker", &self.worker)
            .field("node", &self.node)
            .field("slots", &self.slots)
            .field("lease", &self.lease)
            .field("drain", &self.drain)
            .finish_non_exhaustive()
    }
}

pub(crate) fn system_clock() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
