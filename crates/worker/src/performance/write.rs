//! The writes of an attempt: one at a time, in the order in which the driver spoke, tried again until the store answers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use run::{ErrorInfo, Outcome, Reason, Refused, State, WaitMode};
use store::{Append, Appended, Unavailable, WorkError, Worked};
use tokio::time::Instant;

use super::verdict::Verdict;
use super::{Hold, Performance};
use crate::limits::HAND_OVER;
use crate::metric;
use crate::outbox::Outbox;
use crate::pause::Pause;

/// A write under way.
pub(super) type Writing = Pin<Box<dyn Future<Output = Written> + Send>>;

/// What came of it.
pub(super) enum Written {
    Append(Result<Appended, WorkError>),
    Work(Result<Worked, WorkError>),
}

impl Performance {
    /// Begins the next write, if none is under way.
    pub(super) fn start_write(&mut self, now: Instant) {
        let progress = &mut self.progress;
        let waits = progress.retry_at.is_some_and(|at| now < at);
        if progress.writing.is_some() || waits || progress.hold != Hold::Ours {
            return;
        }
        progress.retry_at = None;
        let store = self.store.clone();
        let (run, fence) = (self.run.id, self.fence);
        if let Some(batch) = self.outbox.next_append() {
            let append = Append {
                run,
                fence,
                append_no: batch.append_no,
                events: batch.events,
            };
            progress.writing = Some(Box::pin(async move {
                Written::Append(store.append(append).await)
            }));
        } else if let Some(order) = &progress.order {
            let work = order.work.clone();
            progress.writing = Some(Box::pin(async move {
                Written::Work(store.work(run, fence, work).await)
            }));
        }
    }

    pub(super) fn appended(&mut self, result: Result<Appended, WorkError>, now: Instant) {
        self.progress.writing = None;
        match result {
            Ok(appended) => {
                self.progress.pause = None;
                let n_landed = self.outbox.landed();
                while self
                    .progress
                    .durable
                    .front()
                    .is_some_and(|(n, _)| *n <= n_landed)
                {
                    if let Some((_, durable)) = self.progress.durable.pop_front() {
                        let _ = durable.send(());
                    }
                }
                self.take_control(appended.control, now);
            }
            Err(WorkError::Unavailable(error)) => {
                self.outbox.failed_keep();
                self.try_again(&error, now);
            }
            Err(WorkError::Unknown) => self.progress.hold = Hold::Taken,
            Err(WorkError::Refused(refused)) if is_over(&refused) => {
                self.progress.hold = Hold::Taken;
            }
            Err(WorkError::Refused(refused)) => self.blame("unfit", &refused, now),
            Err(error @ WorkError::TooLarge { .. }) => self.blame("event_too_large", &error, now),
        }
    }

    pub(super) fn worked(&mut self, result: Result<Worked, WorkError>, now: Instant) {
        self.progress.writing = None;
        let answer = match result {
            Ok(worked) => {
                self.progress.pause = None;
                let has_left = match &worked.control.state {
                    State::Final(_) => true,
                    State::Waiting { mode, .. } => worked.wrote && *mode == WaitMode::Parked,
                    State::Queued { .. } | State::Running => false,
                };
                if has_left {
                    self.progress.hold = Hold::Settled;
                }
                metric::finished(&worked.control);
                self.take_control(Arc::clone(&worked.control), now);
                if has_left {
                    self.wind(Verdict::HandOver, HAND_OVER, now);
                }
                Ok(worked)
            }
            Err(WorkError::Unavailable(error)) => {
                self.try_again(&error, now);
                return;
            }
            Err(WorkError::Unknown | WorkError::TooLarge { .. }) => {
                self.progress.hold = Hold::Taken;
                return;
            }
            Err(WorkError::Refused(refused)) if is_over(&refused) => {
                self.progress.hold = Hold::Taken;
                return;
            }
            Err(WorkError::Refused(refused)) => {
                // What it was refused for is known here before the driver asks for it.
                let control = self.watch.control();
                self.take_control(control, now);
                Err(refused)
            }
        };
        if let Some(order) = self.progress.order.take() {
            let _ = order.reply.send(answer);
        }
    }

    fn try_again(&mut self, error: &Unavailable, now: Instant) {
        metric::retry();
        let pause = self.progress.pause.get_or_insert_with(Pause::new).next();
        tracing::warn!(
            run.id = %self.run.id,
            code = error.code,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "failed to write for run {}, trying again: {error}",
            self.run.id
        );
        self.progress.retry_at = Some(now + pause);
    }

    /// The driver wrote what cannot be written. Another attempt would do the same, so the run fails.
    fn blame(&mut self, code: &str, error: &dyn std::fmt::Display, now: Instant) {
        tracing::error!(run.id = %self.run.id, "the {} driver wrote what run {} does not take: {error}",
            self.run.spec.driver, self.run.id);
        self.outbox = Outbox::new();
        self.progress.durable.clear();
        self.progress.order = None;
        let message = format!("the driver wrote what the run does not take: {error}");
        let outcome = Outcome::failed(Reason::Error, ErrorInfo::new(code, message));
        self.wind(Verdict::Blame(outcome), Duration::ZERO, now);
    }
}

/// Whether a refusal means that this attempt has nothing more to say.
pub(crate) fn is_over(refused: &Refused) -> bool {
    matches!(refused, Refused::Final(_) | Refused::Fenced { .. })
}
