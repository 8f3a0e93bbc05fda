//! What a model says, and how it fails.

use std::time::Duration;

use serde_json::Value;

/// What it says.
pub(crate) struct Answer {
    pub(super) head: Head,
    pub(super) words: Vec<String>,
    pub(super) calls: Vec<(String, Value)>,
    /// Between words.
    pub(super) pause: Duration,
    pub(super) ending: Ending,
}

/// What comes before its words.
pub(super) enum Head {
    Good,
    /// An error instead of an answer.
    Refused {
        status: u16,
        retry_after_s: Option<u32>,
    },
    /// Nothing, ever.
    Missing,
}

/// What comes behind its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// Nothing until the other side hangs up.
    Hanging,
    /// The connection breaks.
    Dropped,
    /// The stream ends in good order, but without what ends an answer.
    Truncated,
}

impl Answer {
    pub(crate) fn text(text: &str) -> Self {
        let words = text.split_inclusive(' ');
        Self {
            head: Head::Good,
            words: words.map(str::to_owned).collect(),
            calls: Vec::new(),
            pause: Duration::ZERO,
            ending: Ending::Whole,
        }
    }

    /// Words, and a call of a tool.
    pub(crate) fn call(text: &str, name: &str, args: Value) -> Self {
        Self::text(text).and(name, args)
    }

    /// One more call.
    pub(crate) fn and(mut self, name: &str, args: Value) -> Self {
        self.calls.push((name.to_owned(), args));
        self
    }

    /// So many words, at so many in a second.
    pub(crate) fn tokens(n: u32, per_second: u32) -> Self {
        Self {
            words: (0..n).map(|n| format!("w{n} ")).collect(),
            pause: Duration::from_secs(1) / per_second,
            ..Self::text("")
        }
    }

    /// Nothing comes behind these words until the other side hangs up.
    pub(crate) fn hanging(text: &str) -> Self {
        Self::text(text).ending(Ending::Hanging)
    }

    /// The connection breaks behind these words.
    pub(crate) fn dropped(text: &str) -> Self {
        Self::text(text).ending(Ending::Dropped)
    }

    /// The stream ends behind these words as if that were all.
    pub(crate) fn truncated(text: &str) -> Self {
        Self::text(text).ending(Ending::Truncated)
    }

    /// An error instead of an answer.
    pub(crate) fn refused(status: u16, retry_after_s: Option<u32>) -> Self {
        let head = Head::Refused {
            status,
            retry_after_s,
        };
        Self {
            head,
            ..Self::text("")
        }
    }

    /// Not a byte, until the other side hangs up.
    pub(crate) fn missing() -> Self {
        Self {
            head: Head::Missing,
            ..Self::text("")
        }
    }

    fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }
}
