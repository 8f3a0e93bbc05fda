//! What was sent of a text, without the text: a reader must not cost memory for what it has read.

/// Length and hash (FNV-1a) of a text that goes out in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    n_bytes: usize,
    hash: u64,
}

impl Sent {
    pub(super) fn new() -> Self {
        Self {
            n_bytes: 0,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }

    pub(super) fn add(&mut self, text: &str) {
        self.n_bytes += text.len();
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// What of the whole text was not sent; nothing when what was sent is not its beginning.
    pub(super) fn rest_of<'t>(&self, whole: &'t str) -> Option<&'t str> {
        let (begun, rest) = whole.split_at_checked(self.n_bytes)?;
        let mut again = Self::new();
        again.add(begun);
        (again == *self).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], whole: &str, expected: Option<&str>) {
        let mut sent = Sent::new();
        for piece in pieces {
            sent.add(piece);
        }
        assert_eq!(sent.rest_of(whole), expected);
    }

    #[test]
    fn the_rest_of_a_text_is_what_was_not_sent() {
        check(&[], "abc", Some("abc"));
        check(&["a", "b"], "abc", Some("c"));
        check(&["abc"], "abc", Some(""));
        check(&["abd"], "abc", None);
        check(&["abcd"], "abc", None);
        check(&["a"], "ä", None);
    }
}
