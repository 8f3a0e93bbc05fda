//! How long to wait before something is tried again.

use serde::{Deserialize, Serialize};

/// Delays that double from `first_ms` to `max_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    /// Before the second try.
    pub first_ms: u64,
    /// At most.
    pub max_ms: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first_ms: 500,
            max_ms: 30_000,
        }
    }
}

impl Backoff {
    /// The delay after the `n_failed`-th failure, from 1. What the other side asks for (`retry_after_ms`) wins when it
    /// is longer.
    pub fn delay_ms(&self, n_failed: u32, retry_after_ms: Option<u64>) -> u64 {
        let doublings = n_failed.saturating_sub(1).min(32);
        let own = self
            .first_ms
            .saturating_mul(1_u64 << doublings)
            .min(self.max_ms);
        own.max(retry_after_ms.unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound_and_heed_the_other_side() {
        let backoff = Backoff {
            first_ms: 100,
            max_ms: 1_000,
        };
        let delays: Vec<u64> = (1..=6).map(|n| backoff.delay_ms(n, None)).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.delay_ms(u32::MAX, Some(5_000)), 5_000);
    }
}
