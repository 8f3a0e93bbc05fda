//! The output of a command on its way into the log: as it comes, up to a bound; of what is more, the end. Pure.

use std::collections::VecDeque;

use run::event::OutputStream;

use crate::limits::{OUTPUT_BYTES, OUTPUT_END_BYTES};

/// Counts output and keeps its end.
#[derive(Debug, Default)]
pub(crate) struct Output {
    n_bytes: usize,
    end: VecDeque<(OutputStream, String)>,
    n_end_bytes: usize,
    n_left_out: usize,
}

/// What is to be done with a piece.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Say it now.
    Say(String),
    /// Say this much of it, and that the rest comes later, if it is the end.
    SayAndCut(String),
    /// It was kept.
    Kept,
}

/// The end of a long output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Bytes between the beginning and this end that are in neither.
    pub(crate) n_left_out: usize,
    /// The end, in its order.
    pub(crate) pieces: Vec<(OutputStream, String)>,
}

impl Output {
    /// Takes the next piece.
    pub(crate) fn take(&mut self, stream: OutputStream, mut text: String) -> Piece {
        if self.n_bytes >= OUTPUT_BYTES {
            self.keep(stream, text);
            return Piece::Kept;
        }
        let room = OUTPUT_BYTES - self.n_bytes;
        self.n_bytes += text.len();
        if text.len() < room {
            return Piece::Say(text);
        }
        let rest = text.split_off(text.floor_char_boundary(room));
        // Also when not a character of this piece fits any more: from here on output is kept.
        self.n_bytes = OUTPUT_BYTES;
        self.keep(stream, rest);
        Piece::SayAndCut(text)
    }

    fn keep(&mut self, stream: OutputStream, text: String) {
        if text.is_empty() {
            return;
        }
        self.n_end_bytes += text.len();
        match self.end.back_mut() {
            Some((last, so_far)) if *last == stream && so_far.len() < OUTPUT_END_BYTES => {
                so_far.push_str(&text);
            }
            _ => self.end.push_back((stream, text)),
        }
        // Whole pieces go, so that the cost is that of what came.
        while let Some((_, oldest)) = self.end.front()
            && self.n_end_bytes - oldest.len() >= OUTPUT_END_BYTES
        {
            self.n_end_bytes -= oldest.len();
            self.n_left_out += oldest.len();
            self.end.pop_front();
        }
    }

    /// The end of an output that was longer than its bound.
    pub(crate) fn end(mut self) -> Option<End> {
        if self.end.is_empty() {
            return None;
        }
        let excess = self.n_end_bytes.saturating_sub(OUTPUT_END_BYTES);
        if let Some((_, oldest)) = self.end.front_mut() {
            let cut = oldest.ceil_char_boundary(excess);
            oldest.drain(..cut);
            self.n_left_out += cut;
        }
        Some(End {
            n_left_out: self.n_left_out,
            pieces: self.end.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUT: OutputStream = OutputStream::Stdout;
    const ERR: OutputStream = OutputStream::Stderr;

    #[test]
    fn short_output_is_said_as_it_comes() {
        let mut output = Output::default();
        assert_eq!(output.take(OUT, "a".into()), Piece::Say("a".into()));
        assert_eq!(output.take(ERR, "b".into()), Piece::Say("b".into()));
        assert_eq!(output.end(), None);
    }

    #[test]
    fn long_output_keeps_its_beginning_and_its_end() {
        let mut output = Output::default();
        let mut said = 0;
        let mut n_cuts = 0;
        let line = "0123456789abcdeä".repeat(64);
        let mut n_all = 0;
        for n in 0..10_000 {
            let stream = if n % 10 == 0 { ERR } else { OUT };
            n_all += line.len();
            match output.take(stream, line.clone()) {
                Piece::Say(text) => said += text.len(),
                Piece::SayAndCut(text) => {
                    said += text.len();
                    n_cuts += 1;
                }
                Piece::Kept => {}
            }
        }
        let end = output.end().unwrap();
        let kept: usize = end.pieces.iter().map(|(_, text)| text.len()).sum();
        assert_eq!(n_cuts, 1);
        assert!(said <= OUTPUT_BYTES && said > OUTPUT_BYTES - 4);
        assert!(
            kept <= OUTPUT_END_BYTES && kept > OUTPUT_END_BYTES - 4,
            "{kept}"
        );
        assert_eq!(said + kept + end.n_left_out, n_all);
        assert!(end.pieces.iter().any(|(stream, _)| *stream == ERR));
    }
}
