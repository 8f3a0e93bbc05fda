//! A client's command.

use run::{Command, RunId};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use crate::{CommandError, Commanded, Scope};

/// Carries out a client's command against the run's control state.
pub struct CommandOp {
    /// Who asks.
    pub scope: Scope,
    /// Of which run.
    pub run: RunId,
    /// What.
    pub command: Command,
}

impl Operation for CommandOp {
    type Output = Result<Commanded, CommandError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self {
            scope,
            run,
            command,
        } = self;
        if !visible(txn, &scope, run)? {
            return Ok(Err(CommandError::Unknown));
        }
        Ok(match txn.decide(run, command)? {
            Ok(events) => Ok(Commanded {
                run: txn.head(run).record(),
                events,
            }),
            Err(refused) => Err(refused.into()),
        })
    }
}

/// Loads a run if it exists for the caller.
pub(super) fn visible(txn: &mut Txn<'_>, scope: &Scope, run: RunId) -> Result<bool, Fault> {
    if !txn.load(run)? {
        return Ok(false);
    }
    let origin = &txn.head(run).origin;
    Ok(scope.sees(&origin.tenant, origin.created_by.as_ref()))
}
