//! Frames: an event as the bytes of the stream. They are printed once, inside the commit, stored as they are, and
//! copied to every reader.
//!
//! A frame is a server-sent event (HTML standard, "Server-sent events"): `id`, `event` and one `data` line with the
//! whole envelope. JSON without line breaks needs no escaping there.

use std::io::Write;

use crate::{Envelope, Event, Seq, Timestamp};

/// What ends a frame.
const END: &[u8] = b"\n\n";
/// What stands before the envelope.
const DATA: &[u8] = b"\ndata: ";

/// Prints one event. `at` is the printed time, which all events of a commit share.
pub fn print(out: &mut Vec<u8>, seq: Seq, at: &str, attempt: u32, event: &Event) {
    let kind = event.kind();
    write!(
        out,
        "id: {seq}\nevent: {kind}\ndata: {{\"seq\":{seq},\"at\":\"{at}\",\"attempt\":{attempt},\"type\":"
    )
    .expect("a Vec takes all bytes");
    // A type of a later version or of a faulty writer may hold anything, so it is escaped like any string.
    serde_json::to_writer(&mut *out, kind).expect("a string can be printed");
    out.extend_from_slice(b",\"data\":");
    event.write_data(out);
    out.extend_from_slice(b"}\n\n");
}

/// The frames in `bytes`, one by one, each with its end.
pub fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let end = find(rest, END)? + END.len();
        let (frame, behind) = rest.split_at(end);
        rest = behind;
        Some(frame)
    })
}

/// The JSON envelope inside a frame.
pub fn envelope(frame: &[u8]) -> Option<&[u8]> {
    let start = find(frame, DATA)? + DATA.len();
    Some(frame[start..].strip_suffix(END).unwrap_or(&frame[start..]))
}

/// The number of a frame.
pub fn seq(frame: &[u8]) -> Option<Seq> {
    let digits = frame.strip_prefix(b"id: ")?;
    let end = digits.iter().position(|byte| *byte == b'\n')?;
    std::str::from_utf8(&digits[..end])
        .ok()?
        .parse()
        .ok()
        .map(Seq)
}

/// The type of the event in a frame, as its `event` line has it.
pub fn kind(frame: &[u8]) -> Option<&[u8]> {
    let line = memchr::memchr(b'\n', frame)? + 1;
    let kind = frame[line..].strip_prefix(b"event: ")?;
    Some(&kind[..memchr::memchr(b'\n', kind)?])
}

/// More of a text or a thought, as it stands in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextFrame<'f> {
    /// The message.
    pub message: &'f str,
    /// Which part of it.
    pub part: u32,
    /// The text as JSON escapes it, without the quotes.
    pub escaped: &'f str,
}

/// What a `text.delta` says, without reading its JSON: most frames of a log are of this type. `None` for any other frame,
/// and for one that needs reading.
pub fn text_delta(frame: &[u8]) -> Option<TextFrame<'_>> {
    said(frame, b"text.delta")
}

/// The same of a `reasoning.delta`.
pub fn reasoning_delta(frame: &[u8]) -> Option<TextFrame<'_>> {
    said(frame, b"reasoning.delta")
}

fn said<'f>(frame: &'f [u8], wanted: &[u8]) -> Option<TextFrame<'f>> {
    const BEGIN: &[u8] = b",\"data\":{\"message\":\"";
    const PART: &[u8] = b"\",\"part\":";
    const TEXT: &[u8] = b",\"text\":\"";
    const LAST: &[u8] = b"\"}}\n\n";
    if kind(frame)? != wanted {
        return None;
    }
    let data = frame.get(find(frame, BEGIN)? + BEGIN.len()..)?;
    let message = &data[..memchr::memchr2(b'"', b'\\', data)?];
    let part = data[message.len()..].strip_prefix(PART)?;
    let n_digits = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let escaped = part[n_digits..].strip_prefix(TEXT)?.strip_suffix(LAST)?;
    Some(TextFrame {
        message: std::str::from_utf8(message).ok()?,
        part: std::str::from_utf8(&part[..n_digits]).ok()?.parse().ok()?,
        escaped: std::str::from_utf8(escaped).ok()?,
    })
}

/// Reads a frame back. `None` only when the bytes are no frame at all.
pub fn parse(frame: &[u8]) -> Option<Envelope> {
    let envelope = envelope(frame)?;
    printed(envelope).or_else(|| serde_json::from_slice(envelope).ok())
}

/// Reads an envelope of a known type as [`print()`] writes it: the data is read once and the rest compared. Faces do this
/// with every event of a replay.
fn printed(envelope: &[u8]) -> Option<Envelope> {
    let members = members(envelope)?;
    Some(Envelope {
        seq: Seq(members.seq.parse().ok()?),
        at: Timestamp::parse(members.at)?,
        attempt: members.attempt.parse().ok()?,
        event: Event::read_known(members.kind, members.data)?,
    })
}

