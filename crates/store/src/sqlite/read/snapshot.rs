//! Stored snapshots.

use run::{RunId, Snapshot};
use rusqlite::{Connection, OptionalExtension};

use super::super::chunks::{pack, unpack};
use super::super::fault::undecodable;
use super::super::op::StoredSnapshot;

/// The stored snapshot of a run, or an empty one. One of a shape that this version cannot read counts as none: it can
/// always be folded again.
pub(crate) fn stored(connection: &Connection, run: RunId) -> rusqlite::Result<Snapshot> {
    let body: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT body FROM snapshot WHERE run = (SELECT key FROM run WHERE id = ?1)",
        )?
        .query_row([run.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(body) = body else {
        return Ok(Snapshot::default());
    };
    Ok(serde_json::from_slice(&unpack(&body)?).unwrap_or_default())
}

/// A snapshot as it is stored.
pub(crate) fn to_stored(snapshot: &Snapshot) -> rusqlite::Result<StoredSnapshot> {
    let body = serde_json::to_vec(snapshot).map_err(|error| undecodable(0, error))?;
    let body = pack(&body).map_err(|error| undecodable(0, error))?;
    Ok(StoredSnapshot {
        seq: snapshot.last_seq,
        body,
    })
}
