//! The loop of one attempt: what its driver says goes into the log, what the run's clients want goes to the driver, and
//! the clocks are watched.
//!
//! Each turn of the loop has three phases: select what happened, handle it (no await), perform what follows from it.

mod verdict;
mod write;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use agent::Marker;
use run::{
    BudgetEnd, CallStage, ErrorInfo, Fence, MAX_WHY_BYTES, Outcome, Reason, Refused, Run, State,
    Work, bounded_text,
};
use store::{RunRecord, RunWatch, Store, Worked};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::attempt::Signals;
use crate::context::Said;
use crate::driver::Ending;
use crate::limits::{HAND_OVER, MAILBOX};
use crate::orphans;
use crate::outbox::Outbox;
use crate::pause::{Pause, at};
use crate::watchdog::{Bark, Watchdog};

use self::verdict::{Verdict, Winding, last_write};
pub(crate) use self::write::is_over;
use self::write::{Writing, Written};

/// What is left to do when the loop is over.
pub(crate) enum Close {
    /// Write this.
    Write(Work),
    /// Nothing: it is written, or somebody else has the run.
    Nothing,
    /// The server stops while the store does not answer; this was to be written.
    GivenUp(Work),
}

/// One attempt under way.
pub(crate) struct Performance {
    pub(crate) store: Store,
    pub(crate) run: RunRecord,
    pub(crate) fence: Fence,
    pub(crate) signals: Signals,
    pub(crate) drain: Duration,
    /// The newest known control state, and its way to the driver.
    pub(crate) control: Arc<Run>,
    pub(crate) publish: watch::Sender<Arc<Run>>,
    pub(crate) watch: RunWatch,
    pub(crate) watchdog: Watchdog,
    /// Tells the driver to end.
    pub(crate) cancel: CancellationToken,
    /// The driver's task, alone.
    pub(crate) driver: JoinSet<Ending>,
    pub(crate) mailbox: mpsc::Receiver<Said>,
    pub(crate) outbox: Outbox,
    /// How the processes of the run are marked, if its driver starts any.
    pub(crate) marker: Option<Marker>,
    pub(crate) progress: Progress,
}

/// What the loop remembers.
#[derive(Default)]
pub(crate) struct Progress {
    /// Who waits until so many of the events that were said are durable.
    durable: VecDeque<(u64, oneshot::Sender<()>)>,
    /// What the driver asked for and what waits for the outbox to be empty.
    order: Option<Order>,
    writing: Option<Writing>,
    /// A write failed and is tried again then.
    retry_at: Option<Instant>,
    pause: Option<Pause>,
    mailbox_over: bool,
    ending: Option<Ending>,
    winding: Option<Winding>,
    drain_ends: Option<Instant>,
    hold: Hold,
    given_up: bool,
    /// The driver did not end in good order: what it started may still be there.
    broke_off: bool,
}

/// Whose the run is.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// This attempt's.
    #[default]
    Ours,
    /// It left this attempt by our own hand.
    Settled,
    /// Somebody else has ended it or has it.
    Taken,
}

struct Order {
    work: Work,
    reply: oneshot::Sender<Result<Worked, Refused>>,
}

enum Heard {
    LeaseLost,
    GiveUp,
    Drain,
    Written(Written),
    Changed,
    Said(Option<Said>),
    DriverEnded(Option<Result<Ending, JoinError>>),
    Time,
}

impl Performance {
    /// A channel for a driver's words.
    pub(crate) fn mailbox() -> (mpsc::Sender<Said>, mpsc::Receiver<Said>) {
        mpsc::channel(MAILBOX)
    }

    /// Runs until there is nothing left but the last write.
    pub(crate) async fn run(&mut self) -> Close {
        self.take_control(Arc::clone(&self.control), Instant::now());
        loop {
            if let Some(close) = self.close() {
                return close;
            }
            let heard = self.select().await;
            let now = Instant::now();
            self.handle(heard, now);
            self.start_write(now);
            if self.must_kill(now) {
                self.kill().await;
            }
            if std::mem::take(&mut self.progress.broke_off)
                && let Some(marker) = self.marker.clone()
            {
                orphans::sweep(marker).await;
            }
        }
    }

