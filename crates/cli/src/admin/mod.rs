//! Orders of whoever owns the data: keys and copies. A running server has the store to itself, so orders reach it
//! through a socket in the data directory, which only its owner can open; without a server they are carried out here.

mod order;
mod socket;

mod give;

pub(crate) use give::{AdminError, give};
pub(crate) use order::{KeyLine, Order, Reply};
pub(crate) use socket::{listen, remove};
