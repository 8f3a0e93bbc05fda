//! The write-ahead log: large from the first commit, and checkpointed away from the writer.
//!
//! A file that grows pays for metadata at each sync; one that is overwritten does not. And a checkpoint inside the
//! writer stalls commits for tens of milliseconds, so another connection does most of it.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::lock::beside;

/// The checkpointer begins when so many pages of the log are not in the database file yet.
const BEGIN_PAGES: i64 = 2_000;
/// Where there is no room for a large log, commits copy it when it has so many pages.
pub(crate) const SHORT_PAGES: i64 = 250;
/// The writer ends a checkpoint itself when so few pages are missing.
const FINISH_PAGES: i64 = 64;
/// Rounds of one checkpoint: each copies what was committed during the one before.
const ROUNDS: u32 = 8;
/// How often the checkpointer looks while there are commits.
const LOOK: Duration = Duration::from_millis(20);

/// Makes the log at least so large, with zeros behind what is in it, before anybody else has the file open. Not before
/// the database exists: SQLite deletes a log without a database. It takes what has no valid header or checksum for the
/// end of the log.
pub(crate) fn grow(database: &Path, bytes: u64) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(beside(database, "-wal"))?;
    let len = file.metadata()?.len();
    if len >= bytes {
        return Ok(());
    }
    let filled = fill(&mut file, len, bytes);
    if filled.is_err() {
        // Not at the price of the last free bytes of a disk.
        file.set_len(len)?;
    }
    filled
}

fn fill(file: &mut File, mut len: u64, bytes: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(len))?;
    let zeros = vec![0_u8; 1024 * 1024];
    while len < bytes {
        let n = usize::try_from(bytes - len)
            .unwrap_or(usize::MAX)
            .min(zeros.len());
        file.write_all(&zeros[..n])?;
        len += n as u64;
    }
    file.sync_all()
}

/// What writer and checkpointer tell each other.
#[derive(Default)]
pub(crate) struct Signals {
    /// Nearly all is copied: the writer may end it.
    finish: AtomicBool,
    /// Something was committed since the last look.
    is_worth_a_look: AtomicBool,
    checkpointer: OnceLock<Thread>,
    stop: AtomicBool,
}

impl Signals {
    /// The writer's share, between two commits. While it copies the last few pages nothing is being written, so the
    /// checkpoint completes, and the next commit begins at the start of the log. Without this a busy log would never be
    /// complete at any moment, and would grow for ever.
    pub(crate) fn after_commit(&self, writer: &Connection) {
        if !self.is_worth_a_look.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.checkpointer.get()
        {
            thread.unpark();
        }
        if self.finish.swap(false, Ordering::AcqRel)
            && let Err(error) = checkpoint(writer, "PASSIVE")
        {
            tracing::debug!(%error, "the end of a checkpoint failed; it is tried again");
        }
    }
}

/// Gives the log's pages back when the disk is full: once all of them are in the database file, the next commit begins at
/// the start of the log instead of making it longer.
pub(crate) fn reclaim(writer: &Connection) {
    // The database file may have to grow for it, and then this fails like everything else.
    if let Err(error) = checkpoint(writer, "PASSIVE") {
        tracing::debug!(%error, "the write-ahead log could not be copied");
    }
}

/// Pages in the log that are not in the database file yet.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let pages: i64 = row.get(1)?;
        let done: i64 = row.get(2)?;
        Ok(pages - done)
    })
}

/// Copies the log into the database file, on a thread and connection of its own, until dropped.
pub(crate) struct Checkpointer {
    signals: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(crate) fn start(database: &Path, signals: &Arc<Signals>) -> rusqlite::Result<Self> {
        let connection = Connection::open_with_flags(
            database,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        let theirs = Arc::clone(signals);
        let work = move || {
            while !theirs.stop.load(Ordering::Acquire) {
                if !theirs.is_worth_a_look.swap(false, Ordering::AcqRel) {
                    std::thread::park();
                    continue;
                }
                std::thread::sleep(LOOK);
                if let Err(error) = copy_if_long(&connection, &theirs) {
                    tracing::debug!(%error, "a checkpoint failed; it is tried again");
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("checkpointer".to_owned())
            .spawn(work)
            .expect("a thread can be started");
        // The first and only time.
        let _ = signals.checkpointer.set(thread.thread().clone());
        Ok(Self {
            signals: Arc::clone(signals),
            thread: Some(thread),
        })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.signals.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic there has been reported; nothing here depends on its work.
            let _ = thread.join();
        }
    }
}

fn copy_if_long(connection: &Connection, signals: &Signals) -> rusqlite::Result<()> {
    if checkpoint(connection, "NOOP")? < BEGIN_PAGES {
        return Ok(());
    }
    for _ in 0..ROUNDS {
        checkpoint(connection, "PASSIVE")?;
        if checkpoint(connection, "NOOP")? <= FINISH_PAGES {
            break;
        }
    }
    signals.finish.store(true, Ordering::Release);
    Ok(())
}
