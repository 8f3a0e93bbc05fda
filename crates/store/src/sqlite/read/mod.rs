//! What readers look up.

pub(crate) mod access;
pub(crate) mod history;
pub(crate) mod run;
pub(crate) mod secret;
pub(crate) mod segment;
pub(crate) mod snapshot;
pub(crate) mod thread;
