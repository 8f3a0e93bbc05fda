//! The embedded store: one SQLite file, one writer thread, some readers.
//!
//! A commit writes one journal row with the events of all its runs, the run rows whose queryable state moved, and the
//! chunks that are full. What is in the journal and not yet in a chunk is also in memory, in the runs' tails. Run rows
//! may lag behind the journal; opening the file folds them forward, so start-up after a crash is the same path as
//! start-up after a clean end.

mod fault;
mod journal;
mod lock;
mod schema;
mod wal;

mod head;
mod rows;

mod chunks;
mod core;
mod fold;
mod load;
mod txn;

mod family;

mod op;
mod read;

mod queue;
mod readers;
mod upkeep;
mod writer;

mod copy;
mod doctor;
mod probe;
mod reading;
mod store;

#[cfg(test)]
mod tests;

pub use chunks::Chunks;
pub use copy::restore;
pub use core::{Core, Operation};
pub use doctor::{Finding, Report, doctor};
pub(crate) use fault::closed;
pub(crate) use head::LastAppend;
pub use op::{AppendOp, ClaimOp, CommandOp, Register, Release, Renew, StartOp, SweepOp, WorkOp};
pub use probe::{Batch, FailAt, Reader, Ticket};
pub use store::Sqlite;
pub use txn::Txn;
