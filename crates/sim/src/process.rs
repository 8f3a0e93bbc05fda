//! The server's process: it starts, it dies at any moment, and another one opens what is left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use run::Timestamp;
use store::Options;
use store::sqlite::{Core, SweepOp};

use crate::Violation;
use crate::disk::{Crash, Image};
use crate::world::{NO_FAULT, World};

pub(crate) const OPENS: &str = "a store opens after any crash";
const VOID: &str = "leases of an earlier process are void at once";

impl World {
    pub(crate) fn boot(&mut self, path: &Path) -> Result<(), Violation> {
        let clock = Arc::clone(&self.clock);
        self.max_queued = [3, 10_000, 10_000][self.rng.below(3)];
        let options = Options {
            clock: Arc::new(move || Timestamp::from_ms(clock.load(Ordering::Relaxed))),
            queued_runs: self.max_queued,
            wal_bytes: 0,
            fold_age_ms: [0, 50, 2_000][self.rng.below(3)],
            holder: "a simulation".to_owned(),
            ..Options::default()
        };
        let core = Core::open(path, options);
        self.core = Some(core.map_err(|error| Violation::new(OPENS, error.to_string()))?);
        Ok(())
    }

    pub(crate) fn boot_dir(&self) -> PathBuf {
        match self.n_boots {
            0 => self.dir.path().to_owned(),
            n => self.dir.path().join(format!("boot {n}")),
        }
    }

    /// The process dies between two commits.
    pub(crate) fn crash(&mut self) -> Result<(), Violation> {
        let left = image(&self.boot_dir())?;
        self.note("the process dies");
        self.reopen(&left)
    }

    /// Everything in memory is lost; another process opens what is left on the disk.
    pub(crate) fn reopen(&mut self, left: &Image) -> Result<(), Violation> {
        for follower in &mut self.followers {
            follower.reader = None;
        }
        self.core = None;
        for worker in &mut self.workers {
            worker.die();
        }
        if self.n_boots > 0 {
            let old = self.boot_dir();
            std::fs::remove_dir_all(old)
                .map_err(|error| Violation::new(OPENS, error.to_string()))?;
        }
        self.n_boots += 1;
        let path = left
            .put(&self.boot_dir())
            .map_err(|error| Violation::new(OPENS, error.to_string()))?;
        self.boot(&path)?;
        if self.rng.percent(30) {
            self.sweep_at_start()?;
        }
        if self.rng.percent(15) {
            // It dies again while it opens, or right behind that.
            let after = image(&self.boot_dir())?;
            let crash = [Crash::Torn, Crash::After][self.rng.below(2)];
            let left = Image::crashed(left.clone(), after, crash, &mut self.rng);
            self.note(&format!("the process dies at its start: {crash:?}"));
            return self.reopen(&left);
        }
        Ok(())
    }

    /// We are the only process with the file, so no worker of an earlier one can still be alive.
    fn sweep_at_start(&mut self) -> Result<(), Violation> {
        let swept = self.core().perform(SweepOp);
        let swept = swept.map_err(|why| Violation::new(NO_FAULT, why.to_string()))?;
        self.note(&format!("sweeps at the start: {} lost", swept.lost.len()));
        let records = self.records()?;
        match records.iter().find(|record| record.control.is_held()) {
            None => Ok(()),
            Some(held) => {
                let what = format!(
                    "{} is held by {:?}",
                    self.witness.name(held.id),
                    held.worker
                );
                Err(Violation::new(VOID, what))
            }
        }
    }
}

/// What is in a directory now.
pub(crate) fn image(dir: &Path) -> Result<Image, Violation> {
    Image::of(dir).map_err(|error| Violation::new(OPENS, error.to_string()))
}
