//! One reply, read from bytes: what was said, whether it is complete, and what went wrong. Pure.

use std::collections::VecDeque;

use serde_json::Value;

use super::calls::Calls;
use super::chunk::{Choice, Chunk, Delta};
use super::details::Details;
use super::{Fault, usage};
use crate::secret::Redactor;
use crate::sse::{Decoder, Frame, Undecodable};
use crate::{Error, FinishReason, StreamEvent, Usage, VendorPart, limits};

/// What a reader has not been given yet.
pub(crate) type Events = VecDeque<Result<StreamEvent, Error>>;

/// How the reply comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As server-sent events.
    Stream,
    /// As one JSON document, from a vendor that does not stream.
    Whole,
}

/// The state of a reply.
///
/// The finish reason is what makes an answer complete. Once it is known, `[DONE]`, the end of the body and a broken
/// connection are all the end of a complete answer (some vendors leave `[DONE]` out, and on a connection without
/// framing an end and a cut look the same); without it, each of them is an error.
#[derive(Debug)]
pub(crate) struct Reply {
    model: String,
    redactor: Redactor,
    form: Form,
    decoder: Decoder,
    /// The whole document, or the first bytes of what has not looked like a stream so far.
    head: Vec<u8>,
    is_stream: bool,
    id: String,
    calls: Calls,
    details: Details,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    is_over: bool,
}

impl Reply {
    pub(crate) fn new(model: &str, form: Form, redactor: Redactor) -> Self {
        Self {
            model: model.to_owned(),
            redactor,
            form,
            decoder: Decoder::default(),
            head: Vec::new(),
            is_stream: false,
            id: String::new(),
            calls: Calls::default(),
            details: Details::default(),
            usage: None,
            finish: None,
            is_over: false,
        }
    }

