//! Large outputs and files, by their content.

use bytes::Bytes;
use run::Tenant;
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;

/// Keeps bytes under their hash.
pub(crate) struct PutBlob {
    pub(crate) tenant: Tenant,
    pub(crate) hash: [u8; 32],
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

impl Operation for PutBlob {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        txn.connection
            .prepare_cached("INSERT OR IGNORE INTO blob (tenant, hash, media_type, bytes) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.tenant.as_str(), self.hash, self.media_type, &self.bytes[..]])?;
        Ok(())
    }
}
