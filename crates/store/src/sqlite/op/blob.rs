//! Large outputs and files, by their content.

use bytes::Bytes;
use run::{RunId, Tenant};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;

/// Keeps bytes under their hash, as long as a run is there that has them.
pub(crate) struct PutBlob {
    pub(crate) tenant: Tenant,
    pub(crate) run: RunId,
    pub(crate) hash: [u8; 32],
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

impl Operation for PutBlob {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        let tenant = self.tenant.as_str();
        let key: Option<i64> = txn
            .connection
            .prepare_cached(
                "SELECT key FROM run WHERE id = ?1 AND tenant = ?2 AND log_expired = 0",
            )?
            .query_row(params![self.run.as_bytes(), tenant], |row| row.get(0))
            .optional()?;
        // It was deleted meanwhile, and with it whatever could refer to them.
        let Some(key) = key else {
            return Ok(());
        };
        txn.connection
            .prepare_cached("INSERT OR IGNORE INTO blob (tenant, hash, media_type, bytes) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![tenant, self.hash, self.media_type, &self.bytes[..]])?;
        txn.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO blob_of_run (run, tenant, hash) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![key, tenant, self.hash])?;
        Ok(())
    }
}

/// Deletes what only this run has.
pub(super) fn delete_blobs(connection: &Connection, run_key: i64) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "DELETE FROM blob WHERE (tenant, hash) IN (SELECT tenant, hash FROM blob_of_run WHERE run = ?1)
                AND NOT EXISTS (SELECT 1 FROM blob_of_run AS other
                    WHERE other.tenant = blob.tenant AND other.hash = blob.hash AND other.run <> ?1)",
        )?
        .execute([run_key])?;
    connection
        .prepare_cached("DELETE FROM blob_of_run WHERE run = ?1")?
        .execute([run_key])?;
    Ok(())
}
