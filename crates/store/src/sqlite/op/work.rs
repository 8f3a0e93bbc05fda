//! A worker's other writes.

use std::sync::Arc;

use run::{Command, Fence, RunId, Work};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use crate::{WorkError, Worked};

/// Consumes an input, waits, finishes, or ends an attempt: decided here, so that nothing slips in between.
pub struct WorkOp {
    /// The run.
    pub run: RunId,
    /// The right to write.
    pub fence: Fence,
    /// What.
    pub work: Work,
}

impl Operation for WorkOp {
    type Output = Result<Worked, WorkError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self { run, fence, work } = self;
        if !txn.load(run)? {
            return Ok(Err(WorkError::Unknown));
        }
        Ok(match txn.decide(run, Command::Work(fence, work))? {
            Ok(events) => Ok(Worked {
                wrote: !events.is_empty(),
                control: Arc::clone(&txn.head(run).control),
            }),
            Err(refused) => Err(refused.into()),
        })
    }
}
