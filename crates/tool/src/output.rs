//! What came out of a tool, and how much of a text is kept.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde_json::Value;

/// What came out of a tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ToolOutput {
    /// What a model reads. Images, files and links have a line each.
    pub text: String,
    /// The structured result, where the tool gives one.
    pub structured: Option<Value>,
    /// The tool ran and says that it failed; the text says why.
    pub is_error: bool,
    /// Images, files and links, in their order.
    pub media: Vec<Media>,
}

/// An image, a file or a link in a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// Its bytes came along.
    Inline {
        /// Its type, for example `image/png`.
        mime_type: String,
        /// Where the server says that it is from.
        uri: Option<String>,
        /// The bytes in base64, as the server sent them.
        base64: String,
    },
    /// It is elsewhere; nobody has fetched it.
    Link {
        /// Where.
        uri: String,
        /// Its name.
        name: String,
        /// Its type, as far as the server says.
        mime_type: Option<String>,
    },
}

/// A text within its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<'a> {
    /// The text; when it was cut, its beginning and its end with a note between them. The note comes on top of the
    /// bound.
    pub text: Cow<'a, str>,
    /// Bytes that were left out.
    pub left_out: usize,
}

/// Cuts a text to `limit` bytes, half from its beginning and half from its end, at the boundaries of characters.
pub fn cut(text: &str, limit: usize) -> Cut<'_> {
    if text.len() <= limit {
        return Cut {
            text: Cow::Borrowed(text),
            left_out: 0,
        };
    }
    let head = text.floor_char_boundary(limit - limit / 2);
    let tail = text.ceil_char_boundary(text.len() - limit / 2);
    joined(&text[..head], &text[tail..], tail - head)
}

fn joined(head: &str, tail: &str, left_out: usize) -> Cut<'static> {
    let text = if tail.is_empty() {
        format!("{head}\n… {left_out} bytes left out …")
    } else {
        format!("{head}\n… {left_out} bytes left out …\n{tail}")
    };
    Cut {
        text: Cow::Owned(text),
        left_out,
    }
}

/// Gathers a text that comes in pieces, in bounded memory: its beginning and its end.
#[derive(Debug, Clone)]
pub struct Gather {
    head: String,
    /// Pieces of the end, the oldest first. Together they may exceed the bound by less than their first one.
    tail: VecDeque<String>,
    tail_bytes: usize,
    head_limit: usize,
    tail_limit: usize,
    total: usize,
}

impl Gather {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            head: String::new(),
            tail: VecDeque::new(),
            tail_bytes: 0,
            head_limit: limit - limit / 2,
            tail_limit: limit / 2,
            total: 0,
        }
    }

    /// Adds a piece.
    pub fn push(&mut self, mut piece: &str) {
        self.total += piece.len();
        if self.tail.is_empty() {
            let room = self.head_limit - self.head.len();
            let (first, rest) = piece.split_at(piece.floor_char_boundary(room));
            self.head.push_str(first);
            piece = rest;
        }
        // Only the last bytes of a long piece can stay.
        let keep = self.tail_limit + SLACK_BYTES;
        let piece = &piece[piece.floor_char_boundary(piece.len().saturating_sub(keep))..];
        if piece.is_empty() {
            return;
        }
        match self.tail.back_mut() {
            // Small pieces share a string, so that a byte never costs one.
            Some(last) if last.len() + piece.len() <= PIECE_BYTES => last.push_str(piece),
            Some(_) | None => self.tail.push_back(piece.to_owned()),
        }
        self.tail_bytes += piece.len();
        while let Some(first) = self.tail.front()
            && self.tail.len() > 1
            && self.tail_bytes - first.len() >= keep
        {
            self.tail_bytes -= first.len();
            self.tail.pop_front();
        }
    }

    /// Bytes that were added in all.
    pub fn total(&self) -> usize {
        self.total
    }

    /// The text: what [`cut`] gives of the whole.
    pub fn finish(self) -> Cut<'static> {
        let tail: String = self.tail.into_iter().collect();
        if self.total <= self.head_limit + self.tail_limit {
            let text = Cow::Owned(self.head + &tail);
            return Cut { text, left_out: 0 };
        }
        let from = tail.ceil_char_boundary(tail.len().saturating_sub(self.tail_limit));
        let tail = &tail[from..];
        let left_out = self.total - self.head.len() - tail.len();
        joined(&self.head, tail, left_out)
    }
}

/// What the end keeps beyond its bound: the character that found no more room in the beginning.
const SLACK_BYTES: usize = 4;

/// Pieces are joined up to this size.
const PIECE_BYTES: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use proptest::prop_assert_eq;

    use super::{Cut, Gather, cut};

    #[track_caller]
    fn check(text: &str, limit: usize, expected: &str, left_out: usize) {
        let expected = Cut {
            text: expected.into(),
            left_out,
        };
        assert_eq!(cut(text, limit), expected);
        let mut gather = Gather::new(limit);
        gather.push(text);
        assert_eq!(gather.finish(), expected);
    }

    #[test]
    fn a_text_within_its_bound_stays_whole() {
        check("", 0, "", 0);
        check("abc", 3, "abc", 0);
        check("äöü", 6, "äöü", 0);
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        check("abcdefgh", 4, "ab\n… 4 bytes left out …\ngh", 4);
        check("abcdefgh", 5, "abc\n… 3 bytes left out …\ngh", 3);
        check("abc", 0, "\n… 3 bytes left out …", 3);
    }

    #[test]
    fn a_cut_never_goes_through_a_character() {
        check("äöüäöü", 6, "ä\n… 8 bytes left out …\nü", 8);
        check("😀😀😀", 5, "\n… 12 bytes left out …", 12);
    }

    proptest! {
        #[test]
        fn pieces_give_what_the_whole_gives(
            pieces in proptest::collection::vec(any::<String>(), 0..20),
            limit in 0_usize..200,
        ) {
            let whole = pieces.concat();
            let mut gather = Gather::new(limit);
            for piece in &pieces {
                gather.push(piece);
            }
            prop_assert_eq!(gather.total(), whole.len());
            prop_assert_eq!(gather.finish(), cut(&whole, limit));
        }
    }

    #[test]
    fn many_small_pieces_cost_no_more_than_the_bound() {
        let mut gather = Gather::new(64 << 10);
        for _ in 0..1_000_000 {
            gather.push("x");
        }
        assert!(gather.tail.len() <= 10, "{}", gather.tail.len());
        assert_eq!(gather.finish().left_out, 1_000_000 - (64 << 10));
    }
}
