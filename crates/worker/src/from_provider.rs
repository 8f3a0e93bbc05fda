//! A vendor's answer as events of a run. Pure.

use provider::{FinishReason, StreamEvent, VendorPart};
use run::event::{MessageCompleted, MessageStarted, Notice, NoticeLevel};
use run::{
    ErrorInfo, Event, MAX_NAME_BYTES, MessageId, Outcome, Part, Reason, Role, Usage, bounded_text,
};

use crate::limits::COMPLETED_BYTES;
use crate::voice::Voice;

/// One answer while it comes.
#[derive(Debug)]
pub(crate) struct Answer {
    message: MessageId,
    has_begun: bool,
    parts: Vec<Part>,
    refusal: String,
    n_calls: usize,
    usage: Usage,
    finish_reason: Option<FinishReason>,
}

/// What a whole answer comes to.
#[derive(Debug, PartialEq)]
pub(crate) struct Ended {
    /// The last events of its message.
    pub(crate) events: Vec<Event>,
    /// The vendor's word for its end.
    pub(crate) finish_reason: String,
    /// What becomes of the run.
    pub(crate) outcome: Outcome,
}

impl Answer {
    pub(crate) fn new(message: MessageId) -> Self {
        Self {
            message,
            has_begun: false,
            parts: Vec::new(),
            refusal: String::new(),
            n_calls: 0,
            usage: Usage::default(),
            finish_reason: None,
        }
    }

    /// The message that the log has begun and that is not complete.
    pub(crate) fn begun(&self) -> Option<&MessageId> {
        self.has_begun.then_some(&self.message)
    }

    /// What it cost, as far as is known.
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }

    /// The text that it said so far.
    pub(crate) fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text { text, .. } => Some(text.as_str()),
            Part::Reasoning { .. }
            | Part::Refusal { .. }
            | Part::Source { .. }
            | Part::File { .. } => None,
        });
        texts.collect()
    }

    /// Takes the next event of the vendor; gives what is to be written.
    pub(crate) fn take(&mut self, event: StreamEvent) -> Vec<Event> {
        match event {
            StreamEvent::TextDelta(text) => self.add(text, Voice::Text),
            StreamEvent::ReasoningDelta(text) => self.add(text, Voice::Reasoning),
            // Kept for the completed message: in a stream it would look like an answer.
            StreamEvent::RefusalDelta(text) => {
                self.refusal.push_str(&text);
                Vec::new()
            }
            StreamEvent::ToolCallStarted { name, .. } => {
                self.n_calls += 1;
                let name = bounded_text(name, MAX_NAME_BYTES);
                let text = format!("the model calls the tool {name:?}, which it was not given");
                vec![Notice::new(NoticeLevel::Warning, "tool_call_ignored", text).into()]
            }
            StreamEvent::ToolCallDelta { .. } => Vec::new(),
            StreamEvent::VendorData { part, data } => {
                if part == VendorPart::Reasoning {
                    self.keep_reasoning_data(data);
                }
                Vec::new()
            }
            StreamEvent::Usage(usage) => {
                self.usage = Usage {
                    input_tokens: usage.input,
                    output_tokens: usage.output,
                    reasoning_tokens: usage.reasoning,
                    cached_input_tokens: usage.cached,
                    cost_usd: None,
                };
                Vec::new()
            }
            StreamEvent::Finished { finish_reason } => {
                self.finish_reason = Some(finish_reason);
                Vec::new()
            }
        }
    }

    fn add(&mut self, text: String, voice: Voice) -> Vec<Event> {
        if text.is_empty() {
            return Vec::new();
        }
        let mut events = self.begin();
        events.push(voice.add(&mut self.parts, &self.message, text));
        events
    }

    fn begin(&mut self) -> Vec<Event> {
        if self.has_begun {
            return Vec::new();
        }
        self.has_begun = true;
        let started = MessageStarted {
            message: self.message.clone(),
            role: Role::Assistant,
        };
        vec![started.into()]
    }

    fn keep_reasoning_data(&mut self, data: serde_json::Value) {
        let kept = self.parts.iter_mut().rev().find_map(|part| match part {
            Part::Reasoning { vendor, .. } => Some(vendor),
            Part::Text { .. } | Part::Refusal { .. } | Part::Source { .. } | Part::File { .. } => {
                None
            }
        });
        match kept {
            Some(vendor) => *vendor = Some(data),
            None => self.parts.push(Part::Reasoning {
                text: String::new(),
                vendor: Some(data),
            }),
        }
    }

    /// The end of a complete answer.
    pub(crate) fn end(mut self) -> Ended {
        let reason = self.finish_reason.take().unwrap_or(FinishReason::Stop);
        let finish_reason = reason.as_str().to_owned();
        let outcome = self.outcome(&reason);
        let mut events = Vec::new();
        if !self.refusal.is_empty() {
            events.extend(self.begin());
            let text = std::mem::take(&mut self.refusal);
            self.parts.push(Part::Refusal { text });
        }
        if self.has_begun {
            let n_bytes: usize = self.parts.iter().map(size).sum();
            events.push(
                MessageCompleted {
                    message: self.message,
                    // A longer one would not fit into an event: what the deltas said stays.
                    parts: (n_bytes <= COMPLETED_BYTES).then_some(self.parts),
                    interrupted: false,
                }
                .into(),
            );
        }
        Ended {
            events,
            finish_reason: finish_reason.clone(),
            outcome: Outcome {
                finish_reason: Some(finish_reason),
                ..outcome
            },
        }
    }

    fn outcome(&self, finish_reason: &FinishReason) -> Outcome {
        let failed = |reason, code, message: &str| {
            Outcome::failed(reason, ErrorInfo::new(code, message.trim()))
        };
        let is_empty = !self.parts.iter().any(|part| match part {
            Part::Text { text, .. } => !text.trim().is_empty(),
            Part::Reasoning { .. }
            | Part::Refusal { .. }
            | Part::Source { .. }
            | Part::File { .. } => false,
        });
        if !self.refusal.is_empty() {
            return failed(Reason::Rejected, "refusal", &self.refusal);
        }
        if *finish_reason == FinishReason::ContentFilter {
            let message = "the vendor's filter cut the answer";
            return failed(Reason::Rejected, "content_filter", message);
        }
        if is_empty && self.n_calls > 0 {
            let message = "the model only called tools, and it was given none";
            return failed(Reason::EmptyOutput, "empty_output", message);
        }
        if is_empty {
            let message = format!("the model said nothing ({})", finish_reason.as_str());
            return failed(Reason::EmptyOutput, "empty_output", &message);
        }
        Outcome::completed()
    }
}

