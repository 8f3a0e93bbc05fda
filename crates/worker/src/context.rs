//! What a driver has of its attempt.

use std::sync::Arc;
use std::time::Duration;

use agent::Marker;
use run::event::InputMode;
use run::snapshot::{Resolution, Snapshot};
use run::{
    DriverKind, Event, InputId, Outcome, Part, PendingInput, Refused, RequestId, Run, Timestamp,
    TurnId, WaitMode, Work,
};
use store::{RunRecord, Scope, Store, Worked};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{ChildKey, ChildToken};

use crate::hearing::Hearing;
use crate::pause::Pause;
use crate::settings::Clock;

/// The attempt is over, or the driver was told to end: return [`Ending::Cancelled`](crate::Ending::Cancelled) soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the attempt is over")]
pub struct Over;

/// How a wait began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The run is parked: return [`Ending::Settled`](crate::Ending::Settled).
    Parked,
    /// The run waits and this attempt keeps it.
    Held,
    /// There is nothing to wait for: the answer came first.
    Answered,
}

/// What a driver says to its attempt.
pub(crate) enum Said {
    /// These things happened.
    Events {
        events: Vec<Event>,
        durable: Option<oneshot::Sender<()>>,
    },
    /// Do this, behind all that was said before.
    Work {
        work: Work,
        reply: oneshot::Sender<Result<Worked, Refused>>,
    },
    /// Silence until then is meant.
    Rest { until: Instant },
}

/// What a driver has of its attempt: the run, what was written, what its clients say, and a mouth.
pub struct Context {
    pub(crate) run: RunRecord,
    pub(crate) store: Store,
    pub(crate) marker: Marker,
    pub(crate) clock: Clock,
    pub(crate) control: watch::Receiver<Arc<Run>>,
    pub(crate) mailbox: mpsc::Sender<Said>,
    pub(crate) cancel: CancellationToken,
    pub(crate) drain: CancellationToken,
    pub(crate) hearing: Hearing,
}

impl Context {
    /// The run as it was claimed.
    pub fn run(&self) -> &RunRecord {
        &self.run
    }

    /// Whether an earlier attempt may have written something.
    pub fn resumes(&self) -> bool {
        self.run.control.attempt > 1
    }

