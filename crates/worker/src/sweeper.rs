//! Settling what time has made due: attempts of dead workers, expired requests, deadlines, stops that hang. Start-up is
//! a normal tick.

use std::sync::Arc;
use std::time::Duration;

use agent::Mark;
use run::{OnLost, RunId, Status, WorkerId};
use store::{Store, Swept};
use tokio::sync::Notify;
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
        loop {
            let pause = match self.sweep(found.as_mut()).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(%error, "the sweep failed: {error}");
                    Some(self.settings.sweep)
                }
            };
            let Some(pause) = pause else {
                continue;
            };
            if let Some(found) = found.take() {
                let Found {
                    resumed,
                    retried,
                    aborted,
                } = found;
                tracing::info!(
                    resumed,
                    retried,
                    aborted,
                    "found at start: {resumed} runs resumed, {retried} retried, {aborted} aborted"
                );
            }
            sleep(pause).await;
        }
    }

    /// One sweep; gives how long to wait for the next one, or nothing when more is due at once.
    async fn sweep(
        &self,
        found: Option<&mut Found>,
    ) -> Result<Option<Duration>, store::Unavailable> {
        // A machine that was suspended wakes up with its own lease over and unclaimed: renewed first, nothing is lost.
        let lease_ms = self.settings.lease_ms();
        if !self.store.renew(&self.worker, lease_ms).await? {
            tracing::error!(worker = %self.worker, "worker {} lost its lease", self.worker);
            self.lost.cancel();
            return Ok(Some(self.settings.sweep));
        }
        let swept = self.store.sweep().await?;
        self.swept.notify_one();
        self.settle(&swept, found).await;
        if swept.more {
            return Ok(None);
        }
        let now = self.settings.now();
        let next = swept
            .next_at
            .map(|at| Duration::from_millis(at.ms_since(now)).max(SHORTEST));
        Ok(Some(next.map_or(self.settings.sweep, |next| {
            next.min(self.settings.sweep)
        })))
    }

    async fn settle(&self, swept: &Swept, mut found: Option<&mut Found>) {
        for (run, status) in &swept.lost {
            tracing::warn!(run.id = %run, %status, "an attempt of run {run} was lost; it is {status} now");
            let on_lost = self.has_ended(*run, *status).await;
            if let (Some(found), Some(on_lost)) = (&mut found, on_lost) {
                found.count(*status, on_lost);
            }
        }
        for run in &swept.concluded {
            // What goes on in an attempt of this process ends when the attempt sees it.
            self.has_ended(*run, Status::Aborted).await;
        }
    }

    /// Ends what an ended run has left on this machine.
    async fn has_ended(&self, run: RunId, status: Status) -> Option<OnLost> {
        let control = self.store.watch(run).await.ok()?.control();
        if status.is_final() {
            metric::finished(&control);
            if starts_processes(control.driver)
                && let Ok(marker) = self.mark.run(&run.to_string())
            {
                orphans::sweep(marker).await;
            }
        }
        Some(control.driver.default_on_lost())
    }
}

/// Sweeps are not more frequent than this.
const SHORTEST: Duration = Duration::from_millis(20);

impl Found {
    fn count(&mut self, status: Status, on_lost: OnLost) {
        match (status.is_final(), on_lost) {
            (true, _) => self.aborted += 1,
            (false, OnLost::Retry) => self.retried += 1,
            (false, OnLost::Resume | OnLost::Abort) => self.resumed += 1,
        }
    }
}
