//! Keys and tokens.

use run::{Tenant, ThreadId, Timestamp, User};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;

use super::super::fault::undecodable;
use super::super::rows::{name, run_id};
use crate::{Credential, Key, Target};

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    match row.get::<_, Option<String>>(column)? {
        None => Ok(None),
        Some(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| undecodable(column, error)),
    }
}

/// All keys, of one tenant or of all.
pub(crate) fn keys(connection: &Connection, tenant: Option<&Tenant>) -> rusqlite::Result<Vec<Key>> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, name, user, rights, agents, created_at, revoked_at FROM api_key
         WHERE ?1 IS NULL OR tenant = ?1 ORDER BY tenant, created_at, name",
    )?;
    let keys = statement.query_map([tenant.map(Tenant::as_str)], |row| {
        Ok(Key {
            tenant: name(row, 0, Tenant::parse)?.expect("the column is NOT NULL"),
            name: row.get(1)?,
            user: name(row, 2, User::parse)?,
            rights: json(row, 3)?.unwrap_or_default(),
            agents: json(row, 4)?,
            created_at: Timestamp::from_ms(row.get(5)?),
            revoked_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_ms),
        })
    })?;
    keys.collect()
}

/// What a secret with this hash allows now.
pub(crate) fn credential(
    connection: &Connection,
    hash: [u8; 32],
    now: Timestamp,
) -> rusqlite::Result<Option<Credential>> {
    let key = connection
        .prepare_cached("SELECT tenant, user, rights, agents, name FROM api_key WHERE hash = ?1 AND revoked_at IS NULL")?
        .query_row([hash], |row| {
            Ok(Credential {
                key: row.get(4)?,
                tenant: name(row, 0, Tenant::parse)?.expect("the column is NOT NULL"),
                user: name(row, 1, User::parse)?,
                rights: json(row, 2)?.unwrap_or_default(),
                agents: json(row, 3)?,
                target: None,
                expires_at: None,
            })
        })
        .optional()?;
    if key.is_some() {
        return Ok(key);
    }
    connection
        .prepare_cached(
            "SELECT tenant, user, rights, agents, run, thread, expires_at, key FROM token
             WHERE hash = ?1 AND expires_at > ?2 AND NOT EXISTS (SELECT 1 FROM api_key
                WHERE api_key.tenant = token.tenant AND api_key.name = token.key AND revoked_at IS NOT NULL)",
        )?
        .query_row(params![hash, now.as_ms()], |row| {
            let target = match run_id(row, 4)? {
                Some(run) => Some(Target::Run(run)),
                None => name(row, 5, ThreadId::parse)?.map(Target::Thread),
            };
            Ok(Credential {
                key: row.get(7)?,
                tenant: name(row, 0, Tenant::parse)?.expect("the column is NOT NULL"),
                user: name(row, 1, User::parse)?,
                rights: json(row, 2)?.unwrap_or_default(),
                agents: json(row, 3)?,
                target,
                expires_at: Some(Timestamp::from_ms(row.get(6)?)),
            })
        })
        .optional()
}
