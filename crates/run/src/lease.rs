//! The promise of a worker to be alive.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A worker's lease: renewed while it lives, over when it does not come back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Over at this time, by the store's clock.
    pub until: Timestamp,
}

impl Lease {
    /// A lease from now on.
    pub fn from(now: Timestamp, length_ms: u64) -> Self {
        Self {
            until: now.plus_ms(length_ms),
        }
    }

    /// Whether it holds.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.until
    }
}