/// The members of an envelope as they are printed.
struct Members<'e> {
    seq: &'e str,
    at: &'e str,
    attempt: &'e str,
    kind: &'e str,
    data: &'e str,
}

/// Takes an envelope apart that has its members in the order of [`print()`] and nothing else.
fn members(envelope: &[u8]) -> Option<Members<'_>> {
    let text = std::str::from_utf8(envelope).ok()?;
    let (seq, rest) = text.strip_prefix("{\"seq\":")?.split_once(',')?;
    let (at, rest) = rest.strip_prefix("\"at\":\"")?.split_once('"')?;
    let (attempt, rest) = rest.strip_prefix(",\"attempt\":")?.split_once(',')?;
    let (kind, rest) = rest.strip_prefix("\"type\":\"")?.split_once('"')?;
    let data = rest.strip_prefix(",\"data\":")?.strip_suffix('}')?;
    Some(Members {
        seq,
        at,
        attempt,
        kind,
        data,
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(needle[0], &haystack[from..])?;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{ReasoningDelta, TextDelta, Unknown};

    #[track_caller]
    fn check(event: Event) {
        let envelope = Envelope {
            seq: Seq(7),
            at: Timestamp::from_ms(1_795_168_800_000),
            attempt: 1,
            event,
        };
        let mut bytes = Vec::new();
        print(
            &mut bytes,
            envelope.seq,
            &envelope.at.to_string(),
            1,
            &envelope.event,
        );
        assert_eq!(parse(&bytes), Some(envelope.clone()));
        assert_eq!(seq(&bytes), Some(Seq(7)));
        assert_eq!(kind(&bytes), Some(envelope.event.kind().as_bytes()));
        assert_eq!(
            self::envelope(&bytes).unwrap(),
            serde_json::to_vec(&envelope).unwrap()
        );
        let twice = [bytes.clone(), bytes.clone()].concat();
        assert_eq!(split(&twice).collect::<Vec<_>>(), [&bytes[..], &bytes[..]]);
        let (text, thought) = (text_delta(&bytes), reasoning_delta(&bytes));
        let (message, part, said, found) = match &envelope.event {
            Event::TextDelta(it) => {
                assert_eq!(thought, None);
                (&it.message, it.part, &it.text, text.unwrap())
            }
            Event::ReasoningDelta(it) => {
                assert_eq!(text, None);
                (&it.message, it.part, &it.text, thought.unwrap())
            }
            _ => {
                assert_eq!((text, thought), (None, None));
                return;
            }
        };
        assert_eq!((found.message, found.part), (message.as_str(), part));
        let quoted = format!("\"{}\"", found.escaped);
        assert_eq!(&serde_json::from_str::<String>(&quoted).unwrap(), said);
    }

    #[test]
    fn an_envelope_that_was_printed_otherwise_reads_the_same() {
        let delta = r#"{"message":"m1","part":0,"text":"a\",\"data\":{}"}"#;
        let at = "2026-11-20T10:00:00.000Z";
        let same = [
            format!(r#"{{"seq":7,"at":"{at}","attempt":1,"type":"text.delta","data":{delta}}}"#),
            format!(r#"{{"at":"{at}","seq":7,"attempt":1,"type":"text.delta","data":{delta}}}"#),
            format!(
                r#"{{"seq": 7,"at":"{at}","attempt":1,"type":"text.\u0064elta","data": {delta} }}"#
            ),
            format!(
                r#"{{"seq":7,"at":"{at}","attempt":1,"type":"text.delta","data":{delta},"more":{{}}}}"#
            ),
        ];
        let read = |json: &str| parse(format!("id: 7\nevent: x\ndata: {json}\n\n").as_bytes());
        let expected = read(&same[0]).unwrap();
        let Event::TextDelta(found) = &expected.event else {
            panic!("{expected:?}")
        };
        assert_eq!(found.text, "a\",\"data\":{}");
        for json in &same {
            assert_eq!(read(json), Some(expected.clone()), "{json}");
        }
        // No frame at all.
        assert_eq!(read(&same[0][..90]), None);
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn a_frame_reads_back_as_it_was() {
        check(
            TextDelta {
                message: crate::MessageId::nth(1),
                part: 0,
                text: "a\n\nb\u{2028}\r\"".into(),
            }
            .into(),
        );
        check(
            ReasoningDelta {
                message: crate::MessageId::nth(12),
                part: 3,
                text: "\",\"data\":{\"message\":\"m9".into(),
            }
            .into(),
        );
        check(Event::Unknown(Unknown {
            kind: "later.type".into(),
            data: serde_json::json!({"x": [1, "\n\n"]}),
        }));
    }
}
