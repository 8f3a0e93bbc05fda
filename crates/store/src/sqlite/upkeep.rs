//! Upkeep, on a thread of its own: finished runs are compacted, old logs deleted, old keys forgotten. All of it in small
//! steps through the writer, and none of it is needed for anything else to be right.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use run::{RunId, Seq, Snapshot, frame};
use rusqlite::{Connection, params};

use super::chunks::{self, pack};
use super::core::Shared;
use super::op::{Expire, Forget, LeaveAsIs, Pack, PackedChunk};
use super::read::snapshot::to_stored;
use super::rows;
use super::writer::Writer;
use crate::{COMPACT_BYTES, Compaction, Options};

/// How often there is a look.
const LOOK: Duration = Duration::from_secs(1);
/// Runs compacted, and logs deleted, at one look.
const AT_ONCE: usize = 64;

/// What the thread works with.
pub(crate) struct Upkeep {
    pub(crate) connection: Connection,
    pub(crate) writer: Writer,
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
}

impl Upkeep {
    /// Works until `stop` is dropped.
    pub(crate) fn run(self, stop: &Receiver<()>) {
        let mut n_looks: u64 = 0;
        while stop.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = self.look(n_looks) {
                tracing::warn!(%error, "upkeep failed; it is tried again");
            }
            n_looks += 1;
        }
    }

    fn look(&self, n_looks: u64) -> Result<(), Box<dyn std::error::Error>> {
        let now = (self.options.clock)().as_ms();
        if let Some(after_ms) = self.options.compact_after_ms {
            let before = now.saturating_sub(i64::try_from(after_ms)?);
            for run in self.finished_before(before, "compacted")? {
                match compact(&self.connection, run) {
                    Ok(Some(pack)) => self.writer.submit_blocking(pack)?,
                    Ok(None) => {}
                    // One odd log must not keep all others waiting. What is in it stays as it is.
                    Err(error) => {
                        tracing::error!(run.id = %run, %error, "a log cannot be compacted and stays as it is");
                        self.writer.submit_blocking(LeaveAsIs { run })?;
                    }
                }
            }
        }
        if let Some(after_ms) = self.options.retain_ms {
            let before = now.saturating_sub(i64::try_from(after_ms)?);
            for run in self.finished_before(before, "log_expired")? {
                // A log that somebody reads stays until they are done.
                if self.shared.readers.is_read(run) {
                    continue;
                }
                self.writer.submit_blocking(Expire { run })?;
            }
        }
        if n_looks.is_multiple_of(600) {
            self.writer.submit_blocking(Forget)?;
        }
        Ok(())
    }

    fn finished_before(&self, before: i64, unless: &str) -> rusqlite::Result<Vec<RunId>> {
        let sql = format!(
            "SELECT id FROM run WHERE finished_at IS NOT NULL AND finished_at <= ?1 AND {unless} = 0
             ORDER BY finished_at LIMIT ?2"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let ids = statement.query_map(params![before, AT_ONCE], |row| row.get(0))?;
        ids.map(|id| id.map(RunId::from_bytes)).collect()
    }
}

/// Reads a finished run's log and prepares its compressed form and its snapshot.
pub(crate) fn compact(
    connection: &Connection,
    run: RunId,
) -> Result<Option<Pack>, Box<dyn std::error::Error>> {
    let Some(stored) = rows::by_id(connection, run)? else {
        return Ok(None);
    };
    let mut packed = Packing::default();
    let mut next = Seq(1);
    while let Some((frames, last)) = chunks::read(connection, run, next)? {
        for frame in frame::split(&frames) {
            packed.add(frame)?;
        }
        next = last.next();
    }
    packed.end_chunk()?;
    // Only what was understood to the end is rewritten.
    if packed.last != stored.control.last_seq || !stored.control.is_final() {
        let last = packed.last;
        return Err(format!("event {} does not follow", last.next()).into());
    }
    let before_bytes = packed.plain_bytes;
    let after_bytes = packed
        .chunks
        .iter()
        .map(|chunk| chunk.bytes.len() as u64)
        .sum();
    tracing::debug!(compaction = ?Compaction { run, before_bytes, after_bytes }, "compacted a run");
    let snapshot = to_stored(&packed.snapshot)?;
    Ok(Some(Pack {
        key: stored.origin.key,
        chunks: packed.chunks,
        snapshot,
    }))
}

/// Chunks of a compacted run while they are gathered.
#[derive(Default)]
struct Packing {
    chunks: Vec<PackedChunk>,
    snapshot: Snapshot,
    plain: Vec<u8>,
    first: Option<Seq>,
    n: u64,
    plain_bytes: u64,
    /// The events up to here were understood, and follow one another.
    last: Seq,
}

impl Packing {
    fn add(&mut self, frame: &[u8]) -> std::io::Result<()> {
        if let Some(envelope) = frame::parse(frame) {
            if envelope.seq == self.last.next() {
                self.last = envelope.seq;
            }
            self.snapshot.apply(&envelope);
        }
        self.first = self.first.or_else(|| frame::seq(frame));
        self.plain.extend_from_slice(frame);
        self.plain_bytes += frame.len() as u64;
        self.n += 1;
        if self.plain.len() >= COMPACT_BYTES {
            self.end_chunk()
        } else {
            Ok(())
        }
    }

    fn end_chunk(&mut self) -> std::io::Result<()> {
        let Some(first) = self.first.take() else {
            return Ok(());
        };
        let bytes = pack(&self.plain)?;
        self.chunks.push(PackedChunk {
            first,
            n: self.n,
            bytes,
        });
        self.plain.clear();
        self.n = 0;
        Ok(())
    }
}
