//! Reading chunks.

use std::ops::RangeInclusive;

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
        "SELECT id, n, packed, bytes FROM chunk
         WHERE id BETWEEN coalesce((SELECT max(id) FROM chunk WHERE id BETWEEN ?1 AND ?2), ?2) AND ?3 ORDER BY id",
    )?;
    let ids = ids(key);
    let mut rows = statement.query(params![ids.start(), id(key, next), ids.end()])?;
    let mut merged = BytesMut::new();
    let mut last = None;
    while merged.len() < READ_BYTES {
        let Some(row) = rows.next()? else { break };
        let first = first(row.get(0)?).0;
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

/// Bits of a chunk's id that hold the number of its first event.
const SEQ_BITS: u32 = 31;

/// The id of the chunk of a run that begins with an event. Two billion events of one run are days of the fastest
/// writing that there is; a run that came so far could not go on.
pub(crate) fn id(key: i64, first: Seq) -> i64 {
    assert!(
        first.0 < 1 << SEQ_BITS,
        "a run has at most {} events",
        1_u64 << SEQ_BITS
    );
    (key << SEQ_BITS) | i64::try_from(first.0).expect("checked above")
}

/// The ids of all chunks of a run.
pub(crate) fn ids(key: i64) -> RangeInclusive<i64> {
    (key << SEQ_BITS)..=((key << SEQ_BITS) | ((1 << SEQ_BITS) - 1))
}

/// Deletes all chunks of a run and its snapshot.
pub(crate) fn delete(connection: &Connection, key: i64) -> rusqlite::Result<()> {
    let ids = ids(key);
    connection
        .prepare_cached("DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2")?
        .execute([ids.start(), ids.end()])?;
    connection
        .prepare_cached("DELETE FROM snapshot WHERE run = ?1")?
        .execute([key])?;
    Ok(())
}

fn first(id: i64) -> Seq {
    Seq(id.unsigned_abs() & ((1 << SEQ_BITS) - 1))
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
    let ids = ids(key);
    let last = connection
        .prepare_cached(
            "SELECT id, n, packed, bytes, fence, append_no, append_first, append_last FROM chunk
             WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([ids.start(), ids.end()], |row| {
            let stored = row.get_ref(3)?.as_blob()?;
            let at = if row.get(2)? {
                time_of_last(&unpack(stored)?)
            } else {
                time_of_last(stored)
            };
            Ok(End {
                last: Seq(first(row.get(0)?).0 + row.get::<_, u64>(1)? - 1),
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
    let ids = ids(key);
    let last = connection
        .prepare_cached(
            "SELECT id, n FROM chunk WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([ids.start(), ids.end()], |row| {
            Ok(Seq(first(row.get(0)?).0 + row.get::<_, u64>(1)? - 1))
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
