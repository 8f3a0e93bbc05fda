//! The worker: holds a lease, claims due runs, performs their attempts. All that it acts on is stored; hints only make
//! it quicker.

use std::collections::HashMap;
use std::sync::Arc;

use agent::{BadMarker, Mark};
use run::event::AttemptEnd;
use store::{Claim, Claimed, Store};
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::attempt::{Attempt, Signals, ended};
use crate::driver::Driver;
use crate::lease::Lease;
use crate::limits::{CLAIM_RUNS, HAND_OVER, LAST_WRITES};
use crate::metric;
use crate::pause::Pause;
use crate::settings::Settings;
use crate::settle::settle;
use crate::sweeper::Sweeper;

/// Claims runs and performs attempts.
pub struct Worker<D> {
    store: Store,
    settings: Arc<Settings>,
    drivers: Arc<D>,
    mark: Mark,
    due: watch::Receiver<u64>,
    /// Told after every sweep: then what is due at a time may be due.
    swept: Arc<Notify>,
    /// Whether the last claim left no place free.
    was_full: bool,
    attempts: JoinSet<()>,
    /// What is performed by which task, for the one that breaks off.
    performed: HashMap<Id, Claimed>,
    /// Cancelled when the server stops.
    drain: CancellationToken,
    /// Cancelled when the server has waited long enough for the store.
    give_up: CancellationToken,
}

/// What a worker's loop selects.
enum Heard {
    Shutdown,
    LeaseLost,
    Ended(Option<Result<(Id, ()), JoinError>>),
    Due,
    Poll,
}

impl<D: Driver> Worker<D> {
    /// A worker on a store. Fails when the store's instance cannot mark a process.
    pub fn new(store: Store, settings: Settings, drivers: D) -> Result<Self, BadMarker> {
        Ok(Self {
            mark: Mark::new(store.instance())?,
            due: store.due(),
            swept: Arc::new(Notify::new()),
            was_full: false,
            store,
            settings: Arc::new(settings),
            drivers: Arc::new(drivers),
            attempts: JoinSet::new(),
            performed: HashMap::new(),
            drain: CancellationToken::new(),
            give_up: CancellationToken::new(),
        })
    }

