//! The clocks of an attempt: silence, the run's deadline, and being watched by nobody. Pure: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::FOLLOWERS_EVERY;

/// Why an attempt has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bark {
    /// Nothing was heard for too long.
    Silence,
    /// The run's time is over.
    Deadline,
    /// Nobody has followed the run for too long.
    Unwatched,
}

/// Watches the time.
#[derive(Debug)]
pub(crate) struct Watchdog {
    pub(crate) silence: Duration,
    pub(crate) unwatched: Option<Duration>,
    pub(crate) deadline: Option<Instant>,
    /// Since when it is silent without an excuse.
    silent_since: Instant,
    rest_until: Option<Instant>,
    alone_since: Option<Instant>,
}

impl Watchdog {
    pub(crate) fn new(
        now: Instant,
        silence: Duration,
        unwatched: Option<Duration>,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            silence,
            unwatched,
            deadline,
            silent_since: now,
            rest_until: None,
            alone_since: None,
        }
    }

    /// Something was heard, or silence is excused: a tool runs, the run waits for its client, the store is slow.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.silent_since = now;
    }

    /// Silence until then is meant.
    pub(crate) fn rest(&mut self, until: Instant) {
        self.rest_until = Some(until);
    }

    /// So many follow the run now.
    pub(crate) fn followed_by(&mut self, now: Instant, n_followers: usize) {
        if n_followers > 0 {
            self.alone_since = None;
        } else {
            self.alone_since.get_or_insert(now);
        }
    }

    /// When to look again.
    pub(crate) fn next_look(&self, now: Instant) -> Option<Instant> {
        let followers = self.unwatched.map(|_| now + FOLLOWERS_EVERY);
        let silence = self.silence_ends();
        [silence, self.deadline, followers, self.alone_ends()]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is wrong, if anything.
    pub(crate) fn look(&self, now: Instant) -> Option<Bark> {
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if passed(self.deadline) {
            return Some(Bark::Deadline);
        }
        if passed(self.alone_ends()) {
            return Some(Bark::Unwatched);
        }
        passed(self.silence_ends()).then_some(Bark::Silence)
    }

    fn silence_ends(&self) -> Option<Instant> {
        let since = self
            .rest_until
            .map_or(self.silent_since, |rest| rest.max(self.silent_since));
        since.checked_add(self.silence)
    }

    fn alone_ends(&self) -> Option<Instant> {
        self.alone_since?.checked_add(self.unwatched?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn dog() -> (Instant, Watchdog) {
        let now = Instant::now();
        let deadline = Some(now + 60 * SECOND);
        (
            now,
            Watchdog::new(now, 10 * SECOND, Some(5 * SECOND), deadline),
        )
    }

    #[test]
    fn silence_counts_from_the_last_word() {
        let (now, mut dog) = dog();
        dog.heard(now + 3 * SECOND);
        assert_eq!(dog.look(now + 12 * SECOND), None);
        assert_eq!(dog.look(now + 13 * SECOND), Some(Bark::Silence));
    }

    #[test]
    fn a_rest_is_no_silence() {
        let (now, mut dog) = dog();
        dog.rest(now + 20 * SECOND);
        assert_eq!(dog.look(now + 29 * SECOND), None);
        assert_eq!(dog.look(now + 30 * SECOND), Some(Bark::Silence));
        dog.heard(now + 29 * SECOND);
        assert_eq!(dog.look(now + 30 * SECOND), None);
    }

    #[test]
    fn a_follower_starts_the_time_alone_again() {
        let (now, mut dog) = dog();
        dog.followed_by(now, 0);
        dog.followed_by(now + 4 * SECOND, 0);
        assert_eq!(dog.look(now + 5 * SECOND), Some(Bark::Unwatched));
        dog.followed_by(now + 4 * SECOND, 1);
        assert_eq!(dog.look(now + 5 * SECOND), None);
        dog.followed_by(now + 6 * SECOND, 0);
        assert_eq!(dog.look(now + 9 * SECOND), None);
    }

    #[test]
    fn a_deadline_is_a_deadline() {
        let (now, mut dog) = dog();
        dog.heard(now + 60 * SECOND);
        assert_eq!(dog.look(now + 60 * SECOND), Some(Bark::Deadline));
    }
}
