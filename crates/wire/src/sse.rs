//! Reading server-sent events (HTML standard, "Server-sent events"), for clients of ours.

use crate::SSE_EVENT_BYTES;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    /// The last id that the stream gave, this event's own or an earlier one's: what `Last-Event-ID` is to be.
    pub last_id: String,
    /// The id, if this event has one itself. The server's own notices have none.
    pub id: Option<String>,
    /// The type; `message` if it has none.
    pub event: String,
    /// The data, lines joined by a line feed.
    pub data: String,
}

/// A stream whose event is longer than the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {SSE_EVENT_BYTES} bytes")]
pub struct TooLong;

/// Takes bytes as they come and gives events as they are complete.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    /// The last byte was a carriage return, so a line feed belongs to it.
    after_cr: bool,
    any_line: bool,
    last_id: String,
    retry_ms: Option<u64>,
    id: Option<String>,
    event: String,
    data: String,
    has_data: bool,
}

impl Decoder {
    /// A decoder at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives the events that are complete with them. An event that a closed connection cuts is
    /// never given.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
            self.take(&bytes[..end])?;
            let line = std::mem::take(&mut self.line);
            self.read(&line, &mut events)?;
            self.line = line;
            self.line.clear();
            let is_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if is_cr {
                self.after_cr = bytes.is_empty();
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.take(bytes)?;
        Ok(events)
    }

    /// The last id that the stream gave.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// How long the server wants a client to wait before it comes back.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() + bytes.len() > SSE_EVENT_BYTES {
            return Err(TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&mut self, line: &[u8], events: &mut Vec<Event>) -> Result<(), TooLong> {
        let line = if self.any_line {
            line
        } else {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
        };
        self.any_line = true;
        if line.is_empty() {
            self.dispatch(events);
            return Ok(());
        }
        let (field, value) = match memchr::memchr(b':', line) {
            // A comment.
            Some(0) => return Ok(()),
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let value = String::from_utf8_lossy(value);
        match field {
            b"data" => {
                if self.data.len() + value.len() > SSE_EVENT_BYTES {
                    return Err(TooLong);
                }
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(&value);
            }
            b"event" => self.event = value.into_owned(),
            b"id" if !value.contains('\0') => self.id = Some(value.into_owned()),
            b"retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok().or(self.retry_ms);
            }
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let id = self.id.take();
        if let Some(id) = &id {
            self.last_id.clone_from(id);
        }
        let mut event = std::mem::take(&mut self.event);
        let data = std::mem::take(&mut self.data);
        if !std::mem::take(&mut self.has_data) {
            return;
        }
        if event.is_empty() {
            "message".clone_into(&mut event);
        }
        events.push(Event {
            last_id: self.last_id.clone(),
            id,
            event,
            data,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(last_id: &str, id: Option<&str>, event: &str, data: &str) -> Event {
        Event {
            last_id: last_id.to_owned(),
            id: id.map(str::to_owned),
            event: event.to_owned(),
            data: data.to_owned(),
        }
    }

    /// The same events, whole, byte by byte, and cut in two at every place.
    #[track_caller]
    fn check(stream: &str, expected: &[Event]) {
        let bytes = stream.as_bytes();
        assert_eq!(Decoder::new().push(bytes).unwrap(), expected);
        for cut in 0..=bytes.len() {
            let mut decoder = Decoder::new();
            let mut found = decoder.push(&bytes[..cut]).unwrap();
            found.extend(decoder.push(&bytes[cut..]).unwrap());
            assert_eq!(found, expected, "cut at {cut}");
        }
        let mut decoder = Decoder::new();
        let single: Vec<Event> = bytes
            .chunks(1)
            .flat_map(|byte| decoder.push(byte).unwrap())
            .collect();
        assert_eq!(single, expected);
    }

    #[test]
    fn every_line_end_and_cut_gives_the_same_events() {
        let expected = [
            event("7", Some("7"), "text.delta", "{\"ä\":1}"),
            event("7", None, "heartbeat", "{}"),
            event("7", None, "message", "a\n\nb"),
        ];
        let lines = "\u{feff}: hb\nretry: 500\nid: 7\nevent: text.delta\ndata: {\"ä\":1}\n\nevent: heartbeat\ndata: {}\n\n\n\
                     data: a\ndata\ndata:b\n\nevent: nothing\n\nid: 8\ndata: cut";
        check(lines, &expected);
        check(&lines.replace('\n', "\r\n"), &expected);
        check(&lines.replace('\n', "\r"), &expected);
    }

    #[test]
    fn an_id_counts_once_its_event_is_complete() {
        let mut decoder = Decoder::new();
        decoder.push(b"id: 3\ndata: x\n").unwrap();
        assert_eq!(decoder.last_id(), "");
        decoder.push(b"\nretry: 20\n").unwrap();
        assert_eq!((decoder.last_id(), decoder.retry_ms()), ("3", Some(20)));
    }

    #[test]
    fn an_endless_event_is_an_error() {
        let mut decoder = Decoder::new();
        let chunk = vec![b'x'; SSE_EVENT_BYTES];
        assert_eq!(decoder.push(&chunk), Ok(Vec::new()));
        assert_eq!(decoder.push(b"x"), Err(TooLong));
    }
}
