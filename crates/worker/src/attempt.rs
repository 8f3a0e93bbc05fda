//! One attempt: set up, performed, ended. Whatever happens in it, the run is not left behind.

use std::sync::Arc;
use std::time::Duration;

use agent::{Mark, Marker};
use run::event::AttemptEnd;
use run::{Run, Work};
use store::{Claimed, ReadError, RunWatch, Store};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::context::Context;
use crate::driver::{Driver, starts_processes};
use crate::hearing::Hearing;
use crate::metric;
use crate::orphans;
use crate::outbox::Outbox;
use crate::pause::Pause;
use crate::performance::{Close, Performance, Progress};
use crate::settings::Settings;
use crate::settle::{left, settle};
use crate::watchdog::Watchdog;

/// What an attempt hears from its worker.
#[derive(Clone)]
pub(crate) struct Signals {
    /// The lease is lost: no side effects any more, at once.
    pub(crate) lost: CancellationToken,
    /// The server stops: go on to a good place.
    pub(crate) drain: CancellationToken,
    /// The server has waited long enough for the store.
    pub(crate) give_up: CancellationToken,
}

/// One attempt, before it begins.
pub(crate) struct Attempt<D> {
    pub(crate) store: Store,
    pub(crate) drivers: Arc<D>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) mark: Mark,
    pub(crate) claimed: Claimed,
    pub(crate) signals: Signals,
}

impl<D: Driver> Attempt<D> {
    /// Performs it to its end.
    pub(crate) async fn perform(self) {
        let run = &self.claimed.run;
        let close = match self.try_perform().await {
            Ok(close) => close,
            Err(why) => Close::Write(why),
        };
        match close {
            Close::Nothing => {}
            Close::GivenUp(work) => left(run, &work, "the store did not answer"),
            Close::Write(work) => {
                let give_up = &self.signals.give_up;
                settle(&self.store, run, self.claimed.fence, work, give_up).await;
            }
        }
    }

    async fn try_perform(&self) -> Result<Close, Work> {
        let Claimed { run, fence } = &self.claimed;
        if self.signals.drain.is_cancelled() {
            return Err(ended(AttemptEnd::HandedOver, "the server stops"));
        }
        if self.signals.lost.is_cancelled() {
            return Err(ended(AttemptEnd::Lost, "its worker lost its lease"));
        }
        metric::attempt(run.spec.driver);
        let lost = |why: String| ended(AttemptEnd::Lost, &why);
        let marker = self
            .mark
            .run(&run.id.to_string())
            .map_err(|error| lost(error.to_string()))?;
        if starts_processes(run.spec.driver) && run.control.attempt > 1 {
            // An earlier server may have died and left them; this attempt must not meet them.
            orphans::sweep(marker.clone()).await;
        }
        let Some(watch) = self.watch().await? else {
            return Ok(Close::Nothing);
        };
        let mut performance = self.begin(watch, &marker);
        let close = performance.run().await;
        tracing::debug!(run.id = %run.id, attempt.fence = fence.0, "an attempt of run {} is over", run.id);
        Ok(close)
    }

    async fn watch(&self) -> Result<Option<RunWatch>, Work> {
        let mut pause = Pause::new();
        loop {
            match self.store.watch(self.claimed.run.id).await {
                Ok(watch) => return Ok(Some(watch)),
                Err(ReadError::Unknown) => return Ok(None),
                Err(ReadError::Unavailable(error)) => {
                    let run = &self.claimed.run;
                    tracing::warn!(run.id = %run.id, %error, "failed to set up an attempt of run {}", run.id);
                    tokio::select! {
                        () = sleep(pause.next()) => {}
                        () = self.signals.lost.cancelled() => {
                            return Err(ended(AttemptEnd::Lost, "its worker lost its lease"));
                        }
                        () = self.signals.drain.cancelled() => {
                            return Err(ended(AttemptEnd::HandedOver, "the server stops"));
                        }
                    }
                }
            }
        }
    }

    fn begin(&self, watch: RunWatch, marker: &Marker) -> Performance {
        let Claimed { run, fence } = &self.claimed;
        let (publish, control) = watch::channel(Arc::clone(&run.control));
        let (mailbox, heard) = Performance::mailbox();
        let cancel = CancellationToken::new();
        let context = Context {
            run: run.clone(),
            store: self.store.clone(),
            marker: marker.clone(),
            clock: Arc::clone(&self.settings.clock),
            control,
            mailbox,
            cancel: cancel.clone(),
            drain: self.signals.drain.clone(),
            hearing: Hearing::default(),
        };
        let mut driver = JoinSet::new();
        let drivers = Arc::clone(&self.drivers);
        let performance = async move { drivers.perform(context).await };
        driver.spawn(performance.in_current_span());
        Performance {
            store: self.store.clone(),
            run: run.clone(),
            fence: *fence,
            signals: self.signals.clone(),
            drain: self.settings.drain,
            control: Arc::clone(&run.control),
            publish,
            watch,
            watchdog: self.watchdog(&run.control),
            cancel,
            driver,
            mailbox: heard,
            outbox: Outbox::new(),
            marker: starts_processes(run.spec.driver).then(|| marker.clone()),
            progress: Progress::default(),
        }
    }

    fn watchdog(&self, control: &Run) -> Watchdog {
        let spec = &self.claimed.run.spec;
        let now = Instant::now();
        let deadline = spec.budget.deadline(control).map(|at| {
            let left = at.ms_since(self.settings.now());
            now + Duration::from_millis(left)
        });
        let unwatched = spec.budget.unwatched_ms.map(Duration::from_millis);
        let silence = Duration::from_millis(spec.silence_ms);
        Watchdog::new(now, silence, unwatched, deadline)
    }
}

/// The end of an attempt that is not the end of the run.
pub(crate) fn ended(end: AttemptEnd, why: &str) -> Work {
    Work::End {
        end,
        why: why.to_owned(),
    }
}
