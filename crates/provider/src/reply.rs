//! One reply, read from bytes: what was said, whether it is complete, and what went wrong. Pure.

use serde_json::Value;

use crate::dialect::{Broken, Dialect, Next};
use crate::fault::Fault;
use crate::lines::Lines;
use crate::secret::Redactor;
use crate::sse::{Decoder, Frame, Undecodable};
use crate::told::{Events, Told};
use crate::{Error, FinishReason, StreamEvent, limits};

/// How the reply comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the wire streams.
    Stream,
    /// As one JSON document, from a vendor that does not stream.
    Whole,
}

/// How a wire cuts its stream into frames.
#[derive(Debug)]
pub(crate) enum Framing {
    /// Server-sent events.
    Sse(Decoder),
    /// A JSON document in each line.
    Lines(Lines),
}

/// The state of a reply.
///
/// The finish reason is what makes an answer complete. Once it is known, the wire's own end mark, the end of the body
/// and a broken connection are all the end of a complete answer (some vendors leave the mark out, and on a connection
/// without framing an end and a cut look the same); without it, each of them is an error.
#[derive(Debug)]
pub(crate) struct Reply {
    dialect: Dialect,
    model: String,
    redactor: Redactor,
    form: Form,
    framing: Framing,
    /// The whole document, or the first bytes of what has not looked like a stream so far.
    head: Vec<u8>,
    is_stream: bool,
    told: Told,
    is_over: bool,
}

impl Reply {
    pub(crate) fn new(dialect: Dialect, model: &str, form: Form, redactor: Redactor) -> Self {
        Self {
            framing: dialect.framing(),
            dialect,
            model: model.to_owned(),
            redactor,
            form,
            head: Vec::new(),
            is_stream: false,
            told: Told::default(),
            is_over: false,
        }
    }

