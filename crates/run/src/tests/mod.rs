//! Tests that concern the crate as a whole.

mod commands;
mod golden;
pub(crate) mod log;
mod losses;
mod races;
pub(crate) mod soup;
mod steps;
pub(crate) mod story;
