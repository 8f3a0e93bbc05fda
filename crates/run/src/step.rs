//! What has to happen next. Derived from state, never queued: start-up is a normal tick and needs no other code.

use crate::{ErrorInfo, Outcome, Policy, Reason, RequestId, Run, State, Timestamp, WaitMode};

/// What is known of the worker that a run names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// Its lease holds.
    Alive,
    /// Its lease is over, or it never had one.
    Gone,
}

/// The next thing to do for a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It has ended.
    Nothing,
    /// A worker should take it up.
    Claim,
    /// Its worker is gone: settle the attempt.
    Lose,
    /// A request's time is over.
    Expire(RequestId),
    /// It has to end without its worker.
    Conclude(Outcome),
    /// Nothing before this time.
    SleepUntil(Timestamp),
    /// Nothing until somebody does something.
    Wait,
}

impl Run {
    /// What has to happen next, as things stand.
    pub fn next_step(&self, policy: &Policy, now: Timestamp, holder: Holder) -> Step {
        if self.is_final() {
            return Step::Nothing;
        }
        if self.is_held() && holder == Holder::Gone {
            return Step::Lose;
        }
        let mut sleep: Option<Timestamp> = None;
        let mut later = |at: Timestamp| sleep = Some(sleep.map_or(at, |earlier| earlier.min(at)));

        if let Some(stop) = &self.stop {
            let by = stop.at.plus_ms(policy.stop_timeout_ms);
            if by <= now {
                return Step::Conclude(self.stopped());
            }
            later(by);
        }
        if let Some(deadline) = policy.budget.deadline(self) {
            // A worker gets the stop timeout to end the attempt in good order before this ends it from outside.
            let grace_ms = if self.is_held() {
                policy.stop_timeout_ms
            } else {
                0
            };
            let by = deadline.plus_ms(grace_ms);
            if by <= now {
                return Step::Conclude(policy.over_deadline());
            }
            later(by);
        }
        if let Some((at, request)) = self.next_expiry() {
            if at <= now {
                return Step::Expire(request.clone());
            }
            later(at);
        }
        match &self.state {
            State::Queued { due_at: None } => return Step::Claim,
            State::Queued { due_at: Some(due) } if *due <= now => return Step::Claim,
            State::Waiting {
                mode: WaitMode::Parked,
                due_at: Some(due),
                ..
            } if *due <= now => return Step::Claim,
            State::Queued { due_at: Some(due) }
            | State::Waiting {
                mode: WaitMode::Parked,
                due_at: Some(due),
                ..
            } => later(*due),
            // A worker watches the times of its own work.
            State::Waiting {
                mode: WaitMode::Held,
                ..
            }
            | State::Waiting { due_at: None, .. }
            | State::Running
            | State::Final(_) => {}
        }
        sleep.map_or(Step::Wait, Step::SleepUntil)
    }
}

impl Policy {
    /// How a run ends whose time is over.
    pub fn over_deadline(&self) -> Outcome {
        let message = format!(
            "the run took longer than its {} ms",
            self.budget.wall_ms.unwrap_or_default()
        );
        Outcome::failed(Reason::Deadline, ErrorInfo::new("deadline", message))
    }
}
