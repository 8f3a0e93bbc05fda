//! Settling what time has made due: attempts of dead workers, expired requests, deadlines, stops that hang. Start-up is
//! a normal tick.

use std::sync::Arc;
use std::time::Duration;

use agent::{Mark, Marker};
use run::{OnLost, Run, RunId, Status, Timestamp, WorkerId};
use store::{Store, Swept, Unavailable};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::driver::starts_processes;
use crate::settings::Settings;
use crate::{metric, orphans};

/// Sweeps, as long as a lease holds.
pub(crate) struct Sweeper {
    pub(crate) store: Store,
    pub(crate) settings: Arc<Settings>,
    pub(crate) mark: Mark,
    pub(crate) worker: WorkerId,
    pub(crate) lost: CancellationToken,
    /// Told after every sweep.
    pub(crate) swept: Arc<Notify>,
}

/// What became of the attempts that a start found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    resumed: usize,
    retried: usize,
    aborted: usize,
}

impl Sweeper {
    /// Sweeps until the lease is lost. `is_start` says that runs of an earlier server may be found, which is then told
    /// in one line.
    pub(crate) async fn run(self, is_start: bool) {
        let mut found = is_start.then(Found::default);
        // Killing may take its time, and the next sweep does not wait for it.
        let mut kills = JoinSet::new();
        let mut last_at = self.settings.now();
        loop {
            while kills.try_join_next().is_some() {}
            let swept = match self.sweep(&mut last_at).await {
                Ok(swept) => swept,
                Err(error) => {
                    tracing::warn!(%error, "the sweep failed: {error}");
                    sleep(self.settings.sweep).await;
                    continue;
                }
            };
            self.swept.notify_one();
            let orphaned = self.look_into(&swept, found.as_mut()).await;
            if !orphaned.is_empty() {
                kills.spawn(async move {
                    for marker in orphaned {
                        orphans::sweep(marker).await;
                    }
                });
            }
            if swept.more {
                continue;
            }
            if let Some(found) = found.take() {
                found.tell();
            }
            sleep(self.pause(&swept)).await;
        }
    }

    async fn sweep(&self, last_at: &mut Timestamp) -> Result<Swept, Unavailable> {
        let now = self.settings.now();
        let lease_ms = self.settings.lease_ms();
        // A machine that was suspended wakes up with its own lease over and not taken: renewed first, nothing is lost.
        if now.ms_since(*last_at) > lease_ms / 2
            && !self.store.renew(&self.worker, lease_ms).await?
        {
            self.lost.cancel();
        }
        *last_at = now;
        self.store.sweep().await
    }

    /// How long nothing is due.
    fn pause(&self, swept: &Swept) -> Duration {
        let most = self.settings.sweep;
        let now = self.settings.now();
        swept.next_at.map_or(most, |at| {
            let next = Duration::from_millis(at.ms_since(now));
            next.clamp(SHORTEST.min(most), most)
        })
    }

    /// Tells and counts what a sweep did; gives what may be left on this machine of runs that have ended.
    async fn look_into(&self, swept: &Swept, mut found: Option<&mut Found>) -> Vec<Marker> {
        let mut orphaned = Vec::new();
        for (run, status) in &swept.lost {
            tracing::warn!(run.id = %run, %status, "an attempt of run {run} was lost; it is {status} now");
            let Ok(watch) = self.store.watch(*run).await else {
                continue;
            };
            let control = watch.control();
            if let Some(found) = &mut found {
                found.count(*status, control.driver.default_on_lost());
            }
            if status.is_final() {
                orphaned.extend(self.ended(*run, &control));
            }
        }
        for run in &swept.concluded {
            if let Ok(watch) = self.store.watch(*run).await {
                orphaned.extend(self.ended(*run, &watch.control()));
            }
        }
        orphaned
    }

    fn ended(&self, run: RunId, control: &Run) -> Option<Marker> {
        metric::finished(control);
        let has_processes = starts_processes(control.driver);
        has_processes.then(|| self.mark.run(&run.to_string()).ok())?
    }
}

/// Sweeps are not more frequent than this.
const SHORTEST: Duration = Duration::from_millis(20);

impl Found {
    fn tell(self) {
        let Self {
            resumed,
            retried,
            aborted,
        } = self;
        tracing::info!(
            resumed,
            retried,
            aborted,
            "found at start: {resumed} runs resumed, {retried} retried, {aborted} aborted"
        );
    }

    fn count(&mut self, status: Status, on_lost: OnLost) {
        match (status.is_final(), on_lost) {
            (true, _) => self.aborted += 1,
            (false, OnLost::Retry) => self.retried += 1,
            (false, OnLost::Resume | OnLost::Abort) => self.resumed += 1,
        }
    }
}
