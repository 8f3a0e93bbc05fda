//! A commit for its own sake.

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;

/// Nothing but what each commit does anyway: fold by age, trim the journal.
pub(crate) struct Tick;

impl Operation for Tick {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        txn.all_that_waits();
        Ok(())
    }
}

/// Writes something of no meaning, to see whether commits succeed again.
pub(crate) struct Probe;

impl Operation for Probe {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        txn.all_that_waits();
        txn.connection
            .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('probed_at', ?1)")?
            .execute([txn.now.to_string()])?;
        Ok(())
    }
}
