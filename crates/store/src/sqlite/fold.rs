//! Folding: a run's events move from the journal into chunk rows of their own, when enough have gathered, at the run's
//! end, or by age. Then the journal's oldest rows can go.

use std::sync::Arc;

use run::{RunId, Seq};
use rusqlite::{OptionalExtension, params};

use super::fault::Fault;
use super::head::{Head, LastAppend};
use super::txn::Txn;
use crate::{CHUNK_BYTES, FOLDS_PER_COMMIT, JOURNAL_BYTES};

/// The journal is trimmed when so many of its rows can go.
const TRIM_ROWS: usize = 64;

/// How many bytes make a chunk of a run. The first one is shorter, by a share that the run's key decides: runs that
/// began together and write at one pace would otherwise all fold in the same commit, and make it a long one.
fn chunk_bytes(head: &Head) -> usize {
    if head.folded > Seq::ZERO {
        return CHUNK_BYTES;
    }
    // Knuth's multiplicative hash spreads neighbouring keys evenly.
    let spread = head.origin.key.unsigned_abs().wrapping_mul(2_654_435_769) % 1_024;
    CHUNK_BYTES / 4 + CHUNK_BYTES * 3 / 4 * usize::try_from(spread).unwrap_or(0) / 1_024
}

impl Txn<'_> {
    /// Folds a run whose events fill a chunk, or that has ended.
    pub(crate) fn fold_if_full(&mut self, run: RunId) -> Result<(), Fault> {
        let Some(head) = self.state.heads.get(&run) else {
            return Ok(());
        };
        let is_full = head.waiting_bytes >= chunk_bytes(head) || head.control.is_final();
        if is_full && !head.waiting.is_empty() {
            self.fold(run)
        } else {
            Ok(())
        }
    }

    /// Folds the runs whose events wait longest, so that the journal stays short.
    pub(crate) fn fold_by_age(&mut self) -> Result<(), Fault> {
        for _ in 0..FOLDS_PER_COMMIT {
            let Some(&(off, run)) = self.state.unfolded.first() else {
                return Ok(());
            };
            let at = match self.state.journal.front() {
                // Rows are numbered without gaps, so a row's place follows from its number.
                Some(front) => self
                    .state
                    .journal
                    .get(usize::try_from(off - front.off).unwrap_or(usize::MAX)),
                None => None,
            };
            // Without a row its events are of this very commit.
            let Some(row) = at else { return Ok(()) };
            let is_old = self.now.ms_since(row.at) >= self.options.fold_age_ms;
            if !is_old && self.state.journal_bytes < JOURNAL_BYTES {
                return Ok(());
            }
            self.fold(run)?;
        }
        Ok(())
    }

    /// Moves all waiting events of a run into chunks. Its row is written only when the state moved: deltas move nothing
    /// that the last chunk does not tell.
    fn fold(&mut self, run: RunId) -> Result<(), Fault> {
        let head = self
            .state
            .heads
            .get_mut(&run)
            .expect("a run with waiting events is in memory");
        let key = head.origin.key;
        let first = head.folded.next();
        let n = head.last.0 - head.folded.0;
        let frames = std::mem::take(&mut head.waiting).concat();
        head.waiting_bytes = 0;
        head.folded = head.last;
        if let Some(off) = head.first_off.take() {
            self.state.unfolded.remove(&(off, run));
        }
        let append = head.append;
        let grown =
            frames.len() < CHUNK_BYTES / 2 && self.grow_last_chunk(key, n, &frames, append)?;
        if !grown {
            self.connection
                .prepare_cached(
                    "INSERT INTO chunk (run, first, n, packed, fence, append_no, append_first, append_last, bytes)
                     VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    key,
                    first.0,
                    n,
                    append.fence.0,
                    append.no.0,
                    append.first.0,
                    append.last.0,
                    frames
                ])?;
        }
        let head = self.head(run);
        if !Arc::ptr_eq(&head.control, &head.saved_control) {
            self.save(run)?;
        }
        self.folded(run);
        Ok(())
    }

    /// Adds a few events to a run's last chunk if they fit, so that a slow run does not become a row per event.
    fn grow_last_chunk(
        &mut self,
        key: i64,
        n: u64,
        frames: &[u8],
        append: LastAppend,
    ) -> Result<bool, Fault> {
        let last: Option<(i64, Vec<u8>)> = self
            .connection
            .prepare_cached(
                "SELECT id, bytes FROM chunk WHERE packed = 0 AND length(bytes) <= ?2 AND run = ?1
                    AND first = (SELECT max(first) FROM chunk WHERE run = ?1)",
            )?
            .query_row(params![key, CHUNK_BYTES - frames.len()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((id, mut bytes)) = last else {
            return Ok(false);
        };
        bytes.extend_from_slice(frames);
        self.connection
            .prepare_cached(
                "UPDATE chunk SET n = n + ?2, bytes = ?3, fence = ?4, append_no = ?5, append_first = ?6,
                    append_last = ?7
                 WHERE id = ?1",
            )?
            .execute(params![
                id,
                n,
                bytes,
                append.fence.0,
                append.no.0,
                append.first.0,
                append.last.0
            ])?;
        Ok(true)
    }

    /// Deletes the journal's rows whose events are all in chunks. The newest row stays: if its commit succeeded and was
    /// reported as failed, it says which appends it held.
    pub(crate) fn trim_journal(&mut self) -> Result<(), Fault> {
        let newest = self.state.next_off - 1;
        let low = self
            .state
            .unfolded
            .first()
            .map_or(newest, |(off, _)| newest.min(*off));
        let n_gone = self.state.journal.partition_point(|row| row.off < low);
        // All at once when nothing waits: then an idle store has a short journal.
        if n_gone < TRIM_ROWS && !(n_gone > 0 && self.state.unfolded.is_empty()) {
            return Ok(());
        }
        self.connection
            .prepare_cached("DELETE FROM journal WHERE off < ?1")?
            .execute([low])?;
        for row in self.state.journal.drain(..n_gone) {
            self.state.journal_bytes -= row.bytes;
        }
        Ok(())
    }
}
