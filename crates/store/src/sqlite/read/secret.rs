//! What is sealed, as it is kept.

use bytes::Bytes;
use run::{RunId, Tenant, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{Sealed, SecretEntry};

fn sealed(row: &Row<'_>) -> rusqlite::Result<Sealed> {
    Ok(Sealed {
        key_id: row.get(0)?,
        bytes: Bytes::from(row.get::<_, Vec<u8>>(1)?),
    })
}

/// A tenant's secrets by name.
pub(crate) fn secrets(
    connection: &Connection,
    tenant: &Tenant,
) -> rusqlite::Result<Vec<SecretEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, updated_at, key_id FROM secret WHERE tenant = ?1 ORDER BY name",
    )?;
    let secrets = statement.query_map([tenant.as_str()], |row| {
        Ok(SecretEntry {
            name: row.get(0)?,
            updated_at: Timestamp::from_ms(row.get(1)?),
            key_id: row.get(2)?,
        })
    })?;
    secrets.collect()
}

/// A secret.
pub(crate) fn secret(
    connection: &Connection,
    tenant: &Tenant,
    name: &str,
) -> rusqlite::Result<Option<Sealed>> {
    connection
        .prepare_cached("SELECT key_id, sealed FROM secret WHERE tenant = ?1 AND name = ?2")?
        .query_row(params![tenant.as_str(), name], sealed)
        .optional()
}

/// The credentials of an open run.
pub(crate) fn credentials(connection: &Connection, run: RunId) -> rusqlite::Result<Option<Sealed>> {
    connection
        .prepare_cached(
            "SELECT key_id, sealed FROM run_credentials WHERE run = (SELECT key FROM run WHERE id = ?1)",
        )?
        .query_row([run.as_bytes()], sealed)
        .optional()
}
