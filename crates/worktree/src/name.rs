//! Names that are safe in a ref, in a path and on a command line.

use std::fmt;

use crate::limits::RUN_NAME_BYTES;

/// A run's name: letters, digits, `-` and `_`, not beginning with `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct RunName(String);

/// A text that cannot name a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a run's name has 1 to {RUN_NAME_BYTES} letters, digits, `-` or `_` and does not begin with `-`"
)]
pub struct BadRunName;

/// The id of an object: 40 or 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct ObjectId(String);

impl RunName {
    /// Takes a text that is one.
    pub fn new(text: impl Into<String>) -> Result<Self, BadRunName> {
        let text = text.into();
        let fits = (1..=RUN_NAME_BYTES).contains(&text.len())
            && !text.starts_with('-')
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits {
            Ok(Self(text))
        } else {
            Err(BadRunName)
        }
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The branch of its worktree, without `refs/heads/`.
    pub fn branch(&self) -> String {
        format!("outlive/{self}")
    }

    pub(crate) fn branch_ref(&self) -> String {
        format!("refs/heads/outlive/{self}")
    }

    /// Where its checkpoints are, one ref for each number.
    pub(crate) fn checkpoint_refs(&self) -> String {
        format!("refs/outlive/checkpoints/{self}/")
    }

    /// What a removal saved.
    pub(crate) fn saved_ref(&self) -> String {
        format!("refs/outlive/saved/{self}")
    }

    /// What a removal saved of repositories inside the worktree.
    pub(crate) fn nested_refs(&self) -> String {
        format!("refs/outlive/nested/{self}/")
    }
}

impl ObjectId {
    /// Takes a text that is one.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let fits =
            matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then_some(Self(text))
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that means "no object" where this one is an object.
    pub(crate) fn none_like(&self) -> String {
        "0".repeat(self.0.len())
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for RunName {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

impl<'de> serde::Deserialize<'de> for ObjectId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(from)?)
            .ok_or_else(|| serde::de::Error::custom("this is no object's id"))
    }
}

#[cfg(test)]
mod tests {
    use super::{ObjectId, RunName};

    #[test]
    fn a_run_name_is_safe_in_a_ref_a_path_and_a_command() {
        for (text, fits) in [
            ("0199-abc_X", true),
            ("", false),
            ("-rf", false),
            ("a/b", false),
            ("..", false),
            ("a.lock", false),
            ("a b", false),
            ("ä", false),
            (&"a".repeat(100), true),
            (&"a".repeat(101), false),
        ] {
            assert_eq!(RunName::new(text).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn an_object_id_is_forty_or_sixty_four_digits() {
        for (text, fits) in [
            ("a".repeat(40), true),
            ("f0".repeat(32), true),
            ("a".repeat(39), false),
            ("g".repeat(40), false),
        ] {
            assert_eq!(ObjectId::new(text.clone()).is_some(), fits, "{text}");
        }
    }
}