    /// Whether the last event or the error has been given.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes the next bytes of the body.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Events) {
        if !self.is_over {
            self.take(bytes);
            out.append(&mut self.told.events);
        }
    }

    /// The vendor has ended the body.
    pub(crate) fn end(&mut self, out: &mut Events) {
        self.take_end();
        out.append(&mut self.told.events);
    }

    /// The body cannot be read on, for the reason of `error`.
    pub(crate) fn cut(&mut self, error: Error, out: &mut Events) {
        self.close(error);
        out.append(&mut self.told.events);
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.form == Form::Whole {
            if self.head.len() + bytes.len() > limits::WHOLE_REPLY_BYTES {
                let limit = limits::WHOLE_REPLY_BYTES;
                return self.garbage(&format!("a reply of more than {limit} bytes"));
            }
            return self.head.extend_from_slice(bytes);
        }
        if !self.is_stream {
            let room = limits::SNIPPET_BYTES.saturating_sub(self.head.len());
            self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        }
        let mut frames = Vec::new();
        let fed = match &mut self.framing {
            Framing::Sse(decoder) => decoder.push(bytes, &mut frames),
            Framing::Lines(lines) => lines.push(bytes, &mut frames),
        };
        for frame in &frames {
            self.frame(frame);
        }
        match fed {
            Ok(()) => {}
            Err(Undecodable::TooLong) => {
                self.garbage(&format!(
                    "an event of more than {} bytes",
                    limits::LINE_BYTES
                ));
            }
            Err(Undecodable::NotUtf8) => self.garbage("bytes that are not UTF-8"),
        }
    }

    fn take_end(&mut self) {
        if self.form == Form::Whole {
            return self.whole();
        }
        let last = match &mut self.framing {
            Framing::Sse(decoder) => decoder.finish(),
            Framing::Lines(lines) => lines.finish(),
        };
        if let Some(frame) = last {
            // Half an event is not garbage: the stream was cut inside it.
            let is_half = frame.data.trim() != "[DONE]"
                && serde_json::from_str::<Value>(&frame.data).is_err();
            if !is_half {
                self.frame(&frame);
            }
        }
        if !self.is_stream && !self.head.is_empty() {
            let head = String::from_utf8_lossy(&self.head).into_owned();
            if !self.framing.may_begin(&head) {
                return self.garbage(&format!("not an event stream: {head}"));
            }
        }
        self.close(Error::Disconnected { source: None });
    }

    fn frame(&mut self, frame: &Frame) {
        let data = frame.data.trim();
        if self.is_over || data.is_empty() {
            return;
        }
        self.is_stream = true;
        if data == "[DONE]" {
            return self.close(Error::Disconnected { source: None });
        }
        if frame.event == "error" {
            let fault = match serde_json::from_str(data) {
                Ok(value) => Fault::of_event(&value, &self.redactor),
                Err(_) => Fault::of_text(data, &self.redactor),
            };
            return self.fault(fault);
        }
        self.document(data);
    }

    fn whole(&mut self) {
        let head = std::mem::take(&mut self.head);
        let text = String::from_utf8_lossy(&head);
        match serde_json::from_str::<Value>(&text) {
            Err(error) if error.is_eof() => {}
            Err(error) => return self.garbage(&format!("{error} in {text}")),
            Ok(Value::Array(list)) if list.iter().any(|one| one.get("error").is_some()) => {
                return self.fault(Fault::of_event(&Value::Array(list), &self.redactor));
            }
            // Gemini's stream as it is without server-sent events.
            Ok(Value::Array(list)) => {
                for one in list {
                    self.document(&one.to_string());
                }
            }
            Ok(_) => self.document(&text),
        }
        self.close(Error::Disconnected { source: None });
    }

    /// One JSON document of the wire.
    fn document(&mut self, data: &str) {
        if self.is_over {
            return;
        }
        match self.dialect.take(data, &mut self.told) {
            Ok(Next::More) => {}
            Ok(Next::End) => self.close(Error::Disconnected { source: None }),
            Err(Broken::Unread(error)) => self.garbage(&format!("{error} in {data}")),
            Err(Broken::Garbage(detail)) => self.garbage(&detail),
            Err(Broken::Fault(value)) => self.fault(Fault::of_event(&value, &self.redactor)),
            Err(Broken::GaveUp(words)) => self.fault(Fault::of_text(&words, &self.redactor)),
        }
        if self.told.said_bytes > limits::SAID_BYTES {
            let limit = limits::SAID_BYTES;
            self.garbage(&format!("a reply that says more than {limit} bytes"));
        }
    }

    /// The end, whatever it looks like: of a complete answer if the finish reason has come, else `error`.
    fn close(&mut self, error: Error) {
        if self.told.finish.is_some() {
            self.complete();
        } else {
            self.fail(error);
        }
    }

    fn complete(&mut self) {
        let Some(reason) = self.told.finish.take().filter(|_| !self.is_over) else {
            return;
        };
        if let Err(detail) = self.dialect.finish(&mut self.told) {
            return self.garbage(&detail);
        }
        let finish_reason = match reason {
            FinishReason::Stop if self.told.n_calls > 0 => FinishReason::ToolCalls,
            reason => reason,
        };
        self.is_over = true;
        self.told.tell_usage();
        self.told.push(StreamEvent::Finished { finish_reason });
    }

    fn fault(&mut self, fault: Fault) {
        let error = fault.into_error(&self.model, None);
        self.fail(error);
    }

    fn garbage(&mut self, detail: &str) {
        let detail = self.redactor.clean_and_cut(detail, limits::SNIPPET_BYTES);
        self.fail(Error::Garbage { detail });
    }

    fn fail(&mut self, error: Error) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.told.tell_usage();
            self.told.events.push_back(Err(error));
        }
    }
}

impl Framing {
    /// Whether bytes may be the beginning of a stream, however short they were cut.
    fn may_begin(&self, head: &str) -> bool {
        let head = head.trim_start_matches(['\u{feff}', '\r', '\n']);
        match self {
            Self::Sse(_) => ["data:", "event:", "id:", "retry:", ":"]
                .iter()
                .any(|field| head.starts_with(field) || field.starts_with(head)),
            Self::Lines(_) => head.is_empty() || head.starts_with('{'),
        }
    }
}
