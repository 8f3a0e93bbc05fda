//! Copies of a store: made while it works, and put in the place of one that is gone.

use std::path::Path;

use run::{ErrorInfo, Outcome, Reason, RunId};

use super::core::Core;
use super::fault::unavailable;
use super::lock::beside;
use super::readers;
use super::store::Sqlite;
use crate::{OpenError, Options, Unavailable};

impl Sqlite {
    /// Writes a consistent copy.
    pub async fn backup(&self, to: &Path) -> Result<(), Unavailable> {
        let (from, to) = (self.inner.path.clone(), to.to_owned());
        let copied = tokio::task::spawn_blocking(move || {
            // A connection of its own, so that no reader waits behind a long copy.
            let connection = readers::connect(&from)?;
            connection.pragma_update(None, "query_only", false)?;
            connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
            // The database leaves the copy to the system, which may lose it with the power.
            match std::fs::File::open(&to).and_then(|copy| copy.sync_all()) {
                Ok(()) => Ok(()),
                Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(error))),
            }
        });
        copied
            .await
            .expect("a copy does not panic")
            .map_err(|error: rusqlite::Error| unavailable(&error))
    }
}

/// Puts a copy in the place of a store that nobody has open, and ends every run that was open in it as interrupted.
/// Returns how many.
pub fn restore(from: &Path, to: &Path) -> Result<u64, OpenError> {
    let unusable = |message: String| OpenError::Unusable {
        path: to.to_owned(),
        message,
    };
    // A log that was left behind would be played back into the copy.
    for there in [to.to_owned(), beside(to, "-wal"), beside(to, "-shm")] {
        if there.exists() {
            let there = there.display();
            return Err(unusable(format!(
                "{there} is there already; move it away first"
            )));
        }
    }
    // What is in the log would be missing, without a word.
    let log = beside(from, "-wal");
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        return Err(unusable(format!(
            "{} is no backup but a store with a write-ahead log; open and close it first, or take a backup",
            from.display()
        )));
    }
    let restored = std::fs::copy(from, to)
        .map_err(|error| unusable(error.to_string()))
        .and_then(|_| interrupt_all(to));
    if restored.is_err() {
        // What is no store must not look like one.
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(to, suffix));
        }
    }
    restored
}

/// Ends every open run of a store that nobody has open.
fn interrupt_all(path: &Path) -> Result<u64, OpenError> {
    let unusable = |message: String| OpenError::Unusable {
        path: path.to_owned(),
        message,
    };
    let options = Options {
        wal_bytes: 0,
        holder: "restore".to_owned(),
        ..Options::default()
    };
    let mut core = Core::open(path, options)?;
    let open: Vec<[u8; 16]> = core
        .connection
        .prepare("SELECT id FROM run WHERE finished_at IS NULL ORDER BY key DESC")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(|error| unusable(error.to_string()))?;
    let mut n = 0;
    // Those in line first, so that none of them is promoted only to be ended.
    for run in open.into_iter().map(RunId::from_bytes) {
        let error = ErrorInfo::new("interrupted", "the store was restored from a copy");
        let outcome = Outcome {
            error: Some(error),
            ..Outcome::aborted(Reason::Interrupted)
        };
        let concluded = core
            .perform(super::op::Conclude { run, outcome })
            .map_err(|why| unusable(why.to_string()))?;
        n += u64::from(concluded);
    }
    Ok(n)
}
