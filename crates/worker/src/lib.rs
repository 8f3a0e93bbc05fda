//! Claims runs and performs attempts. The only crate that drives.

pub mod limits;

mod outbox;

mod script;

mod player;

pub use outbox::{Batch, Outbox};
pub use player::{Action, EXIT_NOTICE, Player};
