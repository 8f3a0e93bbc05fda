//! One run's log as readers saw it, frame by frame. What was seen once never changes.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use run::event::{ReturnCode, ToolStatus};
use run::{
    CallStage, Envelope, Event, Fence, InputId, Reason, RequestId, Run, RunId, Seq, Snapshot,
    State, TurnId, frame,
};

use crate::Violation;
use crate::violation::ensure;

const GAPLESS: &str = "numbers are gapless from 1";
const FOR_EVER: &str = "what was seen once keeps its number and its bytes";
const ONE_END: &str = "exactly one final event, and nothing after it";
const CLOSURE: &str = "the end closes all that is open";
const ONE_ANSWER: &str = "a request is answered or expires, once";
const ONE_HEARING: &str = "an accepted input is consumed or returned, once";
const HEARD: &str = "an input that waits refuses the end: it is heard first";
const ONE_ATTEMPT: &str = "one attempt at a time writes, under its own number";
const ORDER: &str = "events speak of what is open";
const ANNOUNCED: &str = "a tool is announced before it is touched";
const FENCES: &str = "fences grow";

/// A run's log, and both folds of it.
#[derive(Debug, Clone)]
pub struct Log {
    run: RunId,
    frames: Vec<Bytes>,
    envelopes: Vec<Envelope>,
    control: Run,
    snapshot: Snapshot,
    is_final: bool,
    /// Closed requests, and whether they were answered.
    closed: BTreeMap<RequestId, bool>,
    inputs: BTreeMap<InputId, Hearing>,
    turns: BTreeSet<TurnId>,
}

/// What became of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hearing {
    Waits,
    /// It opened its turn.
    Opened,
    /// It was heard within a turn.
    Steered,
    Returned(ReturnCode),
}

impl Log {
    /// Nothing seen yet.
    pub fn new(run: RunId) -> Self {
        Self {
            run,
            frames: Vec::new(),
            envelopes: Vec::new(),
            control: Run::new(),
            snapshot: Snapshot::default(),
            is_final: false,
            closed: BTreeMap::new(),
            inputs: BTreeMap::new(),
            turns: BTreeSet::new(),
        }
    }

    /// The number of the last event seen.
    pub fn last(&self) -> Seq {
        Seq(self.frames.len() as u64)
    }

    /// The events seen.
    pub fn envelopes(&self) -> &[Envelope] {
        &self.envelopes
    }

    /// What they fold to for decisions.
    pub fn control(&self) -> &Run {
        &self.control
    }

    /// What they fold to for people.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether the final event was seen.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// All bytes seen.
    pub fn bytes(&self) -> Vec<u8> {
        self.frames.concat()
    }

    /// The inputs that were heard within a turn, rather than opening one.
    pub fn steers(&self) -> impl Iterator<Item = &InputId> {
        self.inputs
            .iter()
            .filter(|(_, hearing)| **hearing == Hearing::Steered)
            .map(|(input, _)| input)
    }

    /// The inputs that came back for a reason.
    pub fn returned(&self, code: ReturnCode) -> impl Iterator<Item = &InputId> {
        self.inputs
            .iter()
            .filter(move |(_, hearing)| **hearing == Hearing::Returned(code))
            .map(|(input, _)| input)
    }

    fn fail<T>(&self, promise: &'static str, what: &str) -> Result<T, Violation> {
        Err(Violation::new(promise, format!("run {}: {what}", self.run)))
    }

    /// A reader that had seen everything up to `after` was given these frames.
    pub fn saw(&mut self, after: Seq, frames: &[u8]) -> Result<(), Violation> {
        let mut next = after.next();
        let mut n_bytes = 0;
        for bytes in frame::split(frames) {
            n_bytes += bytes.len();
            if frame::seq(bytes) != Some(next) {
                let found = frame::seq(bytes).map_or(0, |seq| seq.0);
                return self.fail(GAPLESS, &format!("behind {after}, {found} for {next}"));
            }
            match self.frames.get(usize::try_from(next.0 - 1).unwrap_or(0)) {
                Some(known) if known == bytes => {}
                Some(known) => {
                    let what = format!(
                        "event {next} was {:?} and is now {:?}",
                        String::from_utf8_lossy(known),
                        String::from_utf8_lossy(bytes)
                    );
                    return self.fail(FOR_EVER, &what);
                }
                None => self.take(bytes)?,
            }
            next = next.next();
        }
        if n_bytes == frames.len() {
            Ok(())
        } else {
            self.fail(GAPLESS, "a page ends within a frame")
        }
    }

