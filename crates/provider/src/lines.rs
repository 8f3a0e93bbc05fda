//! Lines out of bytes, of which each is a JSON document (NDJSON): pure, bounded, and indifferent to where the bytes
//! were cut.

use crate::limits::LINE_BYTES;
use crate::sse::{Frame, Undecodable};

/// The beginning of a line whose end has not come.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Takes the next bytes and puts the lines that they complete into `out`. After an error it is of no more use.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<Frame>,
    ) -> Result<(), Undecodable> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.hold(&bytes[..end])?;
            let line = std::str::from_utf8(&self.0).map_err(|_| Undecodable::NotUtf8)?;
            out.push(Frame {
                event: String::new(),
                data: line.to_owned(),
            });
            self.0.clear();
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes)
    }

    /// The line that the end of the stream left without its newline.
    pub(crate) fn finish(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.0);
        let data = String::from_utf8(line).ok()?;
        (!data.is_empty()).then(|| Frame {
            event: String::new(),
            data,
        })
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Undecodable> {
        if self.0.len() + bytes.len() > LINE_BYTES {
            return Err(Undecodable::TooLong);
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&[u8]], expected: Result<&[&str], Undecodable>) {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        let fed = pieces
            .iter()
            .try_for_each(|piece| lines.push(piece, &mut out));
        out.extend(lines.finish());
        let got: Vec<&str> = out.iter().map(|frame| &*frame.data).collect();
        match expected {
            Ok(expected) => assert_eq!((fed, &*got), (Ok(()), expected)),
            Err(error) => assert_eq!(fed, Err(error)),
        }
    }

    #[test]
    fn lines_come_out_however_they_were_cut() {
        let text = "{\"a\":\"ü🦀\"}\n\n{}\nrest".as_bytes();
        let expected = ["{\"a\":\"ü🦀\"}", "", "{}", "rest"];
        for at in 0..=text.len() {
            let (before, after) = text.split_at(at);
            check(&[before, after], Ok(&expected));
        }
    }

    #[test]
    fn a_line_has_a_bound_and_is_utf_8() {
        let half = vec![b'x'; LINE_BYTES / 2 + 1];
        check(&[&half, &half], Err(Undecodable::TooLong));
        check(&[b"\xff\n"], Err(Undecodable::NotUtf8));
    }
}
