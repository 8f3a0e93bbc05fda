//! Pauses between tries of something that has to succeed.

use std::time::Duration;

use crate::limits::WRITE_PAUSE;

/// Pauses that double up to a bound.
#[derive(Debug)]
pub(crate) struct Pause {
    next: Duration,
}

impl Pause {
    pub(crate) fn new() -> Self {
        Self {
            next: WRITE_PAUSE.0,
        }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(WRITE_PAUSE.1);
        pause
    }
}