    /// Takes in a frame that nobody has seen before.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let Some(envelope) = frame::parse(bytes) else {
            return self.fail(FOR_EVER, "a frame cannot be read");
        };
        if envelope.seq != self.last().next() {
            let what = format!("event {} follows {}", envelope.seq, self.last());
            return self.fail(GAPLESS, &what);
        }
        if self.is_final {
            let what = format!("event {} is {}", envelope.seq, envelope.event.kind());
            return self.fail(ONE_END, &what);
        }
        if (envelope.seq == Seq(1)) != matches!(envelope.event, Event::RunCreated(_)) {
            let what = format!("event {} is {}", envelope.seq, envelope.event.kind());
            return self.fail(GAPLESS, &what);
        }
        self.check(&envelope.event)?;
        let fence = self.control.fence;
        self.control.apply(&envelope);
        self.snapshot.apply(&envelope);
        if self.control.attempt != envelope.attempt {
            let what = format!(
                "event {} says attempt {}, under way is {}",
                envelope.seq, envelope.attempt, self.control.attempt
            );
            return self.fail(ONE_ATTEMPT, &what);
        }
        if self.control.fence < fence {
            return self.fail(FENCES, &format!("{fence}, then {}", self.control.fence));
        }
        self.check_remembered()?;
        self.is_final = envelope.event.is_final();
        if self.is_final {
            self.check_closed()?;
        }
        self.frames.push(Bytes::copy_from_slice(bytes));
        self.envelopes.push(envelope);
        Ok(())
    }

    fn check(&mut self, event: &Event) -> Result<(), Violation> {
        let kind = event.kind();
        match event {
            Event::AttemptStarted(_) if self.control.is_held() => {
                self.fail(ONE_ATTEMPT, "an attempt begins while another is under way")
            }
            Event::AttemptEnded(_) if !self.control.is_held() && !self.is_parking() => {
                self.fail(ONE_ATTEMPT, "an attempt ends that is not under way")
            }
            Event::ApprovalResolved(closed) => self.close(&closed.request, kind),
            Event::QuestionAnswered(closed) => self.close(&closed.request, kind),
            Event::ClientToolAnswered(closed) => self.close(&closed.request, kind),
            Event::RequestExpired(closed) => self.close(&closed.request, kind),
            Event::InputReceived(input) => {
                match self.inputs.insert(input.input.clone(), Hearing::Waits) {
                    None => Ok(()),
                    Some(_) => self.fail(ONE_HEARING, &format!("{} came twice", input.input)),
                }
            }
            Event::InputConsumed(input) => {
                let hearing = if self.turns.contains(&input.turn) {
                    Hearing::Steered
                } else {
                    Hearing::Opened
                };
                self.hear(&input.input, hearing)
            }
            Event::InputReturned(input) => self.hear(&input.input, Hearing::Returned(input.code)),
            Event::TurnStarted(turn) => {
                self.turns.insert(turn.turn.clone());
                Ok(())
            }
            Event::TextDelta(delta) => self.open(
                self.control.messages.contains_key(&delta.message),
                &format!("text for message {}", delta.message),
            ),
            Event::MessageCompleted(done) => self.open(
                self.control.messages.contains_key(&done.message),
                &format!("the end of message {}", done.message),
            ),
            Event::ToolCompleted(done) => {
                let stage = self.control.calls.get(&done.call).map(|call| call.stage);
                if done.status == ToolStatus::Ok && stage != Some(CallStage::Running) {
                    return self.fail(ANNOUNCED, &format!("{} has a result", done.call));
                }
                self.open(stage.is_some(), &format!("the end of call {}", done.call))
            }
            Event::StopRequested(_) if self.control.stop.is_some() => {
                self.fail(ONE_END, "a second stop is recorded")
            }
            _ => Ok(()),
        }
    }

    /// Parking writes that the run waits, and then that its attempt is over.
    fn is_parking(&self) -> bool {
        self.envelopes
            .last()
            .is_some_and(|last| matches!(last.event, Event::RunWaiting(_)))
    }

    fn open(&self, is_open: bool, what: &str) -> Result<(), Violation> {
        if is_open {
            Ok(())
        } else {
            self.fail(ORDER, what)
        }
    }

    fn close(&mut self, request: &RequestId, kind: &str) -> Result<(), Violation> {
        let is_open = self.control.requests.contains_key(request);
        let answered = kind != "request.expired";
        if is_open && self.closed.insert(request.clone(), answered).is_none() {
            Ok(())
        } else {
            self.fail(
                ONE_ANSWER,
                &format!("{kind} for {request}, which is closed"),
            )
        }
    }

    fn hear(&mut self, input: &InputId, hearing: Hearing) -> Result<(), Violation> {
        match self.inputs.insert(input.clone(), hearing) {
            Some(Hearing::Waits) => Ok(()),
            before => self.fail(ONE_HEARING, &format!("{input} was {before:?}")),
        }
    }

    /// A late answer has to hear what became of its request.
    fn check_remembered(&self) -> Result<(), Violation> {
        let wrong = self
            .control
            .closed_requests
            .iter()
            .find(|it| self.closed.get(&it.request) != Some(&it.answered));
        match wrong {
            None => Ok(()),
            Some(closed) => self.fail(ONE_ANSWER, &format!("remembered is {closed:?}")),
        }
    }

    fn check_closed(&self) -> Result<(), Violation> {
        if !self.control.is_closed() {
            return self.fail(CLOSURE, &format!("{:?}", self.control));
        }
        let State::Final(outcome) = &self.control.state else {
            return self.fail(ONE_END, "the final event ends nothing");
        };
        if outcome.reason == Reason::Completed
            && self.control.stop.is_none()
            && let Some(input) = self.returned(ReturnCode::RunEnded).next()
        {
            return self.fail(HEARD, &format!("{input} came back at the end"));
        }
        match self
            .inputs
            .iter()
            .find(|(_, hearing)| **hearing == Hearing::Waits)
        {
            None => Ok(()),
            Some((input, _)) => self.fail(CLOSURE, &format!("input {input} still waits")),
        }
    }

    /// The writes that a control state allows are at most as new as what was seen to be granted.
    pub fn check_fence(&self, granted: Fence) -> Result<(), Violation> {
        ensure(granted <= self.control.fence, FENCES, || {
            format!(
                "run {}: fence {granted} was granted, the log is at {}",
                self.run, self.control.fence
            )
        })
    }
}
