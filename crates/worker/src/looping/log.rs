//! The driver's own view of its run: what the log folds to, ahead of the store by what was just said, and the ids that
//! come next.

use run::{Envelope, Event, Run, Snapshot, Timestamp};

/// How many of each kind the run has had; the next id is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) turns: u32,
    pub(crate) steps: u32,
    pub(crate) messages: u32,
    pub(crate) calls: u32,
    pub(crate) requests: u32,
}

/// The driver's view.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) snapshot: Snapshot,
    pub(crate) counts: Counts,
    attempt: u32,
}

impl Log {
    /// At the start of an attempt, when nothing was said that the control state does not know.
    pub(crate) fn new(snapshot: Snapshot, control: &Run) -> Self {
        Self {
            snapshot,
            counts: Counts {
                turns: control.n_turns,
                steps: control.n_steps,
                messages: control.n_messages,
                calls: control.n_calls,
                requests: control.n_requests,
            },
            attempt: control.attempt,
        }
    }

    /// Takes in what is about to be said.
    pub(crate) fn take(&mut self, events: Vec<Event>) -> Vec<Event> {
        let events = events.into_iter();
        events.map(|event| self.take_one(event)).collect()
    }

    fn take_one(&mut self, event: Event) -> Event {
        match &event {
            Event::TurnStarted(_) => self.counts.turns += 1,
            Event::StepStarted(_) => self.counts.steps += 1,
            Event::MessageStarted(_) => self.counts.messages += 1,
            Event::ToolStarted(_) => self.counts.calls += 1,
            Event::ApprovalRequested(_) | Event::QuestionAsked(_) | Event::ClientToolCalled(_) => {
                self.counts.requests += 1;
            }
            _ => {}
        }
        // The store gives it a number and a time; here its place is enough.
        let envelope = Envelope {
            seq: self.snapshot.last_seq.next(),
            at: Timestamp::default(),
            attempt: self.attempt,
            event,
        };
        self.snapshot.apply(&envelope);
        envelope.event
    }
}
