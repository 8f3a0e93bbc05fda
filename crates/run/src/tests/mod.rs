//! Tests that concern the crate as a whole.

mod actors;
mod admission;
mod bounds;
mod commands;
mod golden;
pub(crate) mod log;
mod losses;
mod races;
pub(crate) mod soup;
mod steps;
pub(crate) mod story;