    async fn select(&mut self) -> Heard {
        let now = Instant::now();
        let listens = self.listens();
        let wakes_at = self.wakes_at(now);
        let progress = &mut self.progress;
        let is_lost = progress
            .winding
            .as_ref()
            .is_some_and(|winding| winding.verdict.is_last());
        tokio::select! {
            // What ends things first, then what makes room, then what fills it.
            biased;
            () = self.signals.give_up.cancelled(), if !progress.given_up => Heard::GiveUp,
            () = self.signals.lost.cancelled(), if !is_lost => Heard::LeaseLost,
            written = written(&mut progress.writing) => Heard::Written(written),
            () = self.signals.drain.cancelled(), if progress.drain_ends.is_none() => Heard::Drain,
            () = self.watch.changed(), if progress.hold == Hold::Ours => Heard::Changed,
            said = self.mailbox.recv(), if listens => Heard::Said(said),
            ended = self.driver.join_next(), if progress.ending.is_none() => Heard::DriverEnded(ended),
            () = at(wakes_at) => Heard::Time,
        }
    }

    fn handle(&mut self, heard: Heard, now: Instant) {
        match heard {
            Heard::GiveUp => self.progress.given_up = true,
            Heard::LeaseLost => {
                self.wind(
                    Verdict::Lose("its worker lost its lease"),
                    Duration::ZERO,
                    now,
                );
            }
            Heard::Drain => self.progress.drain_ends = Some(now + self.drain),
            Heard::Written(Written::Append(result)) => self.appended(result, now),
            Heard::Written(Written::Work(result)) => self.worked(result, now),
            Heard::Changed => {
                let control = self.watch.control();
                self.take_control(control, now);
            }
            Heard::Said(said) => self.hear(said, now),
            Heard::DriverEnded(ended) => {
                self.progress.ending = Some(match ended {
                    Some(Ok(ending)) => ending,
                    Some(Err(error)) => {
                        self.progress.broke_off = true;
                        Ending::Lost {
                            why: broke_off(error),
                        }
                    }
                    None => Ending::Cancelled,
                });
                // What it said before is still heard.
                self.mailbox.close();
            }
            Heard::Time => {}
        }
        self.look_at_the_clocks(now);
    }

    /// Whether there is room for what the driver says next.
    fn listens(&self) -> bool {
        !self.progress.mailbox_over && self.progress.order.is_none() && !self.outbox.is_full()
    }

    fn hear(&mut self, said: Option<Said>, now: Instant) {
        let mut said = said;
        loop {
            match said {
                None => {
                    self.progress.mailbox_over = true;
                    return;
                }
                Some(Said::Events { events, durable }) => {
                    self.watchdog.heard(now);
                    for event in events {
                        self.outbox.push(event);
                    }
                    if let Some(durable) = durable {
                        let n_said = self.outbox.n_said();
                        self.progress.durable.push_back((n_said, durable));
                    }
                }
                Some(Said::Work { work, reply }) => {
                    self.watchdog.heard(now);
                    self.progress.order = Some(Order { work, reply });
                }
                Some(Said::Rest { until }) => self.watchdog.rest(until),
            }
            // All that is there already, so that it is written at once.
            if !self.listens() {
                return;
            }
            match self.mailbox.try_recv() {
                Ok(next) => said = Some(next),
                Err(_) => return,
            }
        }
    }

    /// Takes in the control state behind a commit of anybody.
    fn take_control(&mut self, control: Arc<Run>, now: Instant) {
        if control.last_seq < self.control.last_seq {
            return;
        }
        self.control = control;
        let control = &self.control;
        if self.progress.hold == Hold::Settled {
            self.publish.send_replace(Arc::clone(control));
            return;
        }
        if control.is_final() || control.fence != self.fence {
            self.progress.hold = Hold::Taken;
            return;
        }
        self.publish.send_replace(Arc::clone(control));
        let policy = self.run.spec.policy();
        if control.stop.is_some() {
            self.wind(Verdict::Stop, self.grace(), now);
        } else if policy.over_budget == BudgetEnd::Fail
            && let Some(exhausted) = policy.budget.exhausted(control)
        {
            let error = ErrorInfo::new("budget", exhausted.to_string());
            let outcome = Outcome::failed(Reason::Budget, error);
            self.wind(Verdict::Finish(outcome), self.grace(), now);
        }
    }

    /// A little less than a stop may take: when it is over, the run is ended from outside.
    fn grace(&self) -> Duration {
        let timeout = Duration::from_millis(self.run.spec.stop_timeout_ms);
        timeout.saturating_sub((timeout / 5).min(Duration::from_millis(500)))
    }

