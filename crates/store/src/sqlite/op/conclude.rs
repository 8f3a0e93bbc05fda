//! Ending a run from outside.

use run::{Command, Outcome, RunId};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;

/// Ends a run without its worker; `false` when it has ended or is gone.
pub(crate) struct Conclude {
    pub(crate) run: RunId,
    pub(crate) outcome: Outcome,
}

impl Operation for Conclude {
    type Output = bool;

    fn perform(self, txn: &mut Txn<'_>) -> Result<bool, Fault> {
        Ok(txn.load(self.run)?
            && txn
                .decide(self.run, Command::Conclude(self.outcome))?
                .is_ok())
    }
}
