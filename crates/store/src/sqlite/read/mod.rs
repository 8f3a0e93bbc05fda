//! What readers look up.

pub(crate) mod access;
pub(crate) mod run;
pub(crate) mod snapshot;
pub(crate) mod thread;
