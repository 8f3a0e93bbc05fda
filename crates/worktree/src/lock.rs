//! Locks on files, within this process and across processes, with a bounded wait.
//!
//! Git's own `worktree` commands race with each other in one repository: of 36 at once five failed. So they take turns,
//! by a lock for each common directory.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::Error;
use crate::limits::LOCK_WAIT;

/// Held until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    // In this order: the next of this process must find the file free.
    file: Arc<File>,
    _turn: OwnedMutexGuard<()>,
}

impl Held {
    /// The locked file, to be handed on to a command.
    pub(crate) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }
}

/// The locks that somebody of this process holds or waits for.
static TURNS: LazyLock<Mutex<HashMap<PathBuf, Weak<Turn<()>>>>> = LazyLock::new(Mutex::default);

/// Waits for the lock of this file, and makes the file. Whoever holds it may delete the file.
pub(crate) async fn lock(path: &Path) -> Result<Held, Error> {
    lock_within(path, LOCK_WAIT).await
}

pub(crate) async fn lock_within(path: &Path, wait: Duration) -> Result<Held, Error> {
    let busy = || Error::RepositoryBusy { waited: wait };
    let until = Instant::now() + wait;
    let turn = timeout_at(until, turn(path).lock_owned())
        .await
        .map_err(|_| busy())?;
    let mut pause = Duration::from_millis(2);
    loop {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(Error::at(path))?;
        match file.try_lock() {
            Ok(()) if is_still(path, &file) => {
                return Ok(Held {
                    file: Arc::new(file),
                    _turn: turn,
                });
            }
            // Its holder deleted it: the lock of a file without a name keeps nobody out.
            Ok(()) => continue,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(Error::at(path)(source)),
        }
        if Instant::now() >= until {
            return Err(busy());
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

fn turn(path: &Path) -> Arc<Turn<()>> {
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    turns.retain(|_, turn| turn.strong_count() > 0);
    let known = turns.get(path).and_then(Weak::upgrade);
    known.unwrap_or_else(|| {
        let turn = Arc::new(Turn::new(()));
        turns.insert(path.to_owned(), Arc::downgrade(&turn));
        turn
    })
}

fn is_still(path: &Path, file: &File) -> bool {
    let (Ok(named), Ok(open)) = (path.metadata(), file.metadata()) else {
        return false;
    };
    (named.dev(), named.ino()) == (open.dev(), open.ino())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::{TURNS, lock, lock_within};

    #[tokio::test]
    async fn one_holds_it_and_the_wait_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = lock(&path).await.unwrap();
        let late = lock_within(&path, Duration::from_millis(20)).await;
        assert_eq!(late.unwrap_err().code(), "repository_busy");
        drop(held);
        lock(&path).await.unwrap();
    }

    #[tokio::test]
    async fn another_process_keeps_us_out_until_it_deletes_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let theirs = File::create(&path).unwrap();
        theirs.lock().unwrap();
        let late = lock_within(&path, Duration::from_millis(20)).await;
        assert_eq!(late.unwrap_err().code(), "repository_busy");
        std::fs::remove_file(&path).unwrap();
        lock(&path).await.unwrap();
    }

    #[tokio::test]
    async fn locks_that_nobody_wants_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..10 {
            lock(&dir.path().join(n.to_string())).await.unwrap();
        }
        let held = lock(&dir.path().join("last")).await.unwrap();
        let turns = TURNS.lock().unwrap();
        assert!(!turns.contains_key(&dir.path().join("9")));
        drop((turns, held));
    }
}
