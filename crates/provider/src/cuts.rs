//! For tests: reads a reply whole, byte by byte and cut at every byte.

use crate::dialect::Dialect;
use crate::reply::{Form, Reply};
use crate::secret::Redactor;
use crate::told::Events;
use crate::{Error, StreamEvent, Usage};

pub(crate) const KEY: &str = "sk-secret-0123456789";

pub(crate) const CUT: &str = "error the vendor's stream ended before the answer was complete";

/// One event as a line: the whole of what a reader is given.
fn line(event: &Result<StreamEvent, Error>) -> String {
    match event {
        Ok(StreamEvent::TextDelta(text)) => format!("text {text}"),
        Ok(StreamEvent::ReasoningDelta(text)) => format!("reasoning {text}"),
        Ok(StreamEvent::RefusalDelta(text)) => format!("refusal {text}"),
        Ok(StreamEvent::ToolCallStarted { index, id, name }) => format!("call {index} {id} {name}"),
        Ok(StreamEvent::ToolCallDelta { index, args }) => format!("args {index} {args}"),
        Ok(StreamEvent::VendorData { part, data }) => format!("data {part:?} {data}"),
        Ok(StreamEvent::Usage(usage)) => {
            let Usage {
                input,
                output,
                reasoning,
                cached,
            } = usage;
            format!("usage {input} {output} {reasoning} {cached}")
        }
        Ok(StreamEvent::Finished { finish_reason }) => {
            format!("finished {}", finish_reason.as_str())
        }
        Err(error) => format!("error {error}"),
    }
}

/// Reads these pieces to the end of the body.
pub(crate) fn read(dialect: fn() -> Dialect, form: Form, pieces: &[&[u8]]) -> Vec<String> {
    let redactor = Redactor::new([KEY.into()].iter());
    let mut reply = Reply::new(dialect(), "m", form, redactor);
    let mut out = Events::new();
    for piece in pieces {
        reply.push(piece, &mut out);
    }
    if !reply.is_over() {
        reply.end(&mut out);
    }
    assert!(reply.is_over());
    let ends = |event: &Result<_, _>| matches!(event, Err(_) | Ok(StreamEvent::Finished { .. }));
    assert_eq!(out.iter().filter(|event| ends(event)).count(), 1, "one end");
    assert!(out.back().is_some_and(ends), "the end is the last");
    out.iter().map(line).collect()
}

/// Reads a stream whole, byte by byte and cut in two at every byte: always the same. Then ends it early at every byte:
/// until the wire's `mark` of a complete answer has come, that is a prefix of the same events and the error; from there
/// on, a complete answer.
#[track_caller]
pub(crate) fn check(dialect: fn() -> Dialect, mark: &str, stream: &str, expected: &[&str]) {
    let bytes = stream.as_bytes();
    let read = |pieces: &[&[u8]]| read(dialect, Form::Stream, pieces);
    assert_eq!(read(&[bytes]), expected, "whole");
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(&single), expected, "byte by byte");
    // Usage and data of the vendor may come with the end, as far as they are known by then.
    let is_said = |event: &&str| !event.starts_with("usage") && !event.starts_with("data");
    let said: Vec<&str> = expected.iter().copied().filter(is_said).collect();
    let mut complete_from = None;
    for at in 0..bytes.len() {
        let (before, after) = bytes.split_at(at);
        assert_eq!(read(&[before, after]), expected, "cut at {at}");
        let mut ended = read(&[before]);
        let end = ended.pop().unwrap();
        if end.starts_with("finished") {
            complete_from.get_or_insert(at);
        } else {
            assert_eq!(complete_from, None, "ended at {at}, complete before");
            if ended.len() + 1 < expected.len() || end != *expected.last().unwrap() {
                assert_eq!(end, CUT, "ended at {at}");
            }
        }
        let ended: Vec<&str> = ended.iter().map(String::as_str).filter(is_said).collect();
        assert!(said.len() >= ended.len());
        assert_eq!(ended, said[..ended.len()], "ended at {at}");
    }
    if let Some(at) = complete_from {
        assert!(stream[..at].contains(mark), "complete at {at}");
    }
}
