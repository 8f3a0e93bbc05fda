//! Writing and erasing what is sealed. What leaves its place in the file is overwritten with zeros. Older pages in the
//! write-ahead log, and copies, keep the sealed bytes for a while, which are of no use without the key.

use run::Tenant;
use rusqlite::{Connection, params};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use crate::{SECRETS, Sealed};

/// Keeps a secret under its name; `false` when the tenant has as many as it may.
pub(crate) struct PutSecret {
    pub(crate) tenant: Tenant,
    pub(crate) name: String,
    pub(crate) sealed: Sealed,
}

impl Operation for PutSecret {
    type Output = bool;

    fn perform(self, txn: &mut Txn<'_>) -> Result<bool, Fault> {
        let Self {
            tenant,
            name,
            sealed,
        } = self;
        without_remnants(txn.connection, || {
            erase_secret(txn.connection, &tenant, &name)
        })?;
        let n: usize = txn
            .connection
            .prepare_cached("SELECT count(*) FROM secret WHERE tenant = ?1")?
            .query_row([tenant.as_str()], |row| row.get(0))?;
        if n >= SECRETS {
            return Ok(false);
        }
        without_remnants(txn.connection, || {
            txn.connection
                .prepare_cached(
                    "INSERT INTO secret (tenant, name, updated_at, key_id, sealed) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    tenant.as_str(),
                    name,
                    txn.now.as_ms(),
                    sealed.key_id,
                    &sealed.bytes[..]
                ])?;
            Ok(())
        })?;
        Ok(true)
    }
}

/// Deletes a secret; `false` when there is none.
pub(crate) struct DeleteSecret {
    pub(crate) tenant: Tenant,
    pub(crate) name: String,
}

impl Operation for DeleteSecret {
    type Output = bool;

    fn perform(self, txn: &mut Txn<'_>) -> Result<bool, Fault> {
        without_remnants(txn.connection, || {
            erase_secret(txn.connection, &self.tenant, &self.name)
        })
    }
}

fn erase_secret(connection: &Connection, tenant: &Tenant, name: &str) -> Result<bool, Fault> {
    let n = connection
        .prepare_cached("DELETE FROM secret WHERE tenant = ?1 AND name = ?2")?
        .execute(params![tenant.as_str(), name])?;
    Ok(n > 0)
}

/// Keeps the credentials of a run that was just inserted.
pub(super) fn keep_credentials(
    connection: &Connection,
    run_key: i64,
    sealed: &Sealed,
) -> Result<(), Fault> {
    without_remnants(connection, || {
        connection
            .prepare_cached(
                "INSERT INTO run_credentials (run, key_id, sealed) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![run_key, sealed.key_id, &sealed.bytes[..]])?;
        Ok(())
    })
}

/// Erases the credentials of a run that ends or goes. Most runs have none, which costs one look.
pub(crate) fn erase_credentials(connection: &Connection, run_key: i64) -> Result<(), Fault> {
    let has_some = connection
        .prepare_cached("SELECT 1 FROM run_credentials WHERE run = ?1")?
        .exists([run_key])?;
    if !has_some {
        return Ok(());
    }
    without_remnants(connection, || {
        connection
            .prepare_cached("DELETE FROM run_credentials WHERE run = ?1")?
            .execute([run_key])?;
        Ok(())
    })
}

/// Does something such that what leaves its place on a page is overwritten. Not always on: the journal deletes much, and
/// nothing of it is worth the zeros.
fn without_remnants<T>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, Fault> {
    set_secure_delete(connection, "ON")?;
    let done = work();
    set_secure_delete(connection, "OFF")?;
    done
}

fn set_secure_delete(connection: &Connection, word: &str) -> Result<(), Fault> {
    // It answers with the setting.
    connection
        .prepare_cached(&format!("PRAGMA secure_delete = {word}"))?
        .query_row([], |_| Ok(()))?;
    Ok(())
}
