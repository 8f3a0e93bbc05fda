//! Worktrees of runs, as far as the store knows of them.

use run::{RunId, Timestamp};
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;

/// Remembers that a run's worktree is gone. Nothing where the run is gone too.
pub(crate) struct WorktreeRemoved {
    pub(crate) run: RunId,
}

impl Operation for WorktreeRemoved {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        if !txn.load(self.run)? {
            return Ok(());
        }
        let now: Timestamp = txn.now;
        let head = txn.head_mut(self.run);
        if head.worktree_removed_at.is_none() {
            head.worktree_removed_at = Some(now);
            let key = head.origin.key;
            txn.connection
                .prepare_cached("UPDATE run SET worktree_removed_at = ?2 WHERE key = ?1")?
                .execute(params![key, now.as_ms()])?;
        }
        Ok(())
    }
}

/// The open run on a thread that is at work in the worktree of an earlier run of it, or is about to be.
pub(super) fn user_of(
    txn: &mut Txn<'_>,
    thread_key: i64,
    owner: RunId,
) -> Result<Option<RunId>, Fault> {
    let open: Vec<[u8; 16]> = txn
        .connection
        .prepare_cached("SELECT id FROM run WHERE thread = ?1 AND finished_at IS NULL")?
        .query_map([thread_key], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for run in open.into_iter().map(RunId::from_bytes) {
        if !txn.load(run)? {
            continue;
        }
        let origin = &txn.head(run).origin;
        let is_for_it = origin
            .spec
            .task
            .as_ref()
            .is_some_and(|task| task.owner == owner);
        // Whoever refines one of the thread's runs may do so in this worktree: the owner is the first of their line.
        if is_for_it || origin.spec.driver.is_coding() && origin.refines.is_some() {
            return Ok(Some(run));
        }
    }
    Ok(None)
}
