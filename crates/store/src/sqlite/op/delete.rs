//! Deleting runs and threads.

use run::{RunId, ThreadId};
use rusqlite::params;

use super::super::chunks;
use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::read::thread::by_key;
use super::super::txn::Txn;
use super::blob::delete_blobs;
use super::command::visible;
use super::secret::erase_credentials;
use super::thread::{Found, find};
use super::worktree::user_of;
use crate::{Change, DeleteError, Scope};

/// Deletes a run that has ended.
pub(crate) struct DeleteRun {
    pub(crate) scope: Scope,
    pub(crate) run: RunId,
}

impl Operation for DeleteRun {
    type Output = Result<(), DeleteError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self { scope, run } = self;
        if !visible(txn, &scope, run)? {
            return Ok(Err(DeleteError::Unknown));
        }
        let head = txn.head(run);
        if !head.control.is_final() {
            return Ok(Err(DeleteError::Open(run)));
        }
        let (key, thread) = (head.origin.key, head.origin.thread.clone());
        let created_by = head.origin.created_by.clone();
        if head.origin.spec.driver.is_coding() {
            let thread_key = head.origin.thread_key;
            if let Some(user) = user_of(txn, thread_key, run)? {
                return Ok(Err(DeleteError::WorktreeInUse(user)));
            }
        }
        remove(txn, run, key)?;
        txn.thread_changed(Change {
            tenant: scope.tenant,
            created_by,
            thread,
            run: None,
            ephemeral: false,
        });
        Ok(Ok(()))
    }
}

fn remove(txn: &mut Txn<'_>, run: RunId, key: i64) -> Result<(), Fault> {
    txn.forget(run);
    erase_credentials(txn.connection, key)?;
    delete_blobs(txn.connection, key)?;
    chunks::delete(txn.connection, key)?;
    txn.connection
        .prepare_cached("DELETE FROM segment WHERE run = ?1")?
        .execute([run.as_bytes()])?;
    txn.connection
        .prepare_cached(
            "INSERT OR IGNORE INTO deleted_run SELECT id FROM run
             WHERE key = ?1 AND spec ->> '$.repository' IS NOT NULL AND spec ->> '$.task' IS NULL",
        )?
        .execute([key])?;
    txn.connection
        .prepare_cached("DELETE FROM run WHERE key = ?1")?
        .execute([key])?;
    Ok(())
}

/// Deletes a thread and its runs.
pub(crate) struct DeleteThread {
    pub(crate) scope: Scope,
    pub(crate) thread: ThreadId,
}

impl Operation for DeleteThread {
    type Output = Result<(), DeleteError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self { scope, thread } = self;
        let Found::Key(thread_key) = find(txn, &scope, &thread)? else {
            return Ok(Err(DeleteError::Unknown));
        };
        let record = by_key(txn.connection, thread_key)?.expect("found above");
        let runs: Vec<(i64, [u8; 16], bool)> = txn
            .connection
            .prepare_cached("SELECT key, id, finished_at IS NULL FROM run WHERE thread = ?1")?
            .query_map([thread_key], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        if let Some((_, open, _)) = runs.iter().find(|(_, _, is_open)| *is_open) {
            return Ok(Err(DeleteError::Open(RunId::from_bytes(*open))));
        }
        for (key, run, _) in runs {
            remove(txn, RunId::from_bytes(run), key)?;
        }
        txn.connection
            .prepare_cached("DELETE FROM grant_of_thread WHERE thread = ?1")?
            .execute(params![thread_key])?;
        txn.connection
            .prepare_cached("DELETE FROM thread WHERE key = ?1")?
            .execute(params![thread_key])?;
        txn.thread_changed(Change {
            tenant: scope.tenant,
            created_by: record.created_by,
            thread,
            run: None,
            ephemeral: false,
        });
        Ok(Ok(()))
    }
}
