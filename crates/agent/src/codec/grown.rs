//! The new end of a text that is sent as a whole again and again.

use std::hash::{DefaultHasher, Hasher as _};

use crate::limits::GROWN_TAIL_BYTES;

/// Remembers of a text only its length, its hash and its last bytes.
#[derive(Debug, Default)]
pub(crate) struct Grown {
    length: usize,
    hasher: DefaultHasher,
    tail: String,
}

impl Grown {
    /// What `whole` has more than what was given before. A text that lost its beginning, as an output of which only the
    /// last lines are kept, is found again by its end; one that is another text altogether is new as a whole.
    pub(crate) fn next<'a>(&mut self, whole: &'a str) -> &'a str {
        let goes_on = whole.is_char_boundary(self.length) && {
            let mut hasher = DefaultHasher::new();
            hasher.write(&whole.as_bytes()[..self.length]);
            hasher.finish() == self.hasher.finish()
        };
        let more = if goes_on {
            &whole[self.length..]
        } else if self.length > GROWN_TAIL_BYTES
            && let Some(at) = whole.rfind(&self.tail)
        {
            &whole[at + self.tail.len()..]
        } else {
            whole
        };
        *self = Self::default();
        self.add(whole);
        more
    }

    /// Takes a piece that came alone.
    pub(crate) fn add(&mut self, piece: &str) {
        self.length += piece.len();
        self.hasher.write(piece.as_bytes());
        self.tail.push_str(piece);
        let mut begin = self.tail.len().saturating_sub(GROWN_TAIL_BYTES);
        while !self.tail.is_char_boundary(begin) {
            begin += 1;
        }
        if begin > 0 {
            self.tail = self.tail[begin..].to_owned();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Grown;
    use crate::limits::GROWN_TAIL_BYTES;

    #[track_caller]
    fn check(wholes: &[&str], expected: &[&str]) {
        let mut grown = Grown::default();
        let found: Vec<_> = wholes.iter().map(|whole| grown.next(whole)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_what_is_new_is_given() {
        check(
            &["", "a", "a", "ab ü", "ab ü c"],
            &["", "a", "", "b ü", " c"],
        );
    }

    #[test]
    fn a_text_that_lost_its_beginning_is_found_by_its_end() {
        let old = format!("first {}", "x1".repeat(GROWN_TAIL_BYTES));
        let new = format!("{} more", &old[6..]);
        check(&[&old, &new], &[&old, " more"]);
    }

    #[test]
    fn pieces_and_wholes_go_together() {
        let mut grown = Grown::default();
        for piece in ["a", "", "bü", "c"] {
            grown.add(piece);
        }
        assert_eq!(grown.next("abücd"), "d");
        assert_eq!(grown.next("abücd"), "");
    }

    #[test]
    fn another_text_is_new() {
        check(&["abc", "xyz"], &["abc", "xyz"]);
        check(&["aü", "ab"], &["aü", "ab"]);
    }
}