    /// Whether the last event or the error has been given.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes the next bytes of the body.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Events) {
        if self.is_over {
            return;
        }
        if self.form == Form::Whole {
            if self.head.len() + bytes.len() > limits::WHOLE_REPLY_BYTES {
                let limit = limits::WHOLE_REPLY_BYTES;
                return self.garbage(&format!("a reply of more than {limit} bytes"), out);
            }
            return self.head.extend_from_slice(bytes);
        }
        if !self.is_stream {
            let room = limits::SNIPPET_BYTES.saturating_sub(self.head.len());
            self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        }
        let mut frames = Vec::new();
        let fed = self.decoder.push(bytes, &mut frames);
        for frame in &frames {
            self.frame(frame, out);
        }
        match fed {
            Ok(()) => {}
            Err(Undecodable::TooLong) => {
                self.garbage(
                    &format!("an event of more than {} bytes", limits::LINE_BYTES),
                    out,
                );
            }
            Err(Undecodable::NotUtf8) => self.garbage("bytes that are not UTF-8", out),
        }
    }

    /// The vendor has ended the body.
    pub(crate) fn end(&mut self, out: &mut Events) {
        if self.form == Form::Whole {
            return self.whole(out);
        }
        if let Some(frame) = self.decoder.finish() {
            // Half an event is not garbage: the stream was cut inside it.
            let is_half = frame.data.trim() != "[DONE]"
                && serde_json::from_str::<Value>(&frame.data).is_err();
            if !is_half {
                self.frame(&frame, out);
            }
        }
        if !self.is_stream && !self.head.is_empty() {
            let head = String::from_utf8_lossy(&self.head).into_owned();
            if !begins_a_stream(&head) {
                return self.garbage(&format!("not an event stream: {head}"), out);
            }
        }
        self.cut(Error::Disconnected { source: None }, out);
    }

    /// The body cannot be read on, for the reason of `error`.
    pub(crate) fn cut(&mut self, error: Error, out: &mut Events) {
        if self.finish.is_some() {
            self.complete(out);
        } else {
            self.fail(error, out);
        }
    }

    fn frame(&mut self, frame: &Frame, out: &mut Events) {
        let data = frame.data.trim();
        if self.is_over || data.is_empty() {
            return;
        }
        self.is_stream = true;
        if data == "[DONE]" {
            return self.cut(Error::Disconnected { source: None }, out);
        }
        if frame.event == "error" {
            let fault = match serde_json::from_str(data) {
                Ok(value) => Fault::of_event(&value, &self.redactor),
                Err(_) => Fault::of_text(data, &self.redactor),
            };
            return self.fault(fault, out);
        }
        match serde_json::from_str::<Chunk>(data) {
            Ok(chunk) => self.chunk(chunk, data, out),
            Err(error) => self.garbage(&format!("{error} in {data}"), out),
        }
    }

    fn whole(&mut self, out: &mut Events) {
        let head = std::mem::take(&mut self.head);
        let text = String::from_utf8_lossy(&head);
        match serde_json::from_str::<Value>(&text) {
            Err(error) if error.is_eof() => {}
            Err(error) => return self.garbage(&format!("{error} in {text}"), out),
            Ok(Value::Array(list)) if list.iter().any(|one| one.get("error").is_some()) => {
                return self.fault(Fault::of_event(&Value::Array(list), &self.redactor), out);
            }
            Ok(_) => match serde_json::from_str::<Chunk>(&text) {
                Ok(chunk) => self.chunk(chunk, &text, out),
                Err(error) => return self.garbage(&format!("{error} in {text}"), out),
            },
        }
        self.cut(Error::Disconnected { source: None }, out);
    }

    fn chunk(&mut self, chunk: Chunk, data: &str, out: &mut Events) {
        for report in [
            &chunk.usage,
            &chunk
                .x_groq
                .and_then(|mut groq| Some(groq.get_mut("usage")?.take())),
        ]
        .into_iter()
        .flatten()
        {
            usage::merge(&mut self.usage, report);
        }
        if self.id.is_empty()
            && let Some(Value::String(id)) = chunk.id
        {
            self.id = id;
        }
        let is_error = chunk
            .object
            .as_ref()
            .is_some_and(|object| object == "error");
        if is_error || chunk.error.as_ref().is_some_and(is_fault) {
            // Read again as a whole: a fault may lie beside the members that a chunk has.
            let value = serde_json::from_str(data).unwrap_or(Value::Null);
            return self.fault(Fault::of_event(&value, &self.redactor), out);
        }
        let first = |choice: &Choice| choice.index.unwrap_or(0) == 0;
        if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().find(first) {
            self.choice(choice, out);
        }
    }

    fn choice(&mut self, choice: Choice, out: &mut Events) {
        if let Some(report) = &choice.usage {
            usage::merge(&mut self.usage, report);
        }
        if let Some(delta) = choice.delta.or(choice.message)
            && let Err(detail) = self.delta(delta, out)
        {
            return self.garbage(&detail, out);
        }
        if let Some(error) = choice.error.filter(is_fault) {
            return self.fault(Fault::of_event(&error, &self.redactor), out);
        }
        match choice.finish_reason.as_deref() {
            // Some vendors have an empty reason until there is one.
            None | Some("") => {}
            // OpenRouter's word for a failure, vLLM's for an abort, DeepSeek's for a lack of machines.
            Some(word @ ("error" | "abort" | "insufficient_system_resource")) => {
                let words = format!("the vendor gave up the answer: {word}");
                self.fault(Fault::of_text(&words, &self.redactor), out);
            }
            Some(word) => self.finish = Some(finish_reason(word)),
        }
    }

    fn delta(&mut self, mut delta: Delta, out: &mut Events) -> Result<(), String> {
        let (text, mut reasoning) = delta.take_content();
        let fields = [
            ("reasoning_content", delta.reasoning_content),
            ("reasoning", delta.reasoning),
        ];
        for (field, said) in fields {
            if let Some(said) = said.filter(|said| !said.is_empty())
                && reasoning.is_empty()
            {
                self.details.came_in(field);
                reasoning = said;
            }
        }
        self.details
            .add(delta.reasoning_details.unwrap_or_default())?;
        let refusal = delta.refusal.unwrap_or_default();
        out.extend(
            [
                (
                    StreamEvent::ReasoningDelta as fn(String) -> StreamEvent,
                    reasoning,
                ),
                (StreamEvent::TextDelta, text),
                (StreamEvent::RefusalDelta, refusal),
            ]
            .into_iter()
            .filter(|(_, said)| !said.is_empty())
            .map(|(event, said)| Ok(event(said))),
        );
        for call in delta.tool_calls.unwrap_or_default() {
            self.calls.delta(call, &self.id, out)?;
        }
        Ok(())
    }

    fn complete(&mut self, out: &mut Events) {
        let Some(reason) = self.finish.take().filter(|_| !self.is_over) else {
            return;
        };
        let mut events = Events::new();
        if let Err(detail) = self.calls.finish(&mut events) {
            return self.garbage(&detail, out);
        }
        if let Some(data) = self.details.take(!self.calls.is_empty()) {
            let part = VendorPart::Reasoning;
            out.push_back(Ok(StreamEvent::VendorData { part, data }));
        }
        out.append(&mut events);
        let finish_reason = match reason {
            FinishReason::Stop if !self.calls.is_empty() => FinishReason::ToolCalls,
            reason => reason,
        };
        self.is_over = true;
        out.extend(self.usage.take().map(|usage| Ok(StreamEvent::Usage(usage))));
        out.push_back(Ok(StreamEvent::Finished { finish_reason }));
    }

    fn fault(&mut self, fault: Fault, out: &mut Events) {
        let error = fault.into_error(&self.model, None);
        self.fail(error, out);
    }

    fn garbage(&mut self, detail: &str, out: &mut Events) {
        let detail = self.redactor.clean_and_cut(detail, limits::SNIPPET_BYTES);
        self.fail(Error::Garbage { detail }, out);
    }

    fn fail(&mut self, error: Error, out: &mut Events) {
        if !std::mem::replace(&mut self.is_over, true) {
            out.extend(self.usage.take().map(|usage| Ok(StreamEvent::Usage(usage))));
            out.push_back(Err(error));
        }
    }
}

/// Whether bytes may be the beginning of an event stream, however short they were cut.
fn begins_a_stream(head: &str) -> bool {
    let head = head.trim_start_matches(['\u{feff}', '\r', '\n']);
    ["data:", "event:", "id:", "retry:", ":"]
        .iter()
        .any(|field| head.starts_with(field) || field.starts_with(head))
}

/// Whether an `error` member tells of an error: some vendors always have one.
fn is_fault(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

fn finish_reason(word: &str) -> FinishReason {
    match word {
        "stop" => FinishReason::Stop,
        "length" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
