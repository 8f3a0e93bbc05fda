//! An attempt as a worker drives it: plays, gathers, appends, waits; one step at a time, so that anything can come in
//! between.

use std::sync::Arc;

use run::event::AttemptEnd;
use run::{
    Event, Fence, InputId, Outcome, RequestId, Run, RunId, Snapshot, State, Timestamp, WaitMode,
    Work, frame,
};
use store::{Appended, Claimed, WorkError, Worked};
use worker::{Action, Outbox};

use crate::hands::Hands;
use crate::op::{Answer, Heard, Op};
use crate::performer::Performer;
use crate::{Rng, Violation};

const FITS: &str = "what a driver writes fits the run's state";
const FENCED: &str = "a writer is refused only when it was replaced or the run has ended";

/// One performance of a run.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) run: RunId,
    pub(crate) fence: Fence,
    performer: Performer,
    outbox: Outbox,
    /// The last append's answer was lost or its commit failed.
    is_unsure: bool,
    control: Arc<Run>,
    snapshot: Snapshot,
    stage: Stage,
    is_deaf: bool,
}

/// Where it is.
#[derive(Debug)]
enum Stage {
    Playing,
    /// Everything that was said has to be durable first.
    Flushing(Then),
    SleepingUntil(Timestamp),
    /// The agent waits and the worker keeps it.
    Holding(RequestId),
}

#[derive(Debug)]
enum Then {
    Play,
    Ask(RequestId, WaitMode),
    Consume(Work, InputId),
    Finish(Outcome),
    End(AttemptEnd, &'static str),
}

/// What an attempt does with its turn.
#[derive(Debug)]
pub(crate) enum Act {
    /// This is to be done by the store.
    Send(Op),
    /// Nothing for now.
    Rest,
    /// It is over.
    Over,
}

impl Attempt {
    /// Takes up a claimed run.
    pub(crate) fn begin(claimed: &Claimed, hands: &mut Hands<'_>) -> Result<Self, Violation> {
        let run = claimed.run.id;
        let mut snapshot = Snapshot::default();
        fold(&mut snapshot, run, hands)?;
        let control = hands.control(run)?;
        let performer = Performer::resume(&claimed.run.spec, &control, &snapshot, hands.rng);
        Ok(Self {
            run,
            fence: claimed.fence,
            performer,
            outbox: Outbox::new(),
            is_unsure: false,
            control,
            snapshot,
            stage: Stage::Playing,
            is_deaf: hands.rng.percent(10),
        })
    }

    /// Does one thing.
    pub(crate) fn act(
        &mut self,
        is_leaving: bool,
        hands: &mut Hands<'_>,
    ) -> Result<Act, Violation> {
        if hands.rng.percent(70) {
            self.control = hands.control(self.run)?;
        }
        // A worker that has not heard yet that it was replaced goes on writing.
        let is_replaced = self.control.fence != self.fence;
        if is_replaced && hands.rng.percent(50) {
            return Ok(Act::Over);
        }
        for _ in 0..100 {
            self.heed_stop();
            match &self.stage {
                Stage::Flushing(_) => {
                    return Ok(match self.outbox.next_append() {
                        Some(batch) => Act::Send(self.append(batch)),
                        None => match self.send() {
                            Some(op) => Act::Send(op),
                            None => continue,
                        },
                    });
                }
                Stage::SleepingUntil(at) if *at > hands.now => return Ok(self.append_or_rest()),
                Stage::SleepingUntil(_) => self.stage = Stage::Playing,
                Stage::Holding(request) => {
                    let request = request.clone();
                    if !self.hear_answer(&request, hands)? {
                        return Ok(Act::Rest);
                    }
                }
                Stage::Playing => {
                    if self.outbox.is_full() || (!self.outbox.is_empty() && hands.rng.percent(20)) {
                        return Ok(self.append_or_rest());
                    }
                    if is_leaving && self.performer.is_between_units() {
                        self.stage =
                            Stage::Flushing(Then::End(AttemptEnd::HandedOver, "the worker leaves"));
                    } else {
                        self.play(hands.now, hands.rng);
                    }
                }
            }
        }
        Ok(self.append_or_rest())
    }

