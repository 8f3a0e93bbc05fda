//! A worker's lease: the promise to be alive, by which its runs are its own.

use std::sync::Arc;

use run::WorkerId;
use store::{Store, Unavailable};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::settings::Settings;

/// A lease that was taken.
pub(crate) struct Lease {
    store: Store,
    settings: Arc<Settings>,
    worker: WorkerId,
    /// By our own clock: nobody can have taken anything from us before.
    holds_until: Instant,
}

impl Lease {
    /// Takes the `n`-th lease of a worker. Each has a name of its own, so that nothing that is left of a lost one can be
    /// taken for the new one's.
    pub(crate) async fn take(
        store: &Store,
        settings: &Arc<Settings>,
        n: u32,
    ) -> Result<Self, Unavailable> {
        let base = &settings.worker;
        let worker = match n {
            1 => base.clone(),
            n => WorkerId::parse(format!("{base}.{n}")).unwrap_or_else(|_| base.clone()),
        };
        // Before the call: the store counts from a moment after it.
        let asked_at = Instant::now();
        store
            .register(&worker, &settings.node, settings.lease_ms())
            .await?;
        Ok(Self {
            store: store.clone(),
            settings: Arc::clone(settings),
            worker,
            holds_until: asked_at + settings.lease,
        })
    }

    /// Whose it is.
    pub(crate) fn worker(&self) -> &WorkerId {
        &self.worker
    }

    /// Renews it until it is lost, then cancels `lost`. Losing it means: the store says so, or it could not be renewed
    /// in time.
    pub(crate) async fn keep(mut self, lost: CancellationToken) {
        let mut tick = interval(self.settings.renew);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        let why = loop {
            tokio::select! {
                _ = tick.tick() => {}
                // To the moment: somebody else may have our runs from here on.
                () = sleep_until(self.holds_until) => break "it could not be renewed in time".to_owned(),
                () = lost.cancelled() => return,
            }
            let asked_at = Instant::now();
            let renew = self.store.renew(&self.worker, self.settings.lease_ms());
            match timeout_at(self.holds_until, renew).await {
                Ok(Ok(true)) => self.holds_until = asked_at + self.settings.lease,
                Ok(Ok(false)) => break "the store has given it up".to_owned(),
                Ok(Err(error)) if Instant::now() >= self.holds_until => break error.to_string(),
                Ok(Err(error)) => {
                    tracing::warn!(worker = %self.worker, %error, "failed to renew the lease of worker {}", self.worker);
                }
                Err(_) => break "the store did not answer in time".to_owned(),
            }
        };
        tracing::error!(worker = %self.worker, why, "worker {} lost its lease: {why}", self.worker);
        lost.cancel();
    }
}
