//! What becomes of a run whose driver was told to end. Pure.

use run::event::AttemptEnd;
use run::{Outcome, Run, Work};
use tokio::time::Instant;

use crate::driver::Ending;

/// The driver was told to end.
pub(super) struct Winding {
    pub(super) verdict: Verdict,
    /// When its task is ended.
    pub(super) kill_at: Instant,
}

/// What becomes of the run when the driver does not say.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// The server stops.
    HandOver,
    /// A budget, a deadline, silence.
    Finish(Outcome),
    /// Somebody asked for it.
    Stop,
    /// The right to write may be somebody else's.
    Lose(&'static str),
    /// The driver is faulty; what it says counts no more.
    Blame(Outcome),
}

impl Verdict {
    /// Whether nothing weightier can come.
    pub(super) fn is_last(&self) -> bool {
        self.weight() >= Self::Lose("").weight()
    }

    fn weight(&self) -> u8 {
        match self {
            Self::HandOver => 0,
            Self::Finish(_) => 1,
            Self::Stop => 2,
            Self::Lose(_) => 3,
            Self::Blame(_) => 4,
        }
    }
}

impl Winding {
    /// Both reasons: the weightier verdict, the earlier end.
    pub(super) fn and(self, other: Self) -> Self {
        let kill_at = self.kill_at.min(other.kill_at);
        let verdict = if other.verdict.weight() > self.verdict.weight() {
            other.verdict
        } else {
            self.verdict
        };
        Self { verdict, kill_at }
    }
}

/// The write that ends the attempt; nothing when it has ended already.
pub(super) fn last_write(
    ending: &Ending,
    verdict: Option<&Verdict>,
    run: &Run,
    is_draining: bool,
) -> Option<Work> {
    let end = |end, why: &str| Work::End {
        end,
        why: why.to_owned(),
    };
    Some(match (ending, verdict) {
        (Ending::Settled, _) => return None,
        // An outcome stands, also one that came in the same moment as the reason to end.
        (_, Some(Verdict::Blame(outcome)))
        | (Ending::Finished(outcome), _)
        | (Ending::Lost { .. } | Ending::Cancelled, Some(Verdict::Finish(outcome))) => {
            Work::Finish(outcome.clone())
        }
        (Ending::Lost { .. } | Ending::Cancelled, Some(Verdict::Stop)) => {
            Work::Finish(run.stopped())
        }
        (Ending::Lost { .. } | Ending::Cancelled, Some(Verdict::Lose(why))) => {
            end(AttemptEnd::Lost, why)
        }
        (Ending::Lost { why }, Some(Verdict::HandOver) | None) => end(AttemptEnd::Lost, why),
        (Ending::Cancelled, Some(Verdict::HandOver)) => {
            end(AttemptEnd::HandedOver, "the server stops")
        }
        (Ending::Cancelled, None) if is_draining => end(AttemptEnd::HandedOver, "the server stops"),
        (Ending::Cancelled, None) => end(AttemptEnd::Lost, "the driver gave up"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use run::{ErrorInfo, Reason};

    use super::*;

    fn failed() -> Outcome {
        Outcome::failed(Reason::Budget, ErrorInfo::new("budget", "used up"))
    }

    fn lost() -> Ending {
        Ending::Lost { why: "x".into() }
    }

    fn end(end: AttemptEnd, why: &str) -> Work {
        let why = why.to_owned();
        Work::End { end, why }
    }

    #[track_caller]
    fn check(ending: &Ending, verdict: Option<&Verdict>, expected: &Work) {
        let write = last_write(ending, verdict, &Run::new(), false);
        assert_eq!(write.as_ref(), Some(expected));
    }

    #[test]
    fn a_driver_that_was_done_is_done() {
        let done = Ending::Finished(Outcome::completed());
        let finish = Work::Finish(Outcome::completed());
        check(&done, None, &finish);
        check(&done, Some(&Verdict::Stop), &finish);
        check(&done, Some(&Verdict::Finish(failed())), &finish);
        check(&done, Some(&Verdict::Lose("x")), &finish);
        let blamed = Verdict::Blame(failed());
        check(&done, Some(&blamed), &Work::Finish(failed()));
    }

    #[test]
    fn a_driver_that_was_told_to_end_ends_as_was_meant() {
        let stopped = Work::Finish(Run::new().stopped());
        for ending in [Ending::Cancelled, lost()] {
            check(&ending, Some(&Verdict::Stop), &stopped);
            let budget = Verdict::Finish(failed());
            check(&ending, Some(&budget), &Work::Finish(failed()));
            let lose = end(AttemptEnd::Lost, "lease");
            check(&ending, Some(&Verdict::Lose("lease")), &lose);
        }
        let over = end(AttemptEnd::HandedOver, "the server stops");
        check(&Ending::Cancelled, Some(&Verdict::HandOver), &over);
        let draining = last_write(&Ending::Cancelled, None, &Run::new(), true);
        assert_eq!(draining, Some(over));
    }

    #[test]
    fn a_driver_that_breaks_off_loses_its_attempt() {
        let end = end(AttemptEnd::Lost, "x");
        check(&lost(), None, &end);
        check(&lost(), Some(&Verdict::HandOver), &end);
        let settled = last_write(&Ending::Settled, Some(&Verdict::Stop), &Run::new(), true);
        assert_eq!(settled, None);
    }

    #[test]
    fn of_two_reasons_the_weightier_one_counts_and_the_earlier_end() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let drain = Winding {
            verdict: Verdict::HandOver,
            kill_at: now + second,
        };
        let stop = Winding {
            verdict: Verdict::Stop,
            kill_at: now + 2 * second,
        };
        let both = drain.and(stop);
        assert_eq!((both.verdict, both.kill_at), (Verdict::Stop, now + second));
    }
}
