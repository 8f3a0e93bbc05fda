//! A commit for its own sake.

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;

/// Nothing but what each commit does anyway: fold by age, trim the journal.
pub(crate) struct Tick;

impl Operation for Tick {
    type Output = ();

    fn perform(self, _: &mut Txn<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
