//! Whether the store works.

use crate::Unavailable;

/// The state of the writer, for readiness checks and for the readers of live streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Commits succeed.
    Ok,
    /// The last commit failed.
    Failing(Unavailable),
}
