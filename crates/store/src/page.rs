//! Pages of lists.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A position in a list: opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor(pub(crate) i64, pub(crate) i64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:x}.{:x}", self.0, self.1)
    }
}

impl Cursor {
    /// Reads a cursor as it was printed.
    pub fn parse(text: &str) -> Result<Self, InvalidCursor> {
        let (a, b) = text
            .strip_prefix('c')
            .and_then(|rest| rest.split_once('.'))
            .ok_or(InvalidCursor)?;
        let number = |text| {
            i64::from_str_radix(text, 16)
                .ok()
                .filter(|n| *n >= 0)
                .ok_or(InvalidCursor)
        };
        Ok(Self(number(a)?, number(b)?))
    }
}

/// A text that no list gave as its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not one that this list gave")]
pub struct InvalidCursor;

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        Self::parse(&text)
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

/// Some entries of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}
