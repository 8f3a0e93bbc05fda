//! What was before a run on its thread.

use run::{RunId, User};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::fault::is_undecodable;
use super::super::rows::{self, COLUMNS, Stored};
use crate::{Cursor, Scope};

/// A page of the finished runs of a run's thread that ended before it, the last one first, and the cursor of the next
/// page. What was done again by this run or before it is left out, and what never began: it was taken out of the line
/// before anybody heard of it. `None` when the run does not exist for the caller.
pub(crate) fn before(
    connection: &Connection,
    scope: &Scope,
    run: RunId,
    after: Option<Cursor>,
    max: usize,
) -> rusqlite::Result<Option<(Vec<Stored>, Option<Cursor>)>> {
    let found = connection
        .prepare_cached(
            "SELECT key, thread, finished_at, created_by FROM run WHERE id = ?1 AND tenant = ?2",
        )?
        .query_row(params![run.as_bytes(), scope.tenant.as_str()], |row| {
            let key: i64 = row.get(0)?;
            let thread: i64 = row.get(1)?;
            let finished_at: Option<i64> = row.get(2)?;
            Ok((key, thread, finished_at, rows::name(row, 3, User::parse)?))
        })
        .optional()?;
    let Some((key, thread, finished_at, created_by)) = found else {
        return Ok(None);
    };
    if !scope.sees(&scope.tenant, created_by.as_ref()) {
        return Ok(None);
    }
    let Cursor(until, until_key) = after.unwrap_or(Cursor(finished_at.unwrap_or(i64::MAX), key));
    let sql = format!(
        "SELECT {COLUMNS}, run.finished_at FROM run JOIN thread ON thread.key = run.thread
         WHERE run.thread = ?1 AND run.finished_at IS NOT NULL AND run.log_expired = 0
            AND (run.finished_at, run.key) < (?2, ?3) AND run.control ->> '$.attempt' > 0
            AND NOT EXISTS (SELECT 1 FROM run AS again WHERE again.retries = run.id AND again.key <= ?5
                AND (again.finished_at IS NULL OR again.control ->> '$.attempt' > 0))
         ORDER BY run.finished_at DESC, run.key DESC LIMIT ?4"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params![thread, until, until_key, max + 1, key])?;
    let mut runs = Vec::new();
    let (mut n, mut last) = (0, None);
    while let Some(row) = found.next()? {
        if n == max {
            return Ok(Some((runs, last)));
        }
        n += 1;
        let key: i64 = row.get(0)?;
        last = Some(Cursor(row.get("finished_at")?, key));
        match rows::read(row) {
            Ok(run) => runs.push(run),
            // One odd row must not end the thread.
            Err(error) if is_undecodable(&error) => {
                tracing::error!(run.key = key, "a run cannot be read: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some((runs, None)))
}
