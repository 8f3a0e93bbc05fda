//! Lines out of chunks. Pure.
//!
//! Lines end with `\n` and nothing else: JSON strings may hold U+2028 raw, and a `\r` before the end is blank space to
//! a JSON reader.

use crate::limits::LINE_HEAD_BYTES;

/// What a [`Lines`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A line without its end.
    Whole(Vec<u8>),
    /// A line above the bound, of which only the first bytes are kept. It is reported as soon as the bound is passed,
    /// not when it ends, for it may never end; the rest of it is skipped.
    TooLong {
        /// Its first bytes, at most [`LINE_HEAD_BYTES`].
        head: Vec<u8>,
    },
}

/// Cuts chunks of bytes into lines, each at most `max_bytes` long.
#[derive(Debug)]
pub struct Lines {
    max_bytes: usize,
    /// The beginning of a line whose end has not come; empty while skipping.
    tail: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Nothing read yet. A line's end does not count towards `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            tail: Vec::new(),
            skipping: false,
        }
    }

    /// Takes the next chunk and gives the lines that it completes.
    pub fn push(&mut self, chunk: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut rest = chunk;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            lines.extend(self.keep(&rest[..end]));
            rest = &rest[end + 1..];
            if self.skipping {
                self.skipping = false;
            } else {
                lines.push(Line::Whole(std::mem::take(&mut self.tail)));
            }
        }
        lines.extend(self.keep(rest));
        lines
    }

    /// The stream has ended: a last line without its end is a line all the same. Agents do end like this, and what is
    /// lost with it is the end of their turn.
    pub fn finish(&mut self) -> Option<Line> {
        self.skipping = false;
        let tail = std::mem::take(&mut self.tail);
        (!tail.is_empty()).then_some(Line::Whole(tail))
    }

    fn keep(&mut self, piece: &[u8]) -> Option<Line> {
        if self.skipping {
            return None;
        }
        if self.tail.len() + piece.len() <= self.max_bytes {
            self.tail.extend_from_slice(piece);
            return None;
        }
        self.skipping = true;
        let mut head = std::mem::take(&mut self.tail);
        head.extend_from_slice(&piece[..piece.len().min(LINE_HEAD_BYTES)]);
        head.truncate(LINE_HEAD_BYTES);
        head.shrink_to_fit();
        Some(Line::TooLong { head })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Line, Lines};
    use crate::limits::LINE_HEAD_BYTES;

    fn whole(line: &str) -> Line {
        Line::Whole(line.as_bytes().to_vec())
    }

    fn long(head: &str) -> Line {
        Line::TooLong {
            head: head.as_bytes().to_vec(),
        }
    }

    fn lines(max_bytes: usize, chunks: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::new(max_bytes);
        let mut all: Vec<_> = chunks.iter().flat_map(|chunk| lines.push(chunk)).collect();
        all.extend(lines.finish());
        all
    }

    #[track_caller]
    fn check(chunks: &[&str], expected: &[Line]) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        assert_eq!(lines(6, &chunks), expected);
    }

    #[test]
    fn a_line_ends_at_a_newline_and_nowhere_else() {
        check(&["a\nb\n"], &[whole("a"), whole("b")]);
        check(&["a", "b", "\nc", "\n"], &[whole("ab"), whole("c")]);
        check(&["\n\n"], &[whole(""), whole("")]);
        check(&["\u{2028}\r\n"], &[whole("\u{2028}\r")]);
        check(&[""], &[]);
    }

    #[test]
    fn the_last_line_needs_no_newline() {
        check(&["a\nlast"], &[whole("a"), whole("last")]);
    }

    #[test]
    fn a_line_above_the_bound_is_said_once_and_the_next_one_is_read() {
        check(&["123456\n"], &[whole("123456")]);
        check(&["1234567\nb\n"], &[long("1234567"), whole("b")]);
        check(&["1234", "567", "8\nb"], &[long("1234567"), whole("b")]);
        check(&["1234567", "\n", "\n"], &[long("1234567"), whole("")]);
        check(&["1234567", "8"], &[long("1234567")]);
    }

    #[test]
    fn only_the_head_of_a_long_line_is_kept() {
        let found = lines(6, &[&[b'a'; 10_000]]);
        let head = vec![b'a'; LINE_HEAD_BYTES];
        assert_eq!(found, [Line::TooLong { head }]);
    }

    proptest! {
        #[test]
        fn chunks_do_not_change_the_lines(text in "[a\n]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let sizes = |lines: Vec<Line>| -> Vec<Option<Vec<u8>>> {
                // How much of a long line had come when it was reported depends on the chunks.
                lines.into_iter().map(|line| match line {
                    Line::Whole(line) => Some(line),
                    Line::TooLong { .. } => None,
                }).collect()
            };
            prop_assert_eq!(sizes(lines(6, &chunks)), sizes(lines(6, &[bytes])));
        }
    }
}