    /// How the run's processes are marked.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// What the processes of the run may show to this server.
    pub(crate) fn child_token(&self) -> ChildToken {
        ChildKey::new(self.store.secret_of_data().reveal()).token(self.run.id)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The newest known control state. It is behind what this driver has said and not yet heard to be durable.
    pub fn control(&self) -> Arc<Run> {
        Arc::clone(&self.control.borrow())
    }

    /// What the log folds to, for the beginning of an attempt: call it before the first word.
    pub async fn snapshot(&mut self) -> Result<Snapshot, Over> {
        let control = &self.run.control;
        if control.attempt > 1 || control.n_inputs > 0 {
            return self.snapshot_again().await;
        }
        // Nothing can have happened: the common case costs no read.
        let mut snapshot = Snapshot::default();
        snapshot.last_seq = control.last_seq;
        snapshot.input = run::Input::clone(&self.run.input);
        self.hearing.begin(&snapshot);
        Ok(snapshot)
    }

    /// What the log folds to now. What was said since the last [`Context::wait`], [`Context::consume`] or
    /// [`Context::emit_durable`] may not be in it yet.
    pub async fn snapshot_again(&mut self) -> Result<Snapshot, Over> {
        let scope = Scope::tenant(self.run.tenant.clone());
        let read = || self.store.snapshot(&scope, self.run.id);
        // It was deleted.
        let snapshot = self
            .asked("read the snapshot", read)
            .await?
            .map_err(|_| Over)?;
        self.hearing.begin(&snapshot);
        Ok(snapshot)
    }

    /// Says what happened. Waits for room when the store is slower than the driver.
    pub async fn emit(&self, events: Vec<Event>) -> Result<(), Over> {
        if events.is_empty() {
            return Ok(());
        }
        let durable = None;
        self.say(Said::Events { events, durable }).await
    }

    /// Says what happened and waits until it is durable: for what must be known before a side effect happens.
    pub async fn emit_durable(&self, events: Vec<Event>) -> Result<(), Over> {
        let (durable, landed) = oneshot::channel();
        let durable = Some(durable);
        self.say(Said::Events { events, durable }).await?;
        landed.await.map_err(|_| Over)
    }

    /// The input that may be heard now: between steps a steer, at the end of a turn anything.
    pub fn next_input(&self, mode: InputMode) -> Option<PendingInput> {
        self.control.borrow().next_input(mode).cloned()
    }

    /// Takes an input for a turn. `None` when it was taken back first.
    pub async fn consume(
        &mut self,
        input: &InputId,
        turn: TurnId,
    ) -> Result<Option<Vec<Part>>, Over> {
        let work = Work::Consume {
            input: input.clone(),
            turn,
        };
        let refused = self.work(work).await?.err();
        self.hear().await?;
        // A refusal may be the answer to a repeated write whose first try succeeded: the log knows.
        if refused.is_some() && !self.hearing.is_consumed(input) {
            return Ok(None);
        }
        Ok(Some(self.hearing.take_input(input).unwrap_or_default()))
    }

    /// What an input says, as long as it waits. It stays where it is.
    pub async fn read_input(&mut self, input: &InputId) -> Result<Option<Vec<Part>>, Over> {
        self.hear().await?;
        Ok(self.hearing.read_input(input).map(<[Part]>::to_vec))
    }

    /// Waits for the client: parked without this attempt, or held by it.
    pub async fn wait(&self, mode: WaitMode) -> Result<Waited, Over> {
        let worked = self.work(Work::Wait { mode, due_at: None }).await?;
        let wrote = worked.map_err(|_| Over)?.wrote;
        Ok(match mode {
            _ if !wrote => Waited::Answered,
            WaitMode::Parked => Waited::Parked,
            WaitMode::Held => Waited::Held,
        })
    }

    /// Waits until a request is closed and gives how. Ends with [`Over`] also when the server stops: the next attempt
    /// hears the answer.
    pub async fn answer(&mut self, request: &RequestId) -> Result<Resolution, Over> {
        let mut control = self.control.clone();
        let closed = control.wait_for(|run| !run.requests.contains_key(request));
        tokio::select! {
            biased;
            closed = closed => drop(closed.map_err(|_| Over)?),
            () = self.cancel.cancelled() => return Err(Over),
            // Nothing is half done while the run waits, so there is no better place to stop.
            () = self.drain.cancelled() => return Err(Over),
        }
        self.hear().await?;
        let resolution = self.hearing.take_resolution(request);
        Ok(resolution.unwrap_or_else(|| Resolution::Expired {
            why: "its answer is not in the log".to_owned(),
        }))
    }

    /// Ends the run, unless an input came first. `true`: return [`Ending::Settled`](crate::Ending::Settled). `false`:
    /// hear the input.
    pub async fn finish(&self, outcome: Outcome) -> Result<bool, Over> {
        Ok(self.work(Work::Finish(outcome)).await?.is_ok())
    }

    /// Ends the run, which can hear nothing any more: return [`Ending::Settled`](crate::Ending::Settled).
    pub(crate) async fn close(&self, outcome: Outcome) -> Result<(), Over> {
        let closed = self.work(Work::Close(outcome)).await?;
        closed.map(drop).map_err(|_| Over)
    }

    /// Waits, which is no silence: for pauses that the driver means.
    pub async fn rest(&self, pause: Duration) -> Result<(), Over> {
        self.excuse_silence(pause).await?;
        self.sleep(pause).await
    }

    /// Means it to be silent for so long from now on, in place of what was meant before.
    pub(crate) async fn excuse_silence(&self, pause: Duration) -> Result<(), Over> {
        let until = Instant::now() + pause;
        self.say(Said::Rest { until }).await
    }

    /// Waits without a sign of life.
    pub async fn sleep(&self, pause: Duration) -> Result<(), Over> {
        self.sleep_until(Instant::now() + pause).await
    }

    /// Waits without a sign of life.
    pub async fn sleep_until(&self, at: Instant) -> Result<(), Over> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Over),
            () = tokio::time::sleep_until(at) => Ok(()),
        }
    }

    /// Completes when the driver has to end: a stop, a budget, a lost lease.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// Whether the driver has to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Whether the server stops: at the next good place, return [`Ending::Cancelled`](crate::Ending::Cancelled).
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// The driver of the run.
    pub fn kind(&self) -> DriverKind {
        self.run.spec.driver
    }

    async fn say(&self, said: Said) -> Result<(), Over> {
        self.mailbox.send(said).await.map_err(|_| Over)
    }

    async fn work(&self, work: Work) -> Result<Result<Worked, Refused>, Over> {
        let (reply, answer) = oneshot::channel();
        self.say(Said::Work { work, reply }).await?;
        answer.await.map_err(|_| Over)
    }

    /// Reads what clients have said since it was last looked.
    async fn hear(&mut self) -> Result<(), Over> {
        let mut pause = Pause::new();
        loop {
            match self.hearing.catch_up(&self.store, &self.run).await {
                Ok(()) => return Ok(()),
                Err(store::FollowError::Unavailable(error)) => {
                    tracing::warn!(run.id = %self.run.id, %error, "failed to read the log of run {}", self.run.id);
                    self.sleep(pause.next()).await?;
                }
                Err(_) => return Err(Over),
            }
        }
    }
}
