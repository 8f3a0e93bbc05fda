//! How a child is asked to end, and what it left.

use std::time::Duration;

use rustix::process::Signal;

/// The steps of a stop: each signal goes to the child's group, and the next one follows when the child has not ended
/// in time. The agent's own way (a message of its protocol, the end of its input) is the caller's to try before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopSteps {
    /// How long after SIGINT; none sends no SIGINT.
    pub interrupt: Option<Duration>,
    /// How long after SIGTERM. If the child ends sooner, the rest of its group has what is left of this time.
    pub terminate: Duration,
    /// How long to wait for the end after SIGKILL, which only the kernel can delay. Then the child is given up and
    /// named among the survivors.
    pub kill: Duration,
}

impl StopSteps {
    /// At once: no signal that could be ignored.
    pub const NOW: Self = Self {
        interrupt: None,
        terminate: Duration::ZERO,
        kill: Duration::from_secs(5),
    };

    pub(crate) fn signals(&self) -> impl Iterator<Item = (Signal, Duration)> + use<> {
        let interrupt = self.interrupt.map(|grace| (Signal::INT, grace));
        let terminate = (!self.terminate.is_zero()).then_some((Signal::TERM, self.terminate));
        let kill = (Signal::KILL, self.kill);
        interrupt.into_iter().chain(terminate).chain([kill])
    }
}

impl Default for StopSteps {
    /// SIGTERM, 5 s, SIGKILL, 5 s.
    fn default() -> Self {
        Self {
            interrupt: None,
            terminate: Duration::from_secs(5),
            kill: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustix::process::Signal;

    use super::StopSteps;

    #[track_caller]
    fn check(interrupt: Option<u64>, terminate: u64, expected: &[(Signal, u64)]) {
        let seconds = Duration::from_secs;
        let steps = StopSteps {
            interrupt: interrupt.map(seconds),
            terminate: seconds(terminate),
            kill: seconds(9),
        };
        let expected: Vec<_> = expected
            .iter()
            .map(|(signal, grace)| (*signal, seconds(*grace)))
            .collect();
        assert_eq!(steps.signals().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_stop_ends_with_the_signal_that_cannot_be_ignored() {
        check(
            Some(1),
            2,
            &[(Signal::INT, 1), (Signal::TERM, 2), (Signal::KILL, 9)],
        );
        check(None, 2, &[(Signal::TERM, 2), (Signal::KILL, 9)]);
        check(None, 0, &[(Signal::KILL, 9)]);
    }
}
