//! Leases of workers.

use run::{Lease, NodeId, WorkerId};
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;

/// Takes a lease.
pub struct Register {
    /// For this worker.
    pub worker: WorkerId,
    /// On this node.
    pub node: NodeId,
    /// For so long, milliseconds.
    pub lease_ms: u64,
}

impl Operation for Register {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        let until = Lease::from(txn.now, self.lease_ms).until;
        txn.connection
            .prepare_cached("INSERT OR REPLACE INTO worker (id, node, until) VALUES (?1, ?2, ?3)")?
            .execute(params![
                self.worker.as_str(),
                self.node.as_str(),
                until.as_ms()
            ])?;
        // Whoever sweeps may be asleep until a time that was known before this lease.
        txn.is_due();
        Ok(())
    }
}

/// Renews a lease. An expired one that nobody has taken is still its owner's.
pub struct Renew {
    /// Of this worker.
    pub worker: WorkerId,
    /// For so long, milliseconds.
    pub lease_ms: u64,
}

impl Operation for Renew {
    type Output = bool;

    fn perform(self, txn: &mut Txn<'_>) -> Result<bool, Fault> {
        let until = Lease::from(txn.now, self.lease_ms).until;
        let n = txn
            .connection
            .prepare_cached("UPDATE worker SET until = ?2 WHERE id = ?1")?
            .execute(params![self.worker.as_str(), until.as_ms()])?;
        Ok(n == 1)
    }
}

/// Gives a lease back.
pub struct Release {
    /// Of this worker.
    pub worker: WorkerId,
}

impl Operation for Release {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        txn.connection
            .prepare_cached("DELETE FROM worker WHERE id = ?1")?
            .execute([self.worker.as_str()])?;
        // What it still had can be settled now.
        txn.is_due();
        Ok(())
    }
}
