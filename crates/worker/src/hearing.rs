//! What clients have said to a run, read from its log when it is needed. The control state says that something was
//! said; what was said stands in the log alone.

use std::collections::{BTreeMap, BTreeSet};

use run::snapshot::{InputState, Resolution, Snapshot};
use run::{Event, InputId, Part, RequestId, Seq, frame};
use store::{FollowError, RunRecord, Scope, Store};

use crate::limits::HEARING_EVENTS;

/// The types of events that clients cause.
const HEARD: [&[u8]; 5] = [
    b"\nevent: input.",
    b"\nevent: approval.resolved",
    b"\nevent: question.answered",
    b"\nevent: client_tool.answered",
    b"\nevent: request.expired",
];

/// Inputs and answers that were not looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    cursor: Seq,
    inputs: BTreeMap<InputId, Vec<Part>>,
    consumed: BTreeSet<InputId>,
    resolutions: BTreeMap<RequestId, Resolution>,
}

impl Hearing {
    /// Goes on behind a snapshot.
    pub(crate) fn begin(&mut self, snapshot: &Snapshot) {
        self.cursor = snapshot.last_seq;
        let waiting = snapshot
            .inputs
            .iter()
            .filter(|given| given.state == InputState::Waiting);
        self.inputs = waiting
            .map(|given| (given.input.clone(), given.parts.clone()))
            .collect();
    }

    /// Reads the log to its end.
    pub(crate) async fn catch_up(
        &mut self,
        store: &Store,
        run: &RunRecord,
    ) -> Result<(), FollowError> {
        let scope = Scope::tenant(run.tenant.clone());
        loop {
            let page = store
                .events(&scope, run.id, self.cursor, HEARING_EVENTS)
                .await?;
            if page.frames.is_empty() {
                return Ok(());
            }
            for frame in frame::split(&page.frames) {
                if is_heard(frame)
                    && let Some(envelope) = frame::parse(frame)
                {
                    self.take_in(envelope.event);
                }
            }
            self.cursor = page.next;
            if page.is_final {
                return Ok(());
            }
        }
    }

    fn take_in(&mut self, event: Event) {
        match event {
            Event::InputReceived(input) => {
                self.inputs.insert(input.input, input.parts);
            }
            Event::InputConsumed(consumed) => {
                self.consumed.insert(consumed.input);
            }
            Event::InputReturned(returned) => {
                self.inputs.remove(&returned.input);
            }
            Event::ApprovalResolved(resolved) => {
                let resolution = Resolution::Decided {
                    decision: resolved.decision,
                    note: resolved.note,
                    by: resolved.by,
                };
                self.resolutions.insert(resolved.request, resolution);
            }
            Event::QuestionAnswered(answered) => {
                let (value, by) = (answered.answers, answered.by);
                let resolution = Resolution::Answered { value, by };
                self.resolutions.insert(answered.request, resolution);
            }
            Event::ClientToolAnswered(answered) => {
                let (value, by) = (answered.result, answered.by);
                let resolution = Resolution::Answered { value, by };
                self.resolutions.insert(answered.request, resolution);
            }
            Event::RequestExpired(expired) => {
                let resolution = Resolution::Expired { why: expired.why };
                self.resolutions.insert(expired.request, resolution);
            }
            _ => {}
        }
    }

    pub(crate) fn is_consumed(&self, input: &InputId) -> bool {
        self.consumed.contains(input)
    }

    pub(crate) fn read_input(&self, input: &InputId) -> Option<&[Part]> {
        self.inputs.get(input).map(Vec::as_slice)
    }

    pub(crate) fn take_input(&mut self, input: &InputId) -> Option<Vec<Part>> {
        self.inputs.remove(input)
    }

    pub(crate) fn take_resolution(&mut self, request: &RequestId) -> Option<Resolution> {
        self.resolutions.remove(request)
    }
}

/// Whether a frame is of a type that matters here. Most are not, and are not parsed.
fn is_heard(frame: &[u8]) -> bool {
    let line = frame.iter().position(|byte| *byte == b'\n');
    line.is_some_and(|at| HEARD.iter().any(|kind| frame[at..].starts_with(kind)))
}
