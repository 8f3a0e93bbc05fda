//! Server-sent events out of bytes: pure, bounded, and indifferent to where the bytes were cut.
//!
//! Follows the WHATWG algorithm (lines end with CR, LF or CRLF; a comment begins with a colon; a blank line ends an
//! event) but for two points that a client of models wants otherwise: bytes that are not UTF-8 are an error instead of
//! replacement characters, and [`Decoder::finish`] gives the event that the end of the stream cut off, because some
//! vendors leave out the last blank line.

use crate::limits::LINE_BYTES;

/// One event: its type (empty for the default one) and its data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Frame {
    pub(crate) event: String,
    pub(crate) data: String,
}

/// Why bytes cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecodable {
    TooLong,
    NotUtf8,
}

#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// The event that is being gathered, and whether it has data: `data:` with nothing behind it counts.
    frame: Frame,
    has_data: bool,
    /// The last byte was a CR that has ended its line: an LF right behind it belongs to it.
    after_cr: bool,
    past_first_line: bool,
}

impl Decoder {
    /// Takes the next bytes and puts the events that they complete into `out`. After an error the decoder is of no
    /// more use; the events before it are in `out`.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<Frame>,
    ) -> Result<(), Undecodable> {
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.hold(bytes);
            };
            self.after_cr = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.line(&bytes[..end], out)?;
            } else {
                self.hold(&bytes[..end])?;
                let line = std::mem::take(&mut self.line);
                self.line(&line, out)?;
                // The buffer is kept: the next cut line needs it again.
                self.line = line;
                self.line.clear();
            }
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    /// The event that the end of the stream left without its blank line, if it has data.
    pub(crate) fn finish(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.line);
        let mut out = Vec::new();
        if !line.is_empty() {
            self.line(&line, &mut out).ok()?;
        }
        self.line(b"", &mut out).ok()?;
        out.pop()
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), Undecodable> {
        if self.line.len() + bytes.len() > LINE_BYTES {
            return Err(Undecodable::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<Frame>) -> Result<(), Undecodable> {
        if line.len() > LINE_BYTES {
            return Err(Undecodable::TooLong);
        }
        let mut line = std::str::from_utf8(line).map_err(|_| Undecodable::NotUtf8)?;
        if !std::mem::replace(&mut self.past_first_line, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            if std::mem::take(&mut self.has_data) {
                out.push(frame);
            }
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.frame.data.len() + value.len() >= LINE_BYTES {
                    return Err(Undecodable::TooLong);
                }
                if self.has_data {
                    self.frame.data.push('\n');
                }
                self.has_data = true;
                self.frame.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.frame.event),
            // Comments have an empty field name; ids and retry times mean nothing to a client that does not reconnect.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
