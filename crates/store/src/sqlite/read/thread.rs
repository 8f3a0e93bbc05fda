//! Threads and lists of threads.

use run::{Tenant, ThreadId, Timestamp, User};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::super::fault::undecodable;
use super::super::rows::{name, run_id};
use crate::{Cursor, Scope, ThreadFilter, ThreadRecord};

const COLUMNS: &str = "thread.key, thread.id, thread.tenant, thread.created_by, title, body, labels, metadata, \
     board_column, position, parent, archived_at, created_at, updated_at, \
     (SELECT run.id FROM run WHERE run.thread = thread.key AND run.is_current = 1), thread.agent";

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, ThreadRecord)> {
    let labels: String = row.get(6)?;
    let metadata: String = row.get(7)?;
    let time = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_ms))
    };
    let record = ThreadRecord {
        id: name(row, 1, ThreadId::parse)?.expect("the column is NOT NULL"),
        tenant: name(row, 2, Tenant::parse)?.expect("the column is NOT NULL"),
        created_by: name(row, 3, User::parse)?,
        title: row.get(4)?,
        body: row.get(5)?,
        labels: serde_json::from_str(&labels).map_err(|error| undecodable(6, error))?,
        metadata: serde_json::from_str(&metadata).map_err(|error| undecodable(7, error))?,
        column: row.get(8)?,
        position: row.get(9)?,
        parent: name(row, 10, ThreadId::parse)?,
        archived_at: time(11)?,
        created_at: time(12)?.unwrap_or_default(),
        updated_at: time(13)?.unwrap_or_default(),
        current_run: run_id(row, 14)?,
        agent: row.get(15)?,
    };
    Ok((row.get(0)?, record))
}

/// The thread with a key.
pub(crate) fn by_key(connection: &Connection, key: i64) -> rusqlite::Result<Option<ThreadRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM thread WHERE key = ?1");
    Ok(connection
        .prepare_cached(&sql)?
        .query_row([key], read)
        .optional()?
        .map(|(_, record)| record))
}

/// A thread by its id, if it exists for the caller.
pub(crate) fn by_id(
    connection: &Connection,
    scope: &Scope,
    thread: &ThreadId,
) -> rusqlite::Result<Option<ThreadRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM thread WHERE tenant = ?1 AND id = ?2");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([scope.tenant.as_str(), thread.as_str()], read)
        .optional()?;
    Ok(found
        .map(|(_, record)| record)
        .filter(|record| scope.sees(&record.tenant, record.created_by.as_ref())))
}

/// A page of threads, the last changed first. The cursor is a time and not a key: a thread that changes meanwhile moves
/// to the front, where the caller has been already.
pub(crate) fn list(
    connection: &Connection,
    scope: &Scope,
    filter: &ThreadFilter,
    after: Option<Cursor>,
    max: usize,
) -> rusqlite::Result<(Vec<ThreadRecord>, Option<Cursor>)> {
    let mut wheres = vec!["tenant = ?".to_owned()];
    let mut values: Vec<SqlValue> = vec![scope.tenant.to_string().into()];
    let mut also = |clause: &str, value: SqlValue| {
        wheres.push(clause.to_owned());
        values.push(value);
    };
    if let Some(user) = &scope.user {
        also("created_by = ?", user.to_string().into());
    }
    if let Some(label) = &filter.label {
        also(
            "EXISTS (SELECT 1 FROM json_each(labels) WHERE value = ?)",
            label.clone().into(),
        );
    }
    if let Some(column) = &filter.column {
        also("board_column = ?", column.clone().into());
    }
    if let Some(parent) = &filter.parent {
        also("parent = ?", parent.to_string().into());
    } else {
        // What agents and previews run on below a thread is not what a list of conversations is for; a card is.
        wheres.push("(parent IS NULL OR board_column IS NOT NULL)".to_owned());
    }
    if let Some(Cursor(updated_at, key)) = after {
        wheres.push("(updated_at, key) < (?, ?)".to_owned());
        values.extend([updated_at.into(), key.into()]);
    }
    if !filter.with_archived {
        wheres.push("archived_at IS NULL".to_owned());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM thread WHERE {} ORDER BY updated_at DESC, key DESC LIMIT {}",
        wheres.join(" AND "),
        max + 1,
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut threads: Vec<(i64, ThreadRecord)> = statement
        .query_map(params_from_iter(values), read)?
        .collect::<Result<_, _>>()?;
    let more = threads.len() > max;
    threads.truncate(max);
    let next = threads
        .last()
        .filter(|_| more)
        .map(|(key, last)| Cursor(last.updated_at.as_ms(), *key));
    Ok((
        threads.into_iter().map(|(_, record)| record).collect(),
        next,
    ))
}

/// The tools that are allowed to an agent for the rest of a thread.
pub(crate) fn grants(
    connection: &Connection,
    scope: &Scope,
    thread: &ThreadId,
    agent: &str,
) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "SELECT tool FROM grant_of_thread JOIN thread ON thread.key = grant_of_thread.thread
             WHERE tenant = ?1 AND id = ?2 AND grant_of_thread.agent = ?3",
        )?
        .query_map([scope.tenant.as_str(), thread.as_str(), agent], |row| {
            row.get(0)
        })?
        .collect()
}
