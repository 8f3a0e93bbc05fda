//! All that anybody outside the store has seen or was told, and whether it fits together.

use std::collections::{BTreeMap, BTreeSet};

use run::event::ReturnCode;
use run::{Command, Event, Fence, Input, InputId, Reason, RunId, Seq, State};
use store::{Commanded, Fate, OnConflict, RunRecord, Start, Started};

use super::{Log, Place, Threads, Writes, concurrency, losses, text};
use crate::Violation;
use crate::violation::ensure;

const STARTED: &str = "a start that was acknowledged is never lost";
const ONE_RUN_PER_KEY: &str = "an idempotency key stands for one run";
const ONCE: &str = "a start or an input takes effect once, however often it is repeated";
const ROW_IS_FOLD: &str = "the control state is the fold of the log";
const TOLD: &str = "a command that was acknowledged is in the log as it was answered";
const STOP_NAMES_A_RUN: &str = "a stop ends the run that it names and no other";
const TAKEN_BACK: &str = "an input that nobody took back is not taken back";
const STOPPED_AT_ONCE: &str = "a stop of a run without a worker ends it at once";
const FENCES: &str = "each grant of a run has a higher fence than the one before";
const ENDS: &str = "every run ends";

/// What was seen and told.
#[derive(Debug, Clone, Default)]
pub struct Witness {
    logs: BTreeMap<RunId, Log>,
    /// What workers wrote.
    pub writes: Writes,
    threads: Threads,
    starts: BTreeMap<RunId, Start>,
    names: BTreeMap<RunId, usize>,
    acknowledged: BTreeSet<RunId>,
    to_stop: BTreeSet<RunId>,
    to_take_back: BTreeSet<(RunId, InputId)>,
    told: Vec<Told>,
    fences: BTreeMap<RunId, Fence>,
}

#[derive(Debug, Clone)]
struct Told {
    run: RunId,
    last: Seq,
    events: Vec<Event>,
}

impl Witness {
    /// The log of a run as far as it was seen.
    pub fn log(&self, run: RunId) -> Option<&Log> {
        self.logs.get(&run)
    }

    /// All logs.
    pub fn logs(&self) -> impl Iterator<Item = (&RunId, &Log)> {
        self.logs.iter()
    }

    /// A run's short name in the history.
    pub fn name(&self, run: RunId) -> String {
        self.names
            .get(&run)
            .map_or_else(|| run.to_string(), |n| format!("r{n}"))
    }

    /// How far a run was seen.
    pub fn seen(&self, run: RunId) -> Seq {
        self.logs.get(&run).map_or(Seq::ZERO, Log::last)
    }

    /// A reader was given frames.
    pub fn saw(&mut self, run: RunId, after: Seq, frames: &[u8]) -> Result<(), Violation> {
        self.logs
            .entry(run)
            .or_insert_with(|| Log::new(run))
            .saw(after, frames)
    }

    /// A start is asked for.
    pub fn asks_to_start(&mut self, start: &Start) {
        let n = self.names.len() + 1;
        self.names.entry(start.run).or_insert(n);
        self.starts.insert(start.run, start.clone());
        if let OnConflict::Supersede(named) = start.on_conflict {
            self.to_stop.insert(named);
            // Whoever was to take the same place has lost it.
            let rivals = self.starts.values().filter(|other| {
                other.run != start.run && other.on_conflict == OnConflict::Supersede(named)
            });
            self.to_stop.extend(rivals.map(|rival| rival.run));
        }
    }

    /// A start was acknowledged.
    pub fn was_started(&mut self, asked: &Start, started: &Started) -> Result<(), Violation> {
        let run = started.run.id;
        match started.fate {
            Fate::Created => ensure(run == asked.run, STARTED, || {
                format!("{run} for {}", asked.run)
            })?,
            // What the key stands for is a run, or the run that its input went to.
            Fate::Repeated => ensure(
                self.key_of(run) == self.key_of(asked.run)
                    || (asked.on_conflict == OnConflict::Steer
                        && started.run.thread == asked.thread),
                STARTED,
                || format!("{run} repeats {}", asked.run),
            )?,
            Fate::Steered(_) => ensure(
                asked.on_conflict == OnConflict::Steer && started.run.thread == asked.thread,
                STARTED,
                || format!("{} became an input of {run}", asked.run),
            )?,
        }
        if let Fate::Steered(_) = started.fate {
            return Ok(());
        }
        self.acknowledged.insert(run);
        Ok(())
    }

    fn key_of(&self, run: RunId) -> Option<&str> {
        let idempotency = self.starts.get(&run)?.idempotency.as_ref()?;
        Some(&idempotency.key)
    }

    /// A command is asked for.
    pub fn asks(&mut self, run: RunId, command: &Command) {
        match command {
            Command::Stop { .. } => {
                self.to_stop.insert(run);
            }
            Command::TakeBack { input } => {
                self.to_take_back.insert((run, input.clone()));
            }
            _ => {}
        }
    }

    /// A command was acknowledged.
    pub fn was_told(&mut self, command: &Command, commanded: Commanded) -> Result<(), Violation> {
        let Commanded { run, events } = commanded;
        if let Command::Stop { .. } = command {
            let control = &run.control;
            ensure(
                control.is_final() || control.is_held(),
                STOPPED_AT_ONCE,
                || format!("{}: {:?}", self.name(run.id), control.state),
            )?;
        }
        self.told.push(Told {
            run: run.id,
            last: run.control.last_seq,
            events,
        });
        Ok(())
    }

