//! Tests that concern the crate as a whole.

mod commands;
mod golden;
pub(crate) mod log;
pub(crate) mod soup;
pub(crate) mod story;
