//! A string that is not shown, and its removal from what others say.

use std::fmt;

use zeroize::Zeroize as _;

use crate::limits;

/// A key or another value that never reaches a log, an error or a trace: both its `Debug` and its `Display` are `***`, and its memory is
/// overwritten when it goes.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as it comes from an environment or a file: white space around it is dropped.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The secret itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Takes known secrets out of a text. A vendor may well repeat the key that it refuses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor(Vec<Secret>);

impl Redactor {
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut kept: Vec<Secret> = secrets
            .filter(|secret| secret.0.len() >= limits::REDACTED_BYTES_MIN)
            .cloned()
            .collect();
        // The longest first: a secret that contains another one must go as a whole.
        kept.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
        Self(kept)
    }

    /// The length of the longest secret: a text that was cut may end in that much of one.
    pub(crate) fn reach(&self) -> usize {
        self.0.first().map_or(0, |secret| secret.0.len())
    }

    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(&secret.0) {
                text = text.replace(&secret.0, "***");
            }
        }
        text
    }

    /// Cleans a text and cuts it at `limit` bytes; the cut is marked. Cleaning comes first, so that no half of a
    /// secret survives at the edge.
    pub(crate) fn clean_and_cut(&self, text: &str, limit: usize) -> String {
        let mut text = self.clean(text.trim());
        if text.len() > limit {
            text.truncate(text.floor_char_boundary(limit));
            text.push_str(" … (cut)");
        }
        text
    }
}
