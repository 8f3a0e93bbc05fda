//! A promise that did not hold.

/// What was promised and what was found instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{promise}: {what}")]
pub struct Violation {
    /// The promise, as a sentence.
    pub promise: &'static str,
    /// What was found.
    pub what: String,
}

impl Violation {
    /// Found while checking a promise.
    pub fn new(promise: &'static str, what: impl Into<String>) -> Self {
        Self {
            promise,
            what: what.into(),
        }
    }
}

/// Fails with what was found unless it holds.
pub(crate) fn ensure(
    holds: bool,
    promise: &'static str,
    what: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds {
        Ok(())
    } else {
        Err(Violation::new(promise, what()))
    }
}
