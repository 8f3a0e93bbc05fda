//! Who asks, and what is there for them.

mod caller;
mod child;
mod guard;
mod openings;
mod secret;
mod tokens;

pub(crate) use caller::{Caller, StreamCaller};
pub(crate) use guard::guard;
pub(crate) use openings::{Opening, Openings};
pub use secret::{NoRandomness, Secret};
pub(crate) use tokens::create as create_token;
