//! What was sent of a text, without the text: a reader must not cost memory for what it has read.

/// Length and hash (FNV-1a) of a text that goes out in pieces, as JSON escapes it: so most pieces are never unescaped.
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
        self.add_escaped(inner(&escaped(text)));
    }

    /// The same, of text that is escaped already.
    pub(super) fn add_escaped(&mut self, escaped: &str) {
        self.n_bytes += escaped.len();
        for byte in escaped.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// What of the whole text was not sent; nothing when what was sent is not its beginning.
    pub(super) fn rest_of(&self, whole: &str) -> Option<String> {
        let whole = escaped(whole);
        let (begun, rest) = inner(&whole).split_at_checked(self.n_bytes)?;
        let mut again = Self::new();
        again.add_escaped(begun);
        if again != *self {
            return None;
        }
        serde_json::from_str(&format!("\"{rest}\"")).ok()
    }
}

/// A text as JSON.
fn escaped(text: &str) -> String {
    serde_json::to_string(text).expect("a text can be printed")
}

fn inner(quoted: &str) -> &str {
    &quoted[1..quoted.len() - 1]
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
        assert_eq!(sent.rest_of(whole).as_deref(), expected);
    }

    #[test]
    fn the_rest_of_a_text_is_what_was_not_sent() {
        check(&[], "abc", Some("abc"));
        check(&["a", "b"], "abc", Some("c"));
        check(&["a\n", "\""], "a\n\"\\c\u{1}", Some("\\c\u{1}"));
        check(&["abc"], "abc", Some(""));
        check(&["abd"], "abc", None);
        check(&["abcd"], "abc", None);
        check(&["a"], "ä", None);
        check(&["\\"], "\n", None);
    }
}