    /// A worker was given a run.
    pub fn granted(&mut self, run: RunId, fence: Fence, attempt: u32) -> Result<(), Violation> {
        let before = self.fences.insert(run, fence);
        ensure(before.is_none_or(|before| before < fence), FENCES, || {
            format!("{}: {before:?}, then {fence}", self.name(run))
        })?;
        self.writes.granted(run, fence, attempt);
        Ok(())
    }

    /// Checks how all runs stand, oldest first.
    pub fn check_records(&mut self, records: &[RunRecord]) -> Result<(), Violation> {
        let places: Vec<Place> = records
            .iter()
            .map(|record| Place {
                run: record.id,
                thread: record.thread.clone(),
                is_current: record.is_current,
                is_final: record.control.is_final(),
                supersedes: self
                    .starts
                    .get(&record.id)
                    .is_some_and(|start| matches!(start.on_conflict, OnConflict::Supersede(_))),
            })
            .collect();
        self.threads.check(&places)?;
        self.check_starts(records)?;
        concurrency(records)?;
        for record in records {
            if let Some(log) = self.logs.get(&record.id) {
                same_state(record, log)?;
            }
        }
        Ok(())
    }

    fn check_starts(&self, records: &[RunRecord]) -> Result<(), Violation> {
        let there: BTreeSet<RunId> = records.iter().map(|record| record.id).collect();
        if let Some(lost) = self.acknowledged.difference(&there).next() {
            return Err(Violation::new(
                STARTED,
                format!("{} is gone", self.name(*lost)),
            ));
        }
        let mut keys = BTreeSet::new();
        for run in there {
            let Some(start) = self.starts.get(&run) else {
                return Err(Violation::new(STARTED, format!("nobody started {run}")));
            };
            if let Some(used) = &start.idempotency {
                ensure(keys.insert(&used.key), ONE_RUN_PER_KEY, || {
                    format!("{}: a second run", used.key)
                })?;
            }
        }
        Ok(())
    }

    /// Checks logs that were read to their ends, which need not be ends of runs.
    pub fn check_logs(&self) -> Result<(), Violation> {
        for (run, log) in &self.logs {
            self.writes.check(*run, log)?;
            if let State::Final(outcome) = &log.control().state {
                let is_stopped = matches!(outcome.reason, Reason::Stopped | Reason::Superseded);
                ensure(
                    !is_stopped || self.to_stop.contains(run),
                    STOP_NAMES_A_RUN,
                    || format!("{} ended as {:?}", self.name(*run), outcome.reason),
                )?;
            }
            ensure(
                log.control().stop.is_none() || self.to_stop.contains(run),
                STOP_NAMES_A_RUN,
                || format!("{} is told to stop", self.name(*run)),
            )?;
            let mut taken_back = log.returned(ReturnCode::TakenBack);
            let odd =
                taken_back.find(|input| !self.to_take_back.contains(&(*run, (*input).clone())));
            ensure(odd.is_none(), TAKEN_BACK, || {
                format!("{}: {odd:?}", self.name(*run))
            })?;
            if let Some(fence) = self.fences.get(run) {
                log.check_fence(*fence)?;
            }
        }
        self.check_once()?;
        self.told.iter().try_for_each(|told| self.check_told(told))
    }

    /// Every client says something else each time, unless it repeats itself.
    fn check_once(&self) -> Result<(), Violation> {
        let mut said = BTreeSet::new();
        for (run, log) in &self.logs {
            for envelope in log.envelopes() {
                let text = match &envelope.event {
                    Event::RunCreated(created) => created.input.as_text(),
                    Event::InputReceived(input) => {
                        let parts = input.parts.clone();
                        Input {
                            parts,
                            ..Input::default()
                        }
                        .as_text()
                    }
                    _ => continue,
                };
                ensure(said.insert(text.clone()), ONCE, || {
                    format!("{}: {text:?} again", self.name(*run))
                })?;
            }
        }
        Ok(())
    }

    fn check_told(&self, told: &Told) -> Result<(), Violation> {
        let end = usize::try_from(told.last.0).unwrap_or(usize::MAX);
        let found = self
            .logs
            .get(&told.run)
            .and_then(|log| log.envelopes().get(..end))
            .and_then(|before| before.get(end - told.events.len()..));
        let same = found.is_some_and(|found| {
            found
                .iter()
                .zip(&told.events)
                .all(|(envelope, event)| envelope.event == *event)
        });
        ensure(same, TOLD, || {
            format!(
                "{} up to {}: {:?}, in the log {found:?}",
                self.name(told.run),
                told.last,
                told.events
            )
        })
    }

    /// Checks a history that is over.
    pub fn check_end(&self, records: &[RunRecord]) -> Result<(), Violation> {
        for record in records {
            let log = self.logs.get(&record.id);
            ensure(log.is_some_and(Log::is_final), ENDS, || {
                format!("{}: {:?}", self.name(record.id), record.control)
            })?;
            if let Some(log) = log {
                let checked = text(&record.spec, log).and_then(|()| losses(&record.spec, log));
                checked.map_err(|violation| Violation {
                    what: format!("{}: {}", self.name(record.id), violation.what),
                    ..violation
                })?;
            }
        }
        self.check_logs()
    }
}

/// A run's row, as readers see it, says what the log folds to.
fn same_state(record: &RunRecord, log: &Log) -> Result<(), Violation> {
    let (row, fold) = (&*record.control, log.control());
    ensure(
        row.last_seq != fold.last_seq || row == fold,
        ROW_IS_FOLD,
        || format!("{}: row {row:?}, fold {fold:?}", record.id),
    )?;
    ensure(row.last_seq >= fold.last_seq, ROW_IS_FOLD, || {
        format!(
            "{}: the row is at {}, seen was {}",
            record.id, row.last_seq, fold.last_seq
        )
    })
}
