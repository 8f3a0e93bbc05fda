//! Segments by the names that clients gave them.

use run::{RunId, Seq, User};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::rows::run_id;
use crate::{Scope, Segment, SegmentName};

fn read(row: &Row<'_>) -> rusqlite::Result<Segment> {
    Ok(Segment {
        run: run_id(row, 0)?.expect("the column is NOT NULL"),
        first_seq: Seq(row.get(1)?),
    })
}

/// The segment of a name. Who acts for no user sees those of no user alone: a name is the user's own.
pub(crate) fn by_name(
    connection: &Connection,
    scope: &Scope,
    name: &SegmentName,
) -> rusqlite::Result<Option<Segment>> {
    connection
        .prepare_cached(
            "SELECT run, first_seq FROM segment WHERE tenant = ?1 AND owner = ?2 AND face = ?3 AND id = ?4",
        )?
        .query_row(
            params![
                scope.tenant.as_str(),
                scope.user.as_ref().map_or("", User::as_str),
                name.face,
                name.id
            ],
            read,
        )
        .optional()
}

/// The named segments of a run, in order, each with its face and name.
pub(crate) fn of_run(
    connection: &Connection,
    run: RunId,
) -> rusqlite::Result<Vec<(String, String, Seq)>> {
    connection
        .prepare_cached(
            "SELECT face, id, first_seq FROM segment WHERE run = ?1 ORDER BY first_seq, face, id",
        )?
        .query_map([run.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, Seq(row.get(2)?)))
        })?
        .collect()
}
