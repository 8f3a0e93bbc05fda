//! Upkeep of finished runs: compaction, expiry by age, stored snapshots.

use run::{RunId, Seq};
use rusqlite::params;

use super::super::chunks;
use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use super::blob::delete_blobs;
use crate::IDEMPOTENCY_MS;

/// A chunk of a compacted run.
pub(crate) struct PackedChunk {
    pub(crate) first: Seq,
    pub(crate) n: u64,
    /// Frames, compressed.
    pub(crate) bytes: Vec<u8>,
}

/// Replaces the chunks of a finished run by compressed ones: the same events under the same numbers.
pub(crate) struct Pack {
    pub(crate) key: i64,
    pub(crate) chunks: Vec<PackedChunk>,
    pub(crate) snapshot: StoredSnapshot,
}

/// A snapshot as it is stored.
pub(crate) struct StoredSnapshot {
    pub(crate) seq: Seq,
    /// JSON, compressed.
    pub(crate) body: Vec<u8>,
}

impl Operation for Pack {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        // It may have been deleted since it was read.
        let n = txn
            .connection
            .prepare_cached("UPDATE run SET compacted = 1 WHERE key = ?1")?
            .execute([self.key])?;
        if n == 0 {
            return Ok(());
        }
        chunks::delete(txn.connection, self.key)?;
        for chunk in self.chunks {
            txn.connection
                .prepare_cached(
                    "INSERT INTO chunk (run, first, n, packed, bytes) VALUES (?1, ?2, ?3, 1, ?4)",
                )?
                .execute(params![self.key, chunk.first.0, chunk.n, chunk.bytes])?;
        }
        save_snapshot(txn, self.key, &self.snapshot)
    }
}

fn save_snapshot(txn: &Txn<'_>, key: i64, snapshot: &StoredSnapshot) -> Result<(), Fault> {
    txn.connection
        .prepare_cached(
            "INSERT INTO snapshot (run, seq, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, body = excluded.body WHERE excluded.seq > seq",
        )?
        .execute(params![key, snapshot.seq.0, snapshot.body])?;
    Ok(())
}

/// Keeps a snapshot, so that the next reader folds only what came after it.
pub(crate) struct SaveSnapshot {
    pub(crate) run: RunId,
    pub(crate) snapshot: StoredSnapshot,
}

impl Operation for SaveSnapshot {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        if txn.load(self.run)? && !txn.head(self.run).log_expired {
            let key = txn.head(self.run).origin.key;
            save_snapshot(txn, key, &self.snapshot)?;
        }
        Ok(())
    }
}

/// Marks a finished run as compacted though it is not, so that it is not tried again.
pub(crate) struct LeaveAsIs {
    pub(crate) run: RunId,
}

impl Operation for LeaveAsIs {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        txn.connection
            .prepare_cached("UPDATE run SET compacted = 1 WHERE id = ?1")?
            .execute([self.run.as_bytes()])?;
        Ok(())
    }
}

/// Deletes the log of a finished run and what it refers to; its row stays.
pub(crate) struct Expire {
    pub(crate) run: RunId,
}

impl Operation for Expire {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        if !txn.load(self.run)? {
            return Ok(());
        }
        // Somebody may have come since upkeep looked.
        if txn.shared.readers.is_read(self.run) {
            return Ok(());
        }
        let head = txn.head_mut(self.run);
        head.log_expired = true;
        let key = head.origin.key;
        delete_blobs(txn.connection, key)?;
        chunks::delete(txn.connection, key)?;
        txn.connection
            .prepare_cached("UPDATE run SET log_expired = 1, compacted = 1 WHERE key = ?1")?
            .execute([key])?;
        Ok(())
    }
}

/// Deletes idempotency keys that are older than they are remembered.
pub(crate) struct Forget;

impl Operation for Forget {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        let before = txn.now.as_ms() - i64::try_from(IDEMPOTENCY_MS).unwrap_or(i64::MAX);
        txn.connection
            .prepare_cached("DELETE FROM idempotency WHERE at < ?1")?
            .execute([before])?;
        Ok(())
    }
}
