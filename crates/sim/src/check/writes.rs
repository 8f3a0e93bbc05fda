//! What workers wrote, against what the log holds: nothing under an old fence, nothing twice, nothing lost.

use std::collections::BTreeMap;

use run::{AppendNo, Event, Fence, RunId, Seq};

use super::Log;
use crate::Violation;

const NOTHING_LOST: &str = "a write that was acknowledged is in the log, as it was and once";
const NOTHING_STALE: &str = "nothing gets in under an old fence, and nothing that nobody wrote";

/// Every append that workers asked for.
#[derive(Debug, Clone, Default)]
pub struct Writes {
    by_attempt: BTreeMap<(RunId, Fence), Attempt>,
}

#[derive(Debug, Clone, Default)]
struct Attempt {
    n: u32,
    appends: BTreeMap<AppendNo, Append>,
}

#[derive(Debug, Clone)]
struct Append {
    events: Vec<Event>,
    fate: Fate,
}

/// What is known of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Written(Seq, Seq),
    Refused,
}

impl Writes {
    /// A worker was given a run: its `n`-th attempt.
    pub fn granted(&mut self, run: RunId, fence: Fence, n: u32) {
        self.by_attempt.entry((run, fence)).or_default().n = n;
    }

    /// An append is asked for, for the first time or again.
    pub fn asked(&mut self, run: RunId, fence: Fence, no: AppendNo, events: &[Event]) {
        let attempt = self.by_attempt.entry((run, fence)).or_default();
        attempt.appends.entry(no).or_insert_with(|| Append {
            events: events.to_vec(),
            fate: Fate::Unknown,
        });
    }

    /// An append was acknowledged.
    pub fn written(
        &mut self,
        run: RunId,
        fence: Fence,
        no: AppendNo,
        (first, last): (Seq, Seq),
    ) -> Result<(), Violation> {
        let fate = self.fate(run, fence, no);
        match *fate {
            Fate::Unknown => *fate = Fate::Written(first, last),
            Fate::Written(a, b) if (a, b) == (first, last) => {}
            before => {
                let what = format!(
                    "run {run}, fence {fence}, append {no}: {before:?}, then {first} to {last}"
                );
                return Err(Violation::new(NOTHING_LOST, what));
            }
        }
        Ok(())
    }

    /// An append was refused. One whose first answer was lost may have been written before.
    pub fn refused(&mut self, run: RunId, fence: Fence, no: AppendNo, was_sure: bool) {
        let fate = self.fate(run, fence, no);
        if was_sure && *fate == Fate::Unknown {
            *fate = Fate::Refused;
        }
    }

    fn fate(&mut self, run: RunId, fence: Fence, no: AppendNo) -> &mut Fate {
        let attempt = self.by_attempt.entry((run, fence)).or_default();
        let append = attempt.appends.entry(no).or_insert_with(|| Append {
            events: Vec::new(),
            fate: Fate::Unknown,
        });
        &mut append.fate
    }

    /// Compares with a log that was read to its end.
    pub fn check(&self, run: RunId, log: &Log) -> Result<(), Violation> {
        let of_run = self
            .by_attempt
            .range((run, Fence(0))..=(run, Fence(u64::MAX)));
        let attempts: Vec<&Attempt> = of_run.map(|(_, attempt)| attempt).collect();
        for attempt in &attempts {
            for append in attempt.appends.values() {
                check_written(run, append, log)?;
            }
        }
        for n in 0..=log.control().attempt {
            let asked = attempts.iter().filter(|attempt| attempt.n == n);
            check_attempt(run, n, asked.flat_map(|it| it.appends.values()), log)?;
        }
        Ok(())
    }
}

fn check_written(run: RunId, append: &Append, log: &Log) -> Result<(), Violation> {
    let Fate::Written(first, last) = append.fate else {
        return Ok(());
    };
    let index = |seq: Seq| usize::try_from(seq.0).unwrap_or(usize::MAX);
    let found = log.envelopes().get(index(first) - 1..index(last));
    let same = found.is_some_and(|found| {
        found.len() == append.events.len()
            && found
                .iter()
                .zip(&append.events)
                .all(|(envelope, event)| envelope.event == *event)
    });
    if same {
        return Ok(());
    }
    let what = format!(
        "run {run}: {first} to {last} should be {:?} and is {found:?}",
        append.events
    );
    Err(Violation::new(NOTHING_LOST, what))
}

/// What only workers write, in the log of one attempt, is the attempt's appends one after another; one of which nobody
/// knows whether it was written is there as a whole or not at all.
fn check_attempt<'a>(
    run: RunId,
    n: u32,
    appends: impl Iterator<Item = &'a Append>,
    log: &Log,
) -> Result<(), Violation> {
    let found: Vec<&Event> = log
        .envelopes()
        .iter()
        .filter(|envelope| envelope.attempt == n && only_workers(&envelope.event))
        .map(|envelope| &envelope.event)
        .collect();
    let mut rest = &found[..];
    for append in appends {
        let asked: Vec<&Event> = append
            .events
            .iter()
            .filter(|event| only_workers(event))
            .collect();
        if append.fate == Fate::Refused {
            continue;
        }
        if let Some(behind) = rest.strip_prefix(&asked[..]) {
            rest = behind;
        } else if append.fate != Fate::Unknown {
            let what = format!("run {run}, attempt {n}: {asked:?} is not next in {rest:?}");
            return Err(Violation::new(NOTHING_LOST, what));
        }
    }
    match rest.first() {
        None => Ok(()),
        Some(event) => {
            let what = format!("run {run}, attempt {n}: {event:?}");
            Err(Violation::new(NOTHING_STALE, what))
        }
    }
}

/// Whether the server never writes such an event by itself.
fn only_workers(event: &Event) -> bool {
    matches!(
        event,
        Event::TextDelta(_)
            | Event::ReasoningDelta(_)
            | Event::MessageStarted(_)
            | Event::ToolStarted(_)
            | Event::ToolCalled(_)
            | Event::ToolRunning(_)
            | Event::TurnStarted(_)
            | Event::StepStarted(_)
            | Event::StepFinished(_)
            | Event::ApprovalRequested(_)
            | Event::QuestionAsked(_)
            | Event::RetryScheduled(_)
            | Event::Notice(_)
    )
}
