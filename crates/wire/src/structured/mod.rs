//! Structured output: finding the JSON in what a model wrote, checking it against its schema, and the valid part of
//! an answer that is still coming.

mod clean;

mod find;

mod check;
mod meter;
mod schema;

mod preview;

mod live;

pub use check::{Violation, sentence};
pub use live::{LivePreview, PreviewFrame};
pub use preview::{Preview, preview_of};
pub use schema::{Schema, SchemaProblem};