    /// A stop ends the attempt wherever it is, unless the agent does not listen.
    fn heed_stop(&mut self) {
        let is_ending = matches!(self.stage, Stage::Flushing(Then::Finish(_)));
        if self.control.stop.is_some() && !self.is_deaf && !is_ending {
            self.stage = Stage::Flushing(Then::Finish(self.control.stopped()));
        }
    }

    fn append_or_rest(&mut self) -> Act {
        match self.outbox.next_append() {
            Some(batch) => Act::Send(self.append(batch)),
            None => Act::Rest,
        }
    }

    fn append(&self, batch: worker::Batch) -> Op {
        Op::Append {
            run: self.run,
            fence: self.fence,
            append_no: batch.append_no,
            events: batch.events,
        }
    }

    /// What is due once all is durable; nothing when the play goes on.
    fn send(&mut self) -> Option<Op> {
        let Stage::Flushing(then) = &self.stage else {
            return None;
        };
        let work = match then {
            Then::Play => {
                self.stage = Stage::Playing;
                return None;
            }
            Then::Ask(_, mode) => Work::Wait {
                mode: *mode,
                due_at: None,
            },
            Then::Consume(work, _) => work.clone(),
            Then::Finish(outcome) => Work::Finish(outcome.clone()),
            Then::End(end, why) => Work::End {
                end: *end,
                why: (*why).to_owned(),
            },
        };
        Some(Op::Work {
            run: self.run,
            fence: self.fence,
            work,
        })
    }

    fn say(&mut self, events: Vec<Event>) {
        for event in events {
            self.outbox.push(event);
        }
    }

    fn play(&mut self, now: Timestamp, rng: &mut Rng) {
        match self.performer.next(&self.control, now) {
            Action::Write(events) => self.say(events),
            Action::Pace {
                events,
                n,
                per_second,
            } => {
                self.say(events);
                // Coarser than a real worker's pace: every few words are one pause.
                if n % 8 == 7 {
                    let ms = if per_second < 10.0 {
                        400
                    } else {
                        rng.between(1, 40)
                    };
                    self.stage = Stage::SleepingUntil(now.plus_ms(ms));
                }
            }
            Action::Announce(events) => {
                self.say(events);
                self.stage = Stage::Flushing(Then::Play);
            }
            Action::Sleep { ms } => self.stage = Stage::SleepingUntil(now.plus_ms(ms)),
            Action::Ask {
                events,
                request,
                mode,
            } => {
                self.say(events);
                self.stage = Stage::Flushing(Then::Ask(request, mode));
            }
            Action::Consume { input, turn } => {
                let work = Work::Consume {
                    input: input.clone(),
                    turn,
                };
                self.stage = Stage::Flushing(Then::Consume(work, input));
            }
            Action::Finish(outcome) => self.stage = Stage::Flushing(Then::Finish(outcome)),
            Action::Die => {
                self.stage = Stage::Flushing(Then::End(AttemptEnd::Lost, "the script exits"));
            }
        }
    }

    /// Takes the answer of a request out of the log; `false` when there is none yet.
    fn hear_answer(
        &mut self,
        request: &RequestId,
        hands: &mut Hands<'_>,
    ) -> Result<bool, Violation> {
        fold(&mut self.snapshot, self.run, hands)?;
        let asked = self.snapshot.requests.iter();
        let resolution = asked
            .filter(|asked| asked.request == *request)
            .find_map(|asked| asked.resolution.clone());
        let Some(resolution) = resolution else {
            return Ok(false);
        };
        self.performer.answered(&resolution);
        self.stage = Stage::Playing;
        Ok(true)
    }

