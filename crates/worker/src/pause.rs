//! Waiting: for a time, and between tries of something that has to succeed.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::limits::WRITE_PAUSE;

/// Completes at a time, or never.
pub(crate) async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

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
