//! Tests that concern the crate as a whole.

mod golden;
pub(crate) mod log;
pub(crate) mod soup;
