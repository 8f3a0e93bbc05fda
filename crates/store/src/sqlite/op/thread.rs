//! Making and changing threads.

use run::{ThreadId, Timestamp, User};
use rusqlite::{OptionalExtension, params};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::read::thread::by_key;
use super::super::rows::to_json;
use super::super::txn::Txn;
use crate::{Change, NewThread, Scope, ThreadError, ThreadPatch, ThreadRecord};

/// What a thread id stands for.
pub(super) enum Found {
    /// A thread that the caller sees.
    Key(i64),
    /// No thread.
    Nothing,
    /// A thread that does not exist for the caller.
    SomebodyElses,
}

/// Looks a thread up.
pub(super) fn find(txn: &Txn<'_>, scope: &Scope, thread: &ThreadId) -> Result<Found, Fault> {
    let known: Option<(i64, Option<String>)> = txn
        .connection
        .prepare_cached("SELECT key, created_by FROM thread WHERE tenant = ?1 AND id = ?2")?
        .query_row([scope.tenant.as_str(), thread.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(match known {
        None => Found::Nothing,
        Some((key, created_by)) => match &scope.user {
            Some(user) if created_by.as_deref() != Some(user.as_str()) => Found::SomebodyElses,
            _ => Found::Key(key),
        },
    })
}

/// Makes a thread whose id is free.
pub(super) fn make(
    txn: &mut Txn<'_>,
    scope: &Scope,
    thread: &ThreadId,
    new: &NewThread,
) -> Result<i64, Fault> {
    txn.connection
        .prepare_cached(
            "INSERT INTO thread (tenant, id, created_by, title, body, labels, metadata, board_column, position, parent,
                created_at, updated_at, agent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
        )?
        .execute(params![
            scope.tenant.as_str(),
            thread.as_str(),
            scope.user.as_ref().map(User::as_str),
            new.title,
            new.body,
            to_json(&new.labels),
            to_json(&new.metadata),
            new.column,
            new.position,
            new.parent.as_ref().map(ThreadId::as_str),
            txn.now.as_ms(),
            new.agent,
        ])?;
    let key = txn.connection.last_insert_rowid();
    txn.thread_changed(change(scope, thread));
    Ok(key)
}

fn change(scope: &Scope, thread: &ThreadId) -> Change {
    Change {
        tenant: scope.tenant.clone(),
        created_by: scope.user.clone(),
        thread: thread.clone(),
        run: None,
        ephemeral: false,
    }
}

/// Makes a thread.
pub(crate) struct CreateThread {
    pub(crate) scope: Scope,
    pub(crate) thread: ThreadId,
    pub(crate) new: NewThread,
}

impl Operation for CreateThread {
    type Output = Result<ThreadRecord, ThreadError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self { scope, thread, new } = self;
        match find(txn, &scope, &thread)? {
            Found::Nothing => {}
            // That a stranger's thread has this id is the one thing that cannot be hidden here.
            Found::Key(_) | Found::SomebodyElses => return Ok(Err(ThreadError::Exists(thread))),
        }
        if let Some(parent) = &new.parent
            && !matches!(find(txn, &scope, parent)?, Found::Key(_))
        {
            return Ok(Err(ThreadError::ParentUnknown));
        }
        let key = make(txn, &scope, &thread, &new)?;
        Ok(Ok(by_key(txn.connection, key)?.expect("inserted above")))
    }
}

/// Changes a thread.
pub(crate) struct PatchThread {
    pub(crate) scope: Scope,
    pub(crate) thread: ThreadId,
    pub(crate) patch: ThreadPatch,
}

impl Operation for PatchThread {
    type Output = Result<ThreadRecord, ThreadError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self {
            scope,
            thread,
            patch,
        } = self;
        let Found::Key(key) = find(txn, &scope, &thread)? else {
            return Ok(Err(ThreadError::Unknown));
        };
        let mut record = by_key(txn.connection, key)?.expect("found above");
        let ThreadPatch {
            title,
            body,
            labels,
            metadata,
            column,
            position,
            agent,
            archived,
        } = patch;
        record.title = title.unwrap_or(record.title);
        record.body = body.unwrap_or(record.body);
        record.labels = labels.unwrap_or(record.labels);
        record.metadata = metadata.unwrap_or(record.metadata);
        record.column = column.unwrap_or(record.column);
        record.position = position.unwrap_or(record.position);
        record.agent = agent.unwrap_or(record.agent);
        record.archived_at = match archived {
            None => record.archived_at,
            Some(true) => record.archived_at.or(Some(txn.now)),
            Some(false) => None,
        };
        record.updated_at = txn.now;
        txn.connection
            .prepare_cached(
                "UPDATE thread SET title = ?2, body = ?3, labels = ?4, metadata = ?5, board_column = ?6, position = ?7,
                    archived_at = ?8, updated_at = ?9, agent = ?10
                 WHERE key = ?1",
            )?
            .execute(params![
                key,
                record.title,
                record.body,
                to_json(&record.labels),
                to_json(&record.metadata),
                record.column,
                record.position,
                record.archived_at.map(Timestamp::as_ms),
                record.updated_at.as_ms(),
                record.agent,
            ])?;
        txn.thread_changed(Change {
            created_by: record.created_by.clone(),
            ..change(&scope, &thread)
        });
        Ok(Ok(record))
    }
}
