//! Remembering that a result was applied.

use run::{RunId, Status};
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use super::command::visible;
use crate::{Applied, CommandError, RunRecord, Scope};

/// Marks a succeeded run as applied, once; later calls answer the first.
pub(crate) struct Apply {
    pub(crate) scope: Scope,
    pub(crate) run: RunId,
    pub(crate) applied: Applied,
}

impl Operation for Apply {
    type Output = Result<RunRecord, CommandError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self {
            scope,
            run,
            applied,
        } = self;
        if !visible(txn, &scope, run)? {
            return Ok(Err(CommandError::Unknown));
        }
        let head = txn.head_mut(run);
        let status = head.control.status();
        if status != Status::Succeeded {
            return Ok(Err(CommandError::NotSucceeded(status)));
        }
        if head.applied.is_none() {
            let key = head.origin.key;
            head.applied = Some(applied.clone());
            txn.connection
                .prepare_cached("UPDATE run SET applied_at = ?2, applied_by = ?3, applied_ref = ?4 WHERE key = ?1")?
                .execute(params![key, applied.at.as_ms(), applied.by, applied.reference])?;
        }
        Ok(Ok(txn.head(run).record()))
    }
}
