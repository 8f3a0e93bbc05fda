//! Whose a process is, written into its environment, where every process it starts inherits it.

use std::fmt;

use crate::limits::MARKER_BYTES;

/// The environment variable that names the run.
pub const RUN_ID: &str = "OUTLIVE_RUN_ID";

/// The environment variable that names the [`Mark`].
pub const MARK: &str = "OUTLIVE_MARK";

/// The environment variable that names a part of the run.
pub const PART: &str = "OUTLIVE_PART";

/// Names one data directory or database, whichever server process opens it, and no other on the machine: a server
/// finds the children of its own crashed predecessor, and two servers never touch each other's. Choose it at random
/// once and store it with the data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark(String);

/// Names one run under a [`Mark`], or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker {
    mark: Mark,
    run: String,
    part: Option<String>,
}

/// A mark or a run's id is not 1 to 200 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot mark a process: it takes 1 to {MARKER_BYTES} visible ASCII characters")]
pub struct BadMarker(String);

impl Mark {
    /// Checks that the text can stand in an environment.
    pub fn new(mark: &str) -> Result<Self, BadMarker> {
        checked(mark).map(Self)
    }

    /// The marker of one of its runs.
    pub fn run(&self, run: &str) -> Result<Marker, BadMarker> {
        let run = checked(run)?;
        Ok(Marker {
            mark: self.clone(),
            run,
            part: None,
        })
    }

    /// As given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Marker {
    /// Of which data.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The marker of a part of the run. Children that live side by side in one run have a part each: what one of them
    /// leaves behind is swept at its end, and the others are let be.
    pub fn part(&self, part: &str) -> Result<Self, BadMarker> {
        let part = Some(checked(part)?);
        Ok(Self {
            part,
            ..self.clone()
        })
    }

    /// The variables that say so.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let part = self.part.as_deref().map(|part| (PART, part));
        [(MARK, self.mark.as_str()), (RUN_ID, self.run.as_str())]
            .into_iter()
            .chain(part)
    }

    /// Of which run.
    pub fn run(&self) -> &str {
        &self.run
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.run)
    }
}

fn checked(text: &str) -> Result<String, BadMarker> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=MARKER_BYTES).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(BadMarker(text.chars().take(MARKER_BYTES).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::{MARKER_BYTES, Mark};

    #[test]
    fn a_marker_is_short_visible_text() {
        let mark = Mark::new("m").unwrap();
        assert!(mark.run(&"a".repeat(MARKER_BYTES)).is_ok());
        for bad in ["", "a b", "a\0", "ä", &"a".repeat(MARKER_BYTES + 1)] {
            assert!(mark.run(bad).is_err(), "{bad:?}");
            assert!(Mark::new(bad).is_err(), "{bad:?}");
        }
    }
}