    /// Takes the answer to what was sent. `false` when the attempt is over.
    pub(crate) fn hear(
        &mut self,
        op: &Op,
        heard: Heard,
        hands: &mut Hands<'_>,
    ) -> Result<bool, Violation> {
        match heard {
            Heard::Failed(_) | Heard::Nothing => {
                self.is_unsure = true;
                self.outbox.failed_keep();
                Ok(true)
            }
            Heard::Answer(Answer::Appended(answer)) => self.hear_append(op, answer, hands),
            Heard::Answer(Answer::Worked(answer)) => self.hear_work(answer, hands),
            Heard::Answer(other) => {
                let what = format!("{op:?} was answered by {other:?}");
                Err(Violation::new(FITS, what))
            }
        }
    }

    fn hear_append(
        &mut self,
        op: &Op,
        answer: Result<Appended, WorkError>,
        hands: &mut Hands<'_>,
    ) -> Result<bool, Violation> {
        let Op::Append { append_no, .. } = op else {
            return Ok(true);
        };
        let writes = &mut hands.witness.writes;
        match answer {
            Ok(appended) => {
                let place = (appended.first, appended.last);
                writes.written(self.run, self.fence, *append_no, place)?;
                self.outbox.landed();
                self.is_unsure = false;
                self.control = appended.control;
                Ok(true)
            }
            Err(error) => {
                writes.refused(self.run, self.fence, *append_no, !self.is_unsure);
                self.refused(&error, hands)?;
                Ok(false)
            }
        }
    }

    fn hear_work(
        &mut self,
        answer: Result<Worked, WorkError>,
        hands: &mut Hands<'_>,
    ) -> Result<bool, Violation> {
        let Stage::Flushing(then) = std::mem::replace(&mut self.stage, Stage::Playing) else {
            return Ok(true);
        };
        let refused = match (answer, then) {
            (Ok(worked), Then::Ask(request, mode)) => {
                self.control = worked.control;
                self.stage = Stage::Holding(request);
                return Ok(!(worked.wrote && mode == WaitMode::Parked));
            }
            (Ok(worked), Then::Consume(_, input)) => {
                self.control = worked.control;
                fold(&mut self.snapshot, self.run, hands)?;
                let mut given = self.snapshot.inputs.iter();
                let parts = given.find(|given| given.input == input);
                let parts = parts.map(|given| given.parts.clone()).unwrap_or_default();
                self.performer.heard(&parts);
                return Ok(true);
            }
            (Ok(_), Then::Play | Then::Finish(_) | Then::End(..)) => return Ok(false),
            (Err(WorkError::Refused(run::Refused::InputNotPending(_))), Then::Consume(..)) => {
                self.performer.missed();
                None
            }
            (Err(WorkError::Refused(run::Refused::InputsPending(_))), Then::Finish(_)) => None,
            (Err(error), _) => Some(error),
        };
        if let Some(error) = refused {
            self.refused(&error, hands)?;
            return Ok(false);
        }
        self.control = hands.control(self.run)?;
        Ok(true)
    }

    /// A refusal has to have its reason in the run's state.
    fn refused(&self, error: &WorkError, hands: &mut Hands<'_>) -> Result<(), Violation> {
        let control = hands.control(self.run)?;
        let name = hands.witness.name(self.run);
        let (is_right, promise) = match error {
            WorkError::Refused(run::Refused::Fenced { .. }) => (control.fence > self.fence, FENCED),
            WorkError::Refused(run::Refused::Final(_)) => {
                (matches!(control.state, State::Final(_)), FENCED)
            }
            _ => (false, FITS),
        };
        if is_right {
            return Ok(());
        }
        let what = format!(
            "{name}, fence {}, {:?}: {error}; the run is {control:?}",
            self.fence, self.stage
        );
        Err(Violation::new(promise, what))
    }
}

/// Folds what is visible of a log behind what a snapshot holds.
fn fold(snapshot: &mut Snapshot, run: RunId, hands: &mut Hands<'_>) -> Result<(), Violation> {
    let frames = hands.read(run, snapshot.last_seq)?;
    for envelope in frame::split(&frames).filter_map(frame::parse) {
        snapshot.apply(&envelope);
    }
    Ok(())
}
