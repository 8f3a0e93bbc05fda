//! Reading chunks.

use bytes::{Bytes, BytesMut};
use run::{AppendNo, Fence, RunId, Seq, Timestamp, frame};
use rusqlite::{Connection, OptionalExtension, params};

use super::head::LastAppend;
use super::readers::Readers;
use crate::tail::behind;
use crate::{COMPACT_BYTES, READ_BYTES, ReadError};

/// Reads stored frames of any run.
#[derive(Clone)]
pub struct Chunks {
    pub(crate) readers: Readers,
}

impl Chunks {
    /// The frames from number `next` on, and the number of the last one; `None` when there are none.
    pub(crate) async fn read(
        &self,
        run: RunId,
        next: Seq,
    ) -> Result<Option<(Bytes, Seq)>, ReadError> {
        Ok(self
            .readers
            .read(move |connection| read(connection, run, next))
            .await?)
    }
}

/// Reads whole chunks until [`READ_BYTES`] are there.
pub(crate) fn read(
    connection: &Connection,
    run: RunId,
    next: Seq,
) -> rusqlite::Result<Option<(Bytes, Seq)>> {
    let key: Option<i64> = connection
        .prepare_cached("SELECT key FROM run WHERE id = ?1")?
        .query_row([run.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(key) = key else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT first, n, packed, bytes FROM chunk WHERE run = ?1
            AND first >= coalesce((SELECT max(first) FROM chunk WHERE run = ?1 AND first <= ?2), ?2)
         ORDER BY first",
    )?;
    let mut rows = statement.query(params![key, next.0])?;
    let mut merged = BytesMut::new();
    let mut last = None;
    while merged.len() < READ_BYTES {
        let Some(row) = rows.next()? else { break };
        let first: u64 = row.get(0)?;
        let n: u64 = row.get(1)?;
        let end = first + n - 1;
        if end < next.0 {
            continue;
        }
        let stored = row.get_ref(3)?.as_blob()?;
        let unpacked;
        let frames = if row.get(2)? {
            unpacked = unpack(stored)?;
            &unpacked[..]
        } else {
            stored
        };
        if first < next.0 {
            merged.extend_from_slice(&behind(&Bytes::copy_from_slice(frames), next));
        } else {
            merged.extend_from_slice(frames);
        }
        last = Some(Seq(end));
    }
    Ok(last.map(|last| (merged.freeze(), last)))
}

/// Deletes all chunks of a run and its snapshot.
pub(crate) fn delete(connection: &Connection, key: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM chunk WHERE run = ?1")?
        .execute([key])?;
    connection
        .prepare_cached("DELETE FROM snapshot WHERE run = ?1")?
        .execute([key])?;
    Ok(())
}

/// Where a run's chunks end.
pub(crate) struct End {
    /// The number of the last event.
    pub(crate) last: Seq,
    /// Its time.
    pub(crate) at: Timestamp,
    /// The last append up to there, if any.
    pub(crate) append: LastAppend,
}

/// Reads where a run's chunks end.
pub(crate) fn end(connection: &Connection, key: i64) -> rusqlite::Result<Option<End>> {
    let last = connection
        .prepare_cached(
            "SELECT first, n, packed, bytes, fence, append_no, append_first, append_last FROM chunk
             WHERE run = ?1 ORDER BY first DESC LIMIT 1",
        )?
        .query_row([key], |row| {
            let stored = row.get_ref(3)?.as_blob()?;
            let at = if row.get(2)? {
                time_of_last(&unpack(stored)?)
            } else {
                time_of_last(stored)
            };
            Ok(End {
                last: Seq(row.get::<_, u64>(0)? + row.get::<_, u64>(1)? - 1),
                at,
                append: LastAppend {
                    fence: Fence(row.get(4)?),
                    no: AppendNo(row.get(5)?),
                    first: Seq(row.get(6)?),
                    last: Seq(row.get(7)?),
                },
            })
        })
        .optional()?;
    Ok(last)
}

/// The number of a run's last event that is in a chunk, without reading what is in it.
pub(crate) fn last(connection: &Connection, key: i64) -> rusqlite::Result<Seq> {
    let last = connection
        .prepare_cached("SELECT first, n FROM chunk WHERE run = ?1 ORDER BY first DESC LIMIT 1")?
        .query_row([key], |row| {
            Ok(Seq(row.get::<_, u64>(0)? + row.get::<_, u64>(1)? - 1))
        })
        .optional()?;
    Ok(last.unwrap_or(Seq::ZERO))
}

fn time_of_last(frames: &[u8]) -> Timestamp {
    frame::split(frames)
        .last()
        .and_then(frame::parse)
        .map_or_else(Timestamp::default, |envelope| envelope.at)
}

/// Compresses frames.
pub(crate) fn pack(frames: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(frames, 3)
}

/// The inverse. The bound is far above what was packed, so that a damaged length cannot ask for all memory.
pub(crate) fn unpack(packed: &[u8]) -> rusqlite::Result<Vec<u8>> {
    let max_bytes = COMPACT_BYTES + 64 * run::MAX_EVENT_BYTES;
    zstd::bulk::decompress(
        packed,
        zstd::bulk::Decompressor::upper_bound(packed)
            .unwrap_or(max_bytes)
            .min(max_bytes),
    )
    .map_err(|error| super::fault::undecodable(3, error))
}
