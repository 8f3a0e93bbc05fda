//! What a server needs of the system: an address, an identity, and to be told when to end.

mod identity;
mod listener;
mod meter;
mod shutdown;

pub(crate) use identity::{node, worker};
pub(crate) use listener::{bind, reachable};
pub(crate) use meter::meter;
pub(crate) use shutdown::{leave_terminal, listen_for_shutdown};
