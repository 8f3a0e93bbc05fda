//! Where one segment of a run ends and the next begins: at each wait for the client.

use std::collections::BTreeSet;

use run::event::{AttemptEnd, Event, RunWaiting};
use run::{RequestId, Seq, WaitMode};

/// Why a segment ends with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentEnd {
    /// The run waits for its client.
    Waits {
        /// How.
        mode: WaitMode,
        /// The requests that it waits for.
        on: Vec<RequestId>,
    },
    /// The run has ended.
    Finished,
}

/// Watches a log from its beginning for the ends of its segments.
#[derive(Debug, Clone, Default)]
pub struct SegmentEnds {
    /// Asked in this segment and not closed.
    open: BTreeSet<RequestId>,
    /// What the attempt under way waited for last, while it kept the run.
    held: BTreeSet<RequestId>,
}

impl SegmentEnds {
    /// Whether events of a type matter here: the others need not be read and taken.
    pub fn concern(kind: &[u8]) -> bool {
        matches!(
            kind,
            b"approval.requested"
                | b"approval.resolved"
                | b"question.asked"
                | b"question.answered"
                | b"client_tool.called"
                | b"client_tool.answered"
                | b"request.expired"
                | b"run.waiting"
                | b"attempt.ended"
                | b"run.finished"
        )
    }

    /// Takes the next event of the log; says whether a segment ends with it.
    pub fn take(&mut self, event: &Event) -> Option<SegmentEnd> {
        let end = self.judge(event);
        if matches!(event, Event::AttemptEnded(_)) {
            self.held.clear();
        }
        if end.is_some() {
            self.open.clear();
        }
        end
    }

    /// Whether it is the wait of before that goes on without a worker: its client knows of it.
    fn is_parked_wait(&self, waiting: &RunWaiting) -> bool {
        waiting.mode == WaitMode::Parked
            && !waiting.requests.is_empty()
            && self.open.is_empty()
            && waiting.requests.iter().all(|on| self.held.contains(on))
    }

    #[expect(
        clippy::match_same_arms,
        reason = "one arm for each group of events, so that the compiler asks for a new one"
    )]
    fn judge(&mut self, event: &Event) -> Option<SegmentEnd> {
        match event {
            Event::RunFinished(_) => return Some(SegmentEnd::Finished),
            Event::RunWaiting(waiting) if self.is_parked_wait(waiting) => {}
            Event::RunWaiting(waiting) if !waiting.requests.is_empty() => {
                self.held = match waiting.mode {
                    WaitMode::Held => waiting.requests.iter().cloned().collect(),
                    WaitMode::Parked => BTreeSet::new(),
                };
                return Some(SegmentEnd::Waits {
                    mode: waiting.mode,
                    on: waiting.requests.clone(),
                });
            }
            // The attempt broke off behind its question and before its wait: now the run waits all the same.
            Event::AttemptEnded(ended) if !self.open.is_empty() => match ended.end {
                AttemptEnd::HandedOver | AttemptEnd::Lost => {
                    return Some(SegmentEnd::Waits {
                        mode: WaitMode::Parked,
                        on: self.open.iter().cloned().collect(),
                    });
                }
                AttemptEnd::Parked => {}
            },
            Event::ApprovalRequested(asked) => drop(self.open.insert(asked.request.clone())),
            Event::QuestionAsked(asked) => drop(self.open.insert(asked.request.clone())),
            Event::ClientToolCalled(asked) => drop(self.open.insert(asked.request.clone())),
            Event::ApprovalResolved(closed) => drop(self.open.remove(&closed.request)),
            Event::QuestionAnswered(closed) => drop(self.open.remove(&closed.request)),
            Event::ClientToolAnswered(closed) => drop(self.open.remove(&closed.request)),
            Event::RequestExpired(closed) => drop(self.open.remove(&closed.request)),
            // A wait for a time or for runs of other agents is no wait for the client.
            Event::RunWaiting(_) | Event::AttemptEnded(_) => {}
            Event::RunCreated(_)
            | Event::AttemptStarted(_)
            | Event::StopRequested(_)
            | Event::InputReceived(_)
            | Event::InputConsumed(_)
            | Event::InputReturned(_)
            | Event::SessionStarted(_)
            | Event::SessionChanged(_)
            | Event::SessionExited(_)
            | Event::PromptRendered(_)
            | Event::TurnStarted(_)
            | Event::TurnCompleted(_)
            | Event::StepStarted(_)
            | Event::StepFinished(_)
            | Event::MessageStarted(_)
            | Event::TextDelta(_)
            | Event::ReasoningDelta(_)
            | Event::MessageCompleted(_)
            | Event::MessageDiscarded(_)
            | Event::ToolStarted(_)
            | Event::ToolArgsDelta(_)
            | Event::ToolCalled(_)
            | Event::ToolRunning(_)
            | Event::ToolOutput(_)
            | Event::ToolUpdated(_)
            | Event::ToolCompleted(_)
            | Event::PlanUpdated(_)
            | Event::PlanProposed(_)
            | Event::PlanImplemented(_)
            | Event::TaskStarted(_)
            | Event::TaskProgress(_)
            | Event::TaskCompleted(_)
            | Event::UsageUpdated(_)
            | Event::ContextCompacted(_)
            | Event::RetryScheduled(_)
            | Event::WorktreeReady(_)
            | Event::DiffUpdated(_)
            | Event::CheckpointCaptured(_)
            | Event::WorktreeSettled(_)
            | Event::StateSnapshot(_)
            | Event::StateDelta(_)
            | Event::Notice(_)
            | Event::Raw(_)
            | Event::Custom(_)
            | Event::Unknown(_) => {}
        }
        None
    }
}