fn size(part: &Part) -> usize {
    match part {
        Part::Text { text, vendor } | Part::Reasoning { text, vendor } => {
            text.len() + vendor.as_ref().map_or(0, |data| data.to_string().len())
        }
        Part::Refusal { text } => text.len(),
        Part::Source { url, .. } | Part::File { url, .. } => url.len(),
    }
}

#[cfg(test)]
mod tests {
    use run::Status;
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> StreamEvent {
        StreamEvent::TextDelta(text.into())
    }

    fn reason(text: &str) -> StreamEvent {
        StreamEvent::ReasoningDelta(text.into())
    }

    fn finished(finish_reason: FinishReason) -> StreamEvent {
        StreamEvent::Finished { finish_reason }
    }

    #[track_caller]
    fn check(stream: Vec<StreamEvent>, kinds: &str, end: (Status, &str, &str)) -> Vec<Event> {
        let mut answer = Answer::new(MessageId::nth(1));
        let mut events: Vec<Event> = stream.into_iter().flat_map(|e| answer.take(e)).collect();
        let ended = answer.end();
        events.extend(ended.events);
        let all: Vec<&str> = events.iter().map(Event::kind).collect();
        assert_eq!(all.join(" "), kinds);
        let code = ended
            .outcome
            .error
            .map_or(String::new(), |error| error.code);
        let reason = ended.outcome.reason.as_str();
        assert_eq!((ended.outcome.status, reason, &*code), end);
        events
    }

    #[test]
    fn an_answer_is_one_message() {
        let events = check(
            vec![
                reason("hm"),
                text(""),
                text("a"),
                text("b"),
                StreamEvent::VendorData {
                    part: VendorPart::Reasoning,
                    data: json!("sig"),
                },
                finished(FinishReason::Stop),
            ],
            "message.started reasoning.delta text.delta text.delta message.completed",
            (Status::Succeeded, "completed", ""),
        );
        let Some(Event::MessageCompleted(completed)) = events.last() else {
            panic!("{events:?}")
        };
        let parts = completed.parts.as_deref().unwrap();
        let thought = Part::Reasoning {
            text: "hm".into(),
            vendor: Some(json!("sig")),
        };
        assert_eq!(parts, [thought, Part::text("ab")]);
    }

    #[test]
    fn an_answer_without_text_is_none() {
        check(
            vec![reason("hm"), text(" \n"), finished(FinishReason::Length)],
            "message.started reasoning.delta text.delta message.completed",
            (Status::Failed, "empty_output", "empty_output"),
        );
        check(
            vec![finished(FinishReason::Stop)],
            "",
            (Status::Failed, "empty_output", "empty_output"),
        );
        let call = StreamEvent::ToolCallStarted {
            index: 0,
            id: "x".into(),
            name: "f".into(),
        };
        check(
            vec![call, finished(FinishReason::ToolCalls)],
            "notice",
            (Status::Failed, "empty_output", "empty_output"),
        );
    }

    #[test]
    fn a_refusal_is_kept_in_its_own_words() {
        let refusal = StreamEvent::RefusalDelta("I won't.".into());
        check(
            vec![refusal, finished(FinishReason::Stop)],
            "message.started message.completed",
            (Status::Failed, "rejected", "refusal"),
        );
        check(
            vec![text("a"), finished(FinishReason::ContentFilter)],
            "message.started text.delta message.completed",
            (Status::Failed, "rejected", "content_filter"),
        );
    }

    #[test]
    fn a_long_message_is_completed_without_saying_it_again() {
        let long = "x".repeat(COMPLETED_BYTES + 1);
        let events = check(
            vec![text(&long), finished(FinishReason::Stop)],
            "message.started text.delta message.completed",
            (Status::Succeeded, "completed", ""),
        );
        assert!(
            matches!(events.last(), Some(Event::MessageCompleted(done)) if done.parts.is_none())
        );
    }
}