    /// Works until `shutdown`, then hands over what is under way. Dropping it instead ends everything at once, as a
    /// crash would; the lease then ends by itself.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut n_leases = 0;
        while !shutdown.is_cancelled() {
            n_leases += 1;
            let Some(lease) = self.take_lease(n_leases, &shutdown).await else {
                break;
            };
            self.hold(lease, n_leases == 1, &shutdown).await;
        }
        // Attempts of an earlier lease may still have something to write.
        self.finish().await;
    }

    async fn take_lease(&self, n: u32, shutdown: &CancellationToken) -> Option<Lease> {
        let mut pause = Pause::new();
        loop {
            match Lease::take(&self.store, &self.settings, n).await {
                Ok(lease) => return Some(lease),
                Err(error) => {
                    tracing::warn!(%error, "failed to take a lease: {error}");
                }
            }
            tokio::select! {
                () = sleep(pause.next()) => {}
                () = shutdown.cancelled() => return None,
            }
        }
    }

    /// Works under one lease, until it is lost or the server stops.
    async fn hold(&mut self, lease: Lease, is_start: bool, shutdown: &CancellationToken) {
        let worker = lease.worker().clone();
        let lost = CancellationToken::new();
        let sweeper = Sweeper {
            store: self.store.clone(),
            settings: Arc::clone(&self.settings),
            mark: self.mark.clone(),
            worker: worker.clone(),
            lost: lost.clone(),
            swept: Arc::clone(&self.swept),
        };
        // Both end with this value, also when the worker is dropped.
        let mut duties = JoinSet::new();
        duties.spawn(lease.keep(lost.clone()));
        duties.spawn(sweeper.run(is_start));
        let signals = Signals {
            lost: lost.clone(),
            drain: self.drain.clone(),
            give_up: self.give_up.clone(),
        };
        let claim = Claim {
            worker: worker.clone(),
            max: CLAIM_RUNS,
        };
        self.work(&claim, &signals, shutdown).await;
        if shutdown.is_cancelled() {
            self.finish().await;
            if !lost.is_cancelled()
                && let Err(error) = self.store.release(&worker).await
            {
                tracing::warn!(%worker, %error, "failed to release the lease of worker {worker}: {error}");
            }
        }
    }

    async fn work(&mut self, claim: &Claim, signals: &Signals, shutdown: &CancellationToken) {
        let mut poll_at = Instant::now();
        loop {
            let heard = tokio::select! {
                biased;
                () = shutdown.cancelled() => Heard::Shutdown,
                () = signals.lost.cancelled() => Heard::LeaseLost,
                ended = self.attempts.join_next_with_id(), if !self.attempts.is_empty() => {
                    Heard::Ended(ended)
                }
                () = hinted(&mut self.due) => Heard::Due,
                () = self.swept.notified() => Heard::Due,
                () = sleep_until(poll_at) => Heard::Poll,
            };
            match heard {
                Heard::Shutdown | Heard::LeaseLost => return,
                Heard::Ended(ended) => {
                    self.ended(ended);
                    while let Some(ended) = self.attempts.try_join_next_with_id() {
                        self.ended(Some(ended));
                    }
                    // Without this a free place means nothing new: what became due was claimed.
                    if !self.was_full {
                        continue;
                    }
                }
                Heard::Due | Heard::Poll => {}
            }
            self.was_full = self.claim(claim, signals).await;
            poll_at = Instant::now() + self.settings.poll;
        }
    }

    /// Claims as much as there is and as there is room for; gives whether there was no room for more.
    async fn claim(&mut self, claim: &Claim, signals: &Signals) -> bool {
        loop {
            let free = self.settings.slots.saturating_sub(self.attempts.len());
            let max = free.min(claim.max);
            if max == 0 {
                return true;
            }
            let claim = Claim {
                max,
                ..claim.clone()
            };
            // Longer than the lease it is of no use: what it may have claimed is lost then.
            let claimed = timeout(self.settings.lease, self.store.claim(claim)).await;
            let n = match claimed {
                Ok(Ok(claimed)) => {
                    let n = claimed.len();
                    for claimed in claimed {
                        self.begin(claimed, signals.clone());
                    }
                    n
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, "failed to claim runs: {error}");
                    0
                }
                Err(_) => {
                    tracing::warn!("failed to claim runs: the store does not answer");
                    0
                }
            };
            if n < max || signals.lost.is_cancelled() {
                return false;
            }
        }
    }

    fn begin(&mut self, claimed: Claimed, signals: Signals) {
        let span = tracing::info_span!(
            "attempt",
            run.id = %claimed.run.id,
            run.agent = claimed.run.agent,
            attempt.number = claimed.run.control.attempt,
            attempt.fence = claimed.fence.0,
        );
        let attempt = Attempt {
            store: self.store.clone(),
            drivers: Arc::clone(&self.drivers),
            settings: Arc::clone(&self.settings),
            mark: self.mark.clone(),
            claimed: claimed.clone(),
            signals,
        };
        let task = self.attempts.spawn(attempt.perform().instrument(span));
        self.performed.insert(task.id(), claimed);
        metric::running(self.attempts.len());
    }

    /// An attempt's task has ended. One that broke off is lost at once; it is not left for the lease's end.
    fn ended(&mut self, task: Option<Result<(Id, ()), JoinError>>) {
        match task {
            None => {}
            Some(Ok((id, ()))) => {
                self.performed.remove(&id);
            }
            Some(Err(error)) => {
                let Some(claimed) = self.performed.remove(&error.id()) else {
                    return;
                };
                tracing::error!(run.id = %claimed.run.id, %error, "an attempt of run {} broke off: {error}", claimed.run.id);
                let store = self.store.clone();
                let give_up = self.give_up.clone();
                self.attempts.spawn(async move {
                    let Claimed { run, fence } = &claimed;
                    let work = ended(AttemptEnd::Lost, "its task broke off");
                    settle(&store, run, *fence, work, &give_up).await;
                });
            }
        }
        metric::running(self.attempts.len());
    }

    /// Lets every attempt come to its end: those under way hand over, those that only have to write get a last time.
    async fn finish(&mut self) {
        if self.attempts.is_empty() {
            return;
        }
        self.drain.cancel();
        let patience = self.settings.drain + HAND_OVER + LAST_WRITES;
        if timeout(patience, self.join_all()).await.is_err() {
            self.give_up.cancel();
            // They write nothing more, so this is short; a task that cannot even do that is ended.
            if timeout(HAND_OVER, self.join_all()).await.is_err() {
                self.attempts.shutdown().await;
            }
        }
    }

    async fn join_all(&mut self) {
        while !self.attempts.is_empty() {
            let ended = self.attempts.join_next_with_id().await;
            self.ended(ended);
        }
    }
}

/// Completes when a hint has come since this was last called.
async fn hinted(due: &mut watch::Receiver<u64>) {
    if due.changed().await.is_err() {
        // The store is closing; whoever closes it also stops this.
        std::future::pending::<()>().await;
    }
}