/// A segment that ended with a wait for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The number of its first event.
    pub first: Seq,
    /// The number of its last event; the next segment begins behind it.
    pub last: Seq,
    /// What was asked in it.
    pub requests: Vec<RequestId>,
}

/// Gathers the waits of a run from its log.
#[derive(Debug, Clone, Default)]
pub struct Waits {
    ends: SegmentEnds,
    first: Option<Seq>,
    requests: Vec<RequestId>,
    found: Vec<Wait>,
}

impl Waits {
    /// Takes the next event of the log.
    pub fn take(&mut self, seq: Seq, event: &Event) {
        let first = *self.first.get_or_insert(seq);
        let asked = match event {
            Event::ApprovalRequested(asked) => Some(&asked.request),
            Event::QuestionAsked(asked) => Some(&asked.request),
            Event::ClientToolCalled(asked) => Some(&asked.request),
            _ => None,
        };
        self.requests.extend(asked.cloned());
        match self.ends.take(event) {
            Some(SegmentEnd::Waits { .. }) => {
                self.found.push(Wait {
                    first,
                    last: seq,
                    requests: std::mem::take(&mut self.requests),
                });
                self.first = None;
            }
            Some(SegmentEnd::Finished) | None => {}
        }
    }

    /// The waits, in order.
    pub fn found(&self) -> &[Wait] {
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use run::event::{ApprovalRequested, ApprovalResolved, AttemptEnded, Decision, RequestExpired};
    use run::{By, CallId};
    use serde_json::Value;

    use super::*;

    fn q1() -> RequestId {
        RequestId::nth(1)
    }

    fn asked() -> Event {
        ApprovalRequested {
            request: q1(),
            kind: "command".into(),
            title: "Delete it?".into(),
            detail: Value::Null,
            options: vec![Decision::Allow],
            call: None,
            grants: None,
            expires_at: None,
        }
        .into()
    }

    fn resolved() -> Event {
        ApprovalResolved {
            request: q1(),
            decision: Decision::Allow,
            note: None,
            grants: None,
            by: By("u".into()),
        }
        .into()
    }

    fn waits(requests: Vec<RequestId>, mode: WaitMode) -> Event {
        RunWaiting {
            requests,
            calls: vec![CallId::nth(1)],
            mode,
            due_at: None,
        }
        .into()
    }

    fn ends_waiting(mode: WaitMode) -> SegmentEnd {
        SegmentEnd::Waits {
            mode,
            on: vec![q1()],
        }
    }

    fn ended(end: AttemptEnd) -> Event {
        AttemptEnded {
            end,
            why: "x".into(),
            due_at: None,
        }
        .into()
    }

    /// The places of the events with which a segment ends. Those that do not concern it change nothing.
    #[track_caller]
    fn check(log: &[Event], expected: &[(usize, SegmentEnd)]) {
        let mut ends = SegmentEnds::default();
        let found = log.iter().enumerate();
        let found: Vec<_> = found
            .filter(|(_, event)| SegmentEnds::concern(event.kind().as_bytes()))
            .filter_map(|(n, event)| Some((n, ends.take(event)?)))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_segment_ends_with_each_wait_for_the_client() {
        let parked = ends_waiting(WaitMode::Parked);
        let held = ends_waiting(WaitMode::Held);
        check(
            &[
                asked(),
                waits(vec![q1()], WaitMode::Parked),
                ended(AttemptEnd::Parked),
                resolved(),
            ],
            &[(1, parked)],
        );
        check(&[asked(), waits(vec![q1()], WaitMode::Held)], &[(1, held)]);
        // Runs of other agents and times are no clients.
        check(&[waits(vec![], WaitMode::Parked)], &[]);
    }

    #[test]
    fn a_wait_that_goes_on_without_its_worker_is_one_wait() {
        let held = ends_waiting(WaitMode::Held);
        let parked = ends_waiting(WaitMode::Parked);
        let mut log = vec![
            asked(),
            waits(vec![q1()], WaitMode::Held),
            waits(vec![q1()], WaitMode::Parked),
            ended(AttemptEnd::Parked),
        ];
        check(&log, &[(1, held.clone())]);
        // Another attempt waits for itself.
        log.push(waits(vec![q1()], WaitMode::Parked));
        check(&log, &[(1, held.clone()), (4, parked.clone())]);
        // Something else was asked meanwhile.
        check(
            &[
                asked(),
                waits(vec![q1()], WaitMode::Held),
                asked(),
                waits(vec![q1()], WaitMode::Parked),
            ],
            &[(1, held), (3, parked)],
        );
    }

    #[test]
    fn each_wait_has_its_place_and_what_was_asked() {
        let mut waits_of = Waits::default();
        let log = [
            asked(),
            waits(vec![q1()], WaitMode::Parked),
            ended(AttemptEnd::Parked),
            resolved(),
            asked(),
            waits(vec![q1()], WaitMode::Held),
        ];
        for (n, event) in (1..).zip(&log) {
            waits_of.take(Seq(n), event);
        }
        let wait = |first, last| Wait {
            first: Seq(first),
            last: Seq(last),
            requests: vec![q1()],
        };
        assert_eq!(waits_of.found(), [wait(1, 2), wait(3, 6)]);
    }

    #[test]
    fn an_attempt_that_breaks_off_behind_its_question_ends_a_segment_once() {
        let parked = ends_waiting(WaitMode::Parked);
        check(&[asked(), ended(AttemptEnd::Lost)], &[(1, parked.clone())]);
        check(&[asked(), ended(AttemptEnd::HandedOver)], &[(1, parked)]);
        check(&[asked(), resolved(), ended(AttemptEnd::Lost)], &[]);
        let expired = RequestExpired {
            request: q1(),
            why: "x".into(),
        };
        check(&[asked(), expired.into(), ended(AttemptEnd::Lost)], &[]);
        check(
            &[
                asked(),
                waits(vec![q1()], WaitMode::Held),
                ended(AttemptEnd::Lost),
            ],
            &[(1, ends_waiting(WaitMode::Held))],
        );
    }
}
