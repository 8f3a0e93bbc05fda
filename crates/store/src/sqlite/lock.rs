//! One process per file. SQLite's own locks are for many processes; ours is held from the first look to the end, and
//! the second process hears who has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::OpenError;
use crate::limits::{LOCK_PAUSE, LOCK_WAIT};

/// The lock, held until dropped. The operating system lets go of it when the process dies, however it dies.
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock beside the database file, and writes into it who has it.
    pub(crate) fn take(database: &Path, holder: &str) -> Result<Self, OpenError> {
        let path = beside(database, "-lock");
        let unusable = |error: std::io::Error| OpenError::Unusable {
            path: database.to_owned(),
            message: error.to_string(),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may be writing its name right now; a missing name is no reason to fail differently.
                let _ = file.take(4096).read_to_string(&mut holder);
                return Err(OpenError::Held {
                    path: database.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let text = format!(
            "process {}{}{holder}\n",
            std::process::id(),
            if holder.is_empty() { "" } else { ", " }
        );
        file.set_len(0).map_err(unusable)?;
        file.seek(SeekFrom::Start(0)).map_err(unusable)?;
        file.write_all(text.as_bytes()).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// Tries for a moment: a process that was killed while it started a child is dead, but the child has its lock until it has
/// become another program.
fn patiently(file: &File) -> Result<(), TryLockError> {
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begin.elapsed() < LOCK_WAIT => {
                std::thread::sleep(LOCK_PAUSE);
            }
            taken => return taken,
        }
    }
}

/// A file beside the database, as SQLite names its own.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::FileLock;

    #[test]
    fn a_lock_that_is_let_go_of_in_this_moment_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let first = FileLock::take(&path, "the first").unwrap();
        let letting_go = std::thread::spawn(move || {
            std::thread::park_timeout(super::LOCK_PAUSE * 2);
            drop(first);
        });
        assert!(FileLock::take(&path, "the second").is_ok());
        letting_go.join().unwrap();
    }
}