    fn look_at_the_clocks(&mut self, now: Instant) {
        if self.silence_is_excused() {
            self.watchdog.heard(now);
        }
        if self.watchdog.unwatched.is_some() {
            self.watchdog.followed_by(now, self.watch.n_followers());
        }
        if self.progress.ending.is_some() {
            return;
        }
        if self.progress.drain_ends.is_some_and(|end| end <= now) {
            self.wind(Verdict::HandOver, HAND_OVER.min(self.grace()), now);
        }
        if self.progress.winding.is_some() {
            return;
        }
        let spec = &self.run.spec;
        let outcome = match self.watchdog.look(now) {
            None => return,
            Some(Bark::Deadline) => spec.policy().over_deadline(),
            Some(Bark::Unwatched) => Outcome {
                error: Some(ErrorInfo::new("unwatched", "nobody followed the run")),
                ..Outcome::aborted(Reason::Unwatched)
            },
            Some(Bark::Silence) => {
                let message = format!("the agent gave no sign for {} ms", spec.silence_ms);
                Outcome::failed(Reason::Silence, ErrorInfo::new("silence", message))
            }
        };
        self.wind(Verdict::Finish(outcome), self.grace(), now);
    }

    /// A running tool may take its time, and so may a person; and a driver that waits for the store is not silent.
    fn silence_is_excused(&self) -> bool {
        let is_waiting = matches!(self.control.state, State::Waiting { .. });
        // Agents of their own do not all say when a called tool begins to run.
        let is_coding = self.control.driver.is_coding();
        let mut calls = self.control.calls.values();
        let runs_tool = calls.any(|call| is_coding || call.stage == CallStage::Running);
        is_waiting || runs_tool || !self.outbox.is_empty() || self.progress.order.is_some()
    }

    /// Tells the driver to end. Of several reasons the weightiest decides what becomes of the run.
    fn wind(&mut self, verdict: Verdict, grace: Duration, now: Instant) {
        self.cancel.cancel();
        let winding = Winding {
            verdict,
            kill_at: now + grace,
        };
        self.progress.winding = Some(match self.progress.winding.take() {
            Some(before) => before.and(winding),
            None => winding,
        });
    }

    fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let performs = self.progress.ending.is_none();
        let is_winding = self.progress.winding.is_some();
        let kill_at = self.progress.winding.as_ref().map(|w| w.kill_at);
        let drain_ends = self.progress.drain_ends;
        [
            self.progress.retry_at,
            kill_at.filter(|_| performs),
            drain_ends.filter(|_| performs && !is_winding),
            self.watchdog
                .next_look(now)
                .filter(|_| performs && !is_winding),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn must_kill(&self, now: Instant) -> bool {
        let winding = self.progress.winding.as_ref();
        let is_late = winding.is_some_and(|winding| winding.kill_at <= now);
        self.progress.ending.is_none()
            && (is_late || self.progress.hold == Hold::Taken || self.progress.given_up)
    }

    /// Ends the driver's task where it stands, and all that it did with it.
    async fn kill(&mut self) {
        self.cancel.cancel();
        self.driver.abort_all();
        let ended = self.driver.join_next().await;
        self.progress.ending = Some(match ended {
            // It was done in the same moment.
            Some(Ok(ending)) => ending,
            Some(Err(_)) | None => Ending::Cancelled,
        });
        self.mailbox.close();
        self.progress.broke_off = true;
    }

    /// What is left to do, once the driver has ended and all that it said is written.
    fn close(&mut self) -> Option<Close> {
        let progress = &self.progress;
        let ending = progress.ending.as_ref()?;
        if progress.hold != Hold::Ours {
            return Some(Close::Nothing);
        }
        if progress.given_up {
            return Some(match self.last_write(ending) {
                Some(work) => Close::GivenUp(work),
                None => Close::Nothing,
            });
        }
        let is_written =
            progress.mailbox_over && progress.order.is_none() && self.outbox.is_empty();
        is_written.then(|| self.last_write(ending).map_or(Close::Nothing, Close::Write))
    }

    fn last_write(&self, ending: &Ending) -> Option<Work> {
        let verdict = self.progress.winding.as_ref().map(|w| &w.verdict);
        let is_draining = self.progress.drain_ends.is_some();
        last_write(ending, verdict, &self.control, is_draining)
    }
}

async fn written(writing: &mut Option<Writing>) -> Written {
    match writing {
        Some(writing) => writing.await,
        None => std::future::pending().await,
    }
}

fn broke_off(error: JoinError) -> String {
    if !error.is_panic() {
        return "the driver was ended".to_owned();
    }
    let panic = error.into_panic();
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let why = format!("the driver panicked: {}", words.unwrap_or("without a word"));
    bounded_text(why, MAX_WHY_BYTES)
}
