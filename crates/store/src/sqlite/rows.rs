//! Run rows: how a head is written down and read back.

use std::sync::Arc;

use run::event::Parent;
use run::{
    AgentSpec, CallId, Input, Run, RunId, Tenant, ThreadId, Timestamp, Trigger, User, WorkerId,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::fault::undecodable;
use super::head::{Head, LastAppend, Origin};
use crate::{Applied, RunRecord};

/// Everything of a row, in the order that [`read`] expects.
pub(crate) const COLUMNS: &str = "run.key, run.id, run.tenant, run.created_by, run.thread, thread.id, run.agent, \
     run.spec, run.input, run.trigger, run.refines, run.metadata, run.is_current, run.line, \
     run.worker, run.control, run.append, run.output, run.applied_at, run.applied_by, run.applied_ref, \
     run.log_expired, run.parent, run.parent_call, run.depth, run.worktree_removed_at";

/// A row as it is stored.
pub(crate) struct Stored {
    pub(crate) origin: Origin,
    pub(crate) control: Run,
    pub(crate) is_current: bool,
    pub(crate) line: Option<i64>,
    pub(crate) worker: Option<WorkerId>,
    pub(crate) append: LastAppend,
    pub(crate) output: Option<Value>,
    pub(crate) applied: Option<Applied>,
    pub(crate) worktree_removed_at: Option<Timestamp>,
    pub(crate) log_expired: bool,
}

impl Stored {
    /// The run as clients see it.
    pub(crate) fn into_record(self) -> RunRecord {
        let Origin {
            id,
            tenant,
            created_by,
            thread,
            agent,
            spec,
            input,
            trigger,
            refines,
            parent,
            metadata,
            ..
        } = self.origin;
        RunRecord {
            id,
            tenant,
            created_by,
            thread,
            agent,
            spec,
            input,
            trigger,
            control: Arc::new(self.control),
            is_current: self.is_current,
            worker: self.worker,
            output: self.output,
            refines,
            parent,
            metadata,
            applied: self.applied,
            worktree_removed_at: self.worktree_removed_at,
            log_expired: self.log_expired,
        }
    }
}

/// Reads a row of [`COLUMNS`].
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let spec: AgentSpec = json(row, 7)?;
    let input: Input = json(row, 8)?;
    let trigger: Trigger = json(row, 9)?;
    let applied_at: Option<i64> = row.get(18)?;
    let applied = match applied_at {
        None => None,
        Some(at) => Some(Applied {
            at: Timestamp::from_ms(at),
            by: row.get(19)?,
            reference: row.get(20)?,
        }),
    };
    let parent = match (run_id(row, 22)?, name(row, 23, CallId::parse)?) {
        (Some(run), Some(call)) => Some(Parent {
            run,
            call,
            depth: row.get(24)?,
        }),
        _ => None,
    };
    Ok(Stored {
        origin: Origin {
            key: row.get(0)?,
            id: run_id(row, 1)?.expect("the column is NOT NULL"),
            tenant: name(row, 2, Tenant::parse)?.expect("the column is NOT NULL"),
            created_by: name(row, 3, User::parse)?,
            thread_key: row.get(4)?,
            thread: name(row, 5, ThreadId::parse)?.expect("the column is NOT NULL"),
            agent: row.get(6)?,
            policy: spec.policy(),
            spec: Arc::new(spec),
            input: Arc::new(input),
            trigger,
            refines: run_id(row, 10)?,
            parent,
            metadata: json(row, 11)?,
        },
        is_current: row.get(12)?,
        line: row.get(13)?,
        worker: name(row, 14, WorkerId::parse)?,
        control: json(row, 15)?,
        append: json(row, 16)?,
        output: match row
            .get_ref(17)?
            .as_str_or_null()
            .map_err(|error| undecodable(17, error))?
        {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(|error| undecodable(17, error))?),
        },
        applied,
        worktree_removed_at: row.get::<_, Option<i64>>(25)?.map(Timestamp::from_ms),
        log_expired: row.get(21)?,
    })
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row
        .get_ref(column)?
        .as_str()
        .map_err(|error| undecodable(column, error))?;
    serde_json::from_str(text).map_err(|error| undecodable(column, error))
}

pub(crate) fn run_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RunId>> {
    Ok(row
        .get::<_, Option<[u8; 16]>>(column)?
        .map(RunId::from_bytes))
}

pub(crate) fn name<T>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(String) -> Result<T, run::InvalidId>,
) -> rusqlite::Result<Option<T>> {
    match row.get::<_, Option<String>>(column)? {
        None => Ok(None),
        Some(text) => parse(text)
            .map(Some)
            .map_err(|error| undecodable(column, error)),
    }
}

/// The row of a run.
pub(crate) fn by_id(connection: &Connection, run: RunId) -> rusqlite::Result<Option<Stored>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run JOIN thread ON thread.key = run.thread WHERE run.id = ?1"
    );
    statement(connection, &sql)?
        .query_row([run.as_bytes()], read)
        .optional()
}

/// The row with a key.
pub(crate) fn by_key(connection: &Connection, key: i64) -> rusqlite::Result<Option<Stored>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run JOIN thread ON thread.key = run.thread WHERE run.key = ?1"
    );
    statement(connection, &sql)?
        .query_row([key], read)
        .optional()
}

fn statement<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    connection.prepare_cached(sql)
}

/// Writes what may change about a run.
pub(crate) fn save(connection: &Connection, head: &mut Head) -> rusqlite::Result<()> {
    let columns = head.columns();
    let control = head.control_now();
    // Kept in memory as well, so that what is compared with the next row is what this one says.
    head.control = Arc::clone(&control);
    head.saved_control = Arc::clone(&control);
    let finished_at = control.is_final().then_some(control.updated_at.as_ms());
    connection
        .prepare_cached(
            "UPDATE run SET status = ?2, is_current = ?3, line = ?4, due_at = ?5, next_at = ?6, worker = ?7,
                control = ?8, append = ?9, output = ?10, finished_at = ?11
             WHERE key = ?1",
        )?
        .execute(params![
            head.origin.key,
            columns.status.as_str(),
            columns.is_current,
            columns.line,
            columns.due_at.map(Timestamp::as_ms),
            columns.next_at.map(Timestamp::as_ms),
            columns.worker.as_ref().map(WorkerId::as_str),
            to_json(&*control),
            to_json(&head.append),
            head.output.as_ref().map(to_json),
            finished_at,
        ])?;
    head.saved = columns;
    Ok(())
}

/// Takes a row that cannot be read out of everything that looks for runs by their columns. Returns whose place at which
/// agent is free now, if a worker had it.
pub(crate) fn set_aside(
    connection: &Connection,
    run: RunId,
) -> rusqlite::Result<Option<(Tenant, String)>> {
    let held: Option<(String, String)> = connection
        .prepare_cached("SELECT tenant, agent FROM run WHERE id = ?1 AND worker IS NOT NULL")?
        .query_row([run.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    connection
        .prepare_cached(
            "UPDATE run SET due_at = NULL, next_at = NULL, worker = NULL, line = NULL WHERE id = ?1",
        )?
        .execute([run.as_bytes()])?;
    Ok(held.and_then(|(tenant, agent)| Some((Tenant::parse(tenant).ok()?, agent))))
}

/// Our own types have string keys and finite numbers, so they always print.
pub(crate) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("our types print as JSON")
}
