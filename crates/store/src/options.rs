//! Where the store is and how it behaves.

use std::path::PathBuf;
use std::sync::Arc;

use run::Timestamp;

use crate::{FOLD_AGE_MS, LOCKED_WAIT_MS, QUEUED_RUNS, WAL_BYTES};

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of the embedded database.
    Sqlite(PathBuf),
}

impl Location {
    /// Reads `sqlite://path`; a path alone means the same.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some((scheme, _)) => Err(format!(
                "a store is given as sqlite://path; {scheme:?} is not known"
            )),
            None if text.is_empty() => Err("a store is given as sqlite://path".to_owned()),
            None => Ok(Self::Sqlite(text.into())),
        }
    }
}

/// Reads the time; a simulation brings its own.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a store behaves.
#[derive(Clone)]
pub struct Options {
    /// The time.
    pub clock: Clock,
    /// Queued runs of one tenant at most.
    pub queued_runs: u32,
    /// Initial size of the write-ahead log, bytes. With 0 it grows, and commits checkpoint it themselves: slower, and
    /// without a thread, as tests and simulations want it.
    pub wal_bytes: u64,
    /// How long a commit waits for another process that has locked the file, milliseconds.
    pub locked_wait_ms: u64,
    /// The file grows to so many bytes at most, the write-ahead log aside; then writes fail as `disk_full` until
    /// something is deleted. `None` leaves it to the disk.
    pub max_bytes: Option<u64>,
    /// Age at which waiting events are folded, milliseconds.
    pub fold_age_ms: u64,
    /// Compact finished runs after so long, milliseconds; `None` never does.
    pub compact_after_ms: Option<u64>,
    /// Delete finished runs' logs after so long, milliseconds; `None` keeps them.
    pub retain_ms: Option<u64>,
    /// Says who holds the file, for the error of a second server: for example an address.
    pub holder: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(system_clock),
            queued_runs: QUEUED_RUNS,
            wal_bytes: WAL_BYTES,
            locked_wait_ms: LOCKED_WAIT_MS,
            max_bytes: None,
            fold_age_ms: FOLD_AGE_MS,
            compact_after_ms: Some(5_000),
            retain_ms: None,
            holder: String::new(),
        }
    }
}

fn system_clock() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
