//! The files of the store, and what a crash leaves of them.

use std::path::{Path, PathBuf};

use crate::Rng;

/// The database and its write-ahead log, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    database: Vec<u8>,
    log: Vec<u8>,
}

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Before its commit reached the disk.
    Before,
    /// While it was being written: some of the bytes are there.
    Torn,
    /// Behind its commit, before anybody heard of it.
    After,
}

/// The name of the database file in its directory.
pub(crate) const FILE: &str = "sim.db";

impl Image {
    /// What is in a directory now.
    pub(crate) fn of(dir: &Path) -> std::io::Result<Self> {
        let log = dir.join(format!("{FILE}-wal"));
        Ok(Self {
            database: std::fs::read(dir.join(FILE))?,
            log: if log.exists() {
                std::fs::read(log)?
            } else {
                Vec::new()
            },
        })
    }

    /// Writes it into a new directory, and gives the database's path.
    pub(crate) fn put(&self, dir: &Path) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(dir)?;
        std::fs::write(dir.join(format!("{FILE}-wal")), &self.log)?;
        let path = dir.join(FILE);
        std::fs::write(&path, &self.database)?;
        Ok(path)
    }

    /// What a crash leaves, given what was there before and behind a commit.
    pub(crate) fn crashed(before: Self, after: Self, crash: Crash, rng: &mut Rng) -> Self {
        match crash {
            Crash::Before => before,
            Crash::After => after,
            // The commit was copied into the database as well, so its log had been complete.
            Crash::Torn if before.database != after.database => after,
            Crash::Torn => torn(before, &after, rng),
        }
    }
}

/// The log is written from front to back, and ends somewhere.
fn torn(before: Image, after: &Image, rng: &mut Rng) -> Image {
    let mut log = before.log;
    let same = log
        .iter()
        .zip(&after.log)
        .take_while(|(old, new)| old == new)
        .count();
    let changed = after.log.len().saturating_sub(same);
    let cut = same + rng.below(changed + 1);
    if log.len() < cut {
        log.resize(cut, 0);
    }
    log[same..cut].copy_from_slice(&after.log[same..cut]);
    Image {
        database: before.database,
        log,
    }
}
