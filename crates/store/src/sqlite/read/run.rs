//! Runs and lists of runs.

use run::{Status, User};
use rusqlite::{Connection, params_from_iter, types::Value as SqlValue};

use super::super::fault::is_undecodable;
use super::super::rows::{self, COLUMNS, Stored};
use crate::{Counts, Cursor, RunFilter, Scope};

/// A page of runs, newest first, and the cursor of the next page.
pub(crate) fn list(
    connection: &Connection,
    scope: &Scope,
    filter: &RunFilter,
    after: Option<Cursor>,
    max: usize,
) -> rusqlite::Result<(Vec<Stored>, Option<Cursor>)> {
    // A thread's runs, a run's children and those that are open are few among all that a tenant ever had. The plus keeps the database
    // from reading all of those.
    let only_open =
        !filter.statuses.is_empty() && !filter.statuses.iter().any(|status| status.is_final());
    let is_few = filter.thread.is_some() || filter.parent.is_some();
    let (from, tenant) = match (is_few, only_open) {
        (true, _) => ("run", "+run.tenant = ?"),
        (false, true) => (
            "run INDEXED BY run_open",
            "run.tenant = ? AND run.finished_at IS NULL",
        ),
        (false, false) => ("run", "run.tenant = ?"),
    };
    let mut wheres = vec![tenant.to_owned()];
    let mut values: Vec<SqlValue> = vec![scope.tenant.to_string().into()];
    let mut also = |clause: &str, value: SqlValue| {
        wheres.push(clause.to_owned());
        values.push(value);
    };
    if let Some(user) = &scope.user {
        also("run.created_by = ?", user.to_string().into());
    }
    if let Some(thread) = &filter.thread {
        also(
            "run.thread = (SELECT key FROM thread WHERE tenant = ?1 AND id = ?)",
            thread.to_string().into(),
        );
    }
    if let Some(agent) = &filter.agent {
        also("run.agent = ?", agent.clone().into());
    }
    if let Some(parent) = &filter.parent {
        also("run.parent = ?", parent.as_bytes().to_vec().into());
    }
    if !filter.statuses.is_empty() {
        let words: Vec<&str> = filter
            .statuses
            .iter()
            .map(|status| status.as_str())
            .collect();
        also(
            "run.status IN (SELECT value FROM json_each(?))",
            rows::to_json(&words).into(),
        );
    }
    if let Some(Cursor(key, _)) = after {
        also("run.key < ?", key.into());
    }
    if !filter.with_ephemeral {
        wheres.push("run.ephemeral = 0".to_owned());
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM {from} JOIN thread ON thread.key = run.thread WHERE {} ORDER BY run.key DESC LIMIT {}",
        wheres.join(" AND "),
        max + 1,
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(values))?;
    let mut runs = Vec::new();
    let (mut n, mut last) = (0, None);
    while let Some(row) = found.next()? {
        if n == max {
            return Ok((runs, last));
        }
        n += 1;
        let key: i64 = row.get(0)?;
        last = Some(Cursor(key, 0));
        match rows::read(row) {
            Ok(run) => runs.push(run),
            // One odd row must not hide all others.
            Err(error) if is_undecodable(&error) => {
                tracing::error!(run.key = key, "a run cannot be read: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    Ok((runs, None))
}

/// A thread's runs, as far as they matter for "the run of this thread".
pub(crate) enum OfThread {
    /// There is no such thread for the caller.
    Unknown,
    /// It has no runs.
    Empty,
    /// Its current run, else its latest. Commands on worktrees are not what anybody who asks for it wants to follow.
    Run(Box<Stored>),
}

/// Open runs on threads whose ids begin so.
pub(crate) fn open_on(connection: &Connection, threads: &str) -> rusqlite::Result<Vec<Stored>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run INDEXED BY run_open JOIN thread ON thread.key = run.thread
         WHERE run.finished_at IS NULL AND substr(thread.id, 1, length(?1)) = ?1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let runs = statement.query_map([threads], rows::read)?;
    runs.collect()
}

/// A thread's current run, else its latest.
pub(crate) fn of_thread(
    connection: &Connection,
    scope: &Scope,
    thread: &run::ThreadId,
) -> rusqlite::Result<OfThread> {
    let mut statement = connection
        .prepare_cached("SELECT key, created_by FROM thread WHERE tenant = ?1 AND id = ?2")?;
    let mut found = statement.query([scope.tenant.as_str(), thread.as_str()])?;
    let Some(row) = found.next()? else {
        return Ok(OfThread::Unknown);
    };
    let key: i64 = row.get(0)?;
    let created_by = rows::name(row, 1, User::parse)?;
    if !scope.sees(&scope.tenant, created_by.as_ref()) {
        return Ok(OfThread::Unknown);
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM run JOIN thread ON thread.key = run.thread
         WHERE run.key = coalesce(
            (SELECT key FROM run WHERE thread = ?1 AND is_current = 1 AND spec ->> '$.task' IS NULL),
            (SELECT key FROM run WHERE thread = ?1 AND spec ->> '$.task' IS NULL ORDER BY key DESC LIMIT 1))"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut runs = statement.query_map([key], rows::read)?;
    Ok(match runs.next().transpose()? {
        None => OfThread::Empty,
        Some(run) => OfThread::Run(Box::new(run)),
    })
}

/// Open runs by state.
pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let mut statement = connection.prepare_cached(
        "SELECT status, count(*) FROM run WHERE finished_at IS NULL GROUP BY status",
    )?;
    let mut rows = statement.query([])?;
    let mut counts = Counts::default();
    while let Some(row) = rows.next()? {
        let status: String = row.get(0)?;
        let n: u64 = row.get(1)?;
        match Status::parse(&status) {
            Some(Status::Queued) => counts.queued = n,
            Some(Status::Running) => counts.running = n,
            Some(Status::Waiting) => counts.waiting = n,
            Some(Status::Succeeded | Status::Failed | Status::Aborted) | None => {}
        }
    }
    Ok(counts)
}
