//! A vendor's answer as events of a run. Pure.

use provider::{FinishReason, StreamEvent, VendorPart};
use run::event::{
    MessageCompleted, MessageDiscarded, MessageStarted, Notice, NoticeLevel, ToolCompleted,
    ToolStatus,
};
use run::{
    ErrorInfo, Event, MAX_NAME_BYTES, MessageId, Outcome, Part, Reason, Role, Usage, bounded_text,
    text_of,
};

use crate::asked_calls::AskedCalls;
use crate::limits::COMPLETED_BYTES;
use crate::toolbox::Toolbox;
use crate::voice::Voice;

/// One answer while it comes.
#[derive(Debug)]
pub(crate) struct Answer<'t> {
    message: MessageId,
    has_begun: bool,
    parts: Vec<Part>,
    refusal: String,
    /// What it may call; nothing for an agent without tools.
    tools: Option<&'t Toolbox>,
    calls: AskedCalls,
    /// Calls of an agent without tools.
    n_ignored: usize,
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
    /// Tools that it calls: then the run goes on.
    pub(crate) n_calls: u32,
    /// What becomes of the run, if no tool is called.
    pub(crate) outcome: Outcome,
    /// What was said, without thoughts.
    pub(crate) text: String,
    /// All of it as events without deltas, for who keeps its own fold of the log.
    pub(crate) whole: Vec<Event>,
}

impl Ended {
    /// The end of a call that gave no answer.
    pub(crate) fn without_answer(outcome: Outcome) -> Self {
        Self {
            events: Vec::new(),
            finish_reason: String::new(),
            n_calls: 0,
            outcome,
            text: String::new(),
            whole: Vec::new(),
        }
    }

    /// Makes the message one that is to be forgotten, before its text counts as said.
    pub(crate) fn discard(&mut self, why: &str) {
        for event in &mut self.events {
            if let Event::MessageCompleted(completed) = event {
                let message = completed.message.clone();
                let why = why.to_owned();
                *event = MessageDiscarded { message, why }.into();
            }
        }
    }
}

impl<'t> Answer<'t> {
    pub(crate) fn new(message: MessageId) -> Self {
        Self {
            message,
            has_begun: false,
            parts: Vec::new(),
            refusal: String::new(),
            tools: None,
            calls: AskedCalls::default(),
            n_ignored: 0,
            usage: Usage::default(),
            finish_reason: None,
        }
    }

    /// The same for a model that may call tools, whose run has had `n_calls` calls.
    pub(crate) fn with_tools(self, tools: &'t Toolbox, n_calls: u32) -> Self {
        Self {
            tools: Some(tools),
            calls: AskedCalls::behind(n_calls),
            ..self
        }
    }

    /// What the log has begun of it is to be forgotten, because it is said again.
    pub(crate) fn withdraw(&self, why: &str) -> Vec<Event> {
        let calls = self.calls.ids().map(|call| {
            Event::from(ToolCompleted {
                call: call.clone(),
                status: ToolStatus::Interrupted,
                result: serde_json::Value::Null,
                usage: None,
            })
        });
        let mut events: Vec<Event> = calls.collect();
        if self.has_begun {
            let message = self.message.clone();
            let why = why.to_owned();
            events.push(MessageDiscarded { message, why }.into());
        }
        events
    }

    /// How many messages and calls the log has begun for it.
    pub(crate) fn n_begun(&self) -> (u32, u32) {
        (u32::from(self.has_begun), self.calls.len())
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
            StreamEvent::ToolCallStarted { index, name, .. } if self.tools.is_some() => {
                let mut events = self.begin();
                if let Some(tools) = self.tools {
                    events.push(self.calls.start(index, &name, &self.message, tools));
                }
                events
            }
            StreamEvent::ToolCallDelta { index, args } if self.tools.is_some() => {
                self.calls.add(index, args)
            }
            StreamEvent::ToolCallStarted { name, .. } => {
                self.n_ignored += 1;
                let name = bounded_text(name, MAX_NAME_BYTES);
                let text = format!("the model calls the tool {name:?}, which it was not given");
                vec![Notice::new(NoticeLevel::Warning, "tool_call_ignored", text).into()]
            }
            StreamEvent::ToolCallDelta { .. } => Vec::new(),
            StreamEvent::VendorData { part, data } => {
                match part {
                    VendorPart::Reasoning => Voice::Reasoning.keep(&mut self.parts, data),
                    VendorPart::Text => Voice::Text.keep(&mut self.parts, data),
                    VendorPart::ToolCall(index) => self.calls.keep_data(index, data),
                    _ => {}
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
        self.opening()
    }

    /// How its message began, if it has.
    fn opening(&self) -> Vec<Event> {
        let started = MessageStarted {
            message: self.message.clone(),
            role: Role::Assistant,
        };
        let started = self.has_begun.then_some(started);
        started.into_iter().map(Event::from).collect()
    }

    /// The end of a complete answer.
    pub(crate) fn end(mut self) -> Ended {
        let reason = self.finish_reason.take().unwrap_or(FinishReason::Stop);
        let finish_reason = reason.as_str().to_owned();
        let outcome = self.outcome(&reason);
        let text = text_of(&self.parts);
        let n_calls = self.calls.len();
        let calls = std::mem::take(&mut self.calls);
        let mut whole = self.opening();
        whole.extend(calls.started());
        let mut events = calls.called();
        if !self.refusal.is_empty() {
            events.extend(self.begin());
            let text = std::mem::take(&mut self.refusal);
            self.parts.push(Part::Refusal { text });
        }
        whole.extend(events.iter().cloned());
        if self.has_begun {
            let n_bytes: usize = self.parts.iter().map(size).sum();
            let completed = |parts| {
                Event::from(MessageCompleted {
                    message: self.message.clone(),
                    parts,
                    interrupted: false,
                })
            };
            // A longer one would not fit into an event: what the deltas said stays.
            let parts = (n_bytes <= COMPLETED_BYTES).then(|| self.parts.clone());
            events.push(completed(parts));
            whole.push(completed(Some(self.parts)));
        }
        Ended {
            events,
            finish_reason: finish_reason.clone(),
            n_calls,
            outcome: Outcome {
                finish_reason: Some(finish_reason),
                ..outcome
            },
            text,
            whole,
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
        if is_empty && self.n_ignored > 0 {
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
    fn each_piece_of_reasoning_keeps_its_own_signature() {
        let data = |part, text: &str| StreamEvent::VendorData {
            part,
            data: json!(text),
        };
        let events = check(
            vec![
                reason("one"),
                data(VendorPart::Reasoning, "1"),
                data(VendorPart::Reasoning, "redacted"),
                reason("tw"),
                reason("o"),
                data(VendorPart::Reasoning, "2"),
                text("a"),
                data(VendorPart::Text, "3"),
                text("b"),
                finished(FinishReason::Stop),
            ],
            "message.started reasoning.delta reasoning.delta reasoning.delta text.delta text.delta message.completed",
            (Status::Succeeded, "completed", ""),
        );
        let Some(Event::MessageCompleted(completed)) = events.last() else {
            panic!("{events:?}")
        };
        let thought = |text: &str, data: &str| Part::Reasoning {
            text: text.into(),
            vendor: Some(json!(data)),
        };
        let signed = Part::Text {
            text: "a".into(),
            vendor: Some(json!("3")),
        };
        assert_eq!(
            completed.parts.as_deref().unwrap(),
            [
                thought("one", "1"),
                thought("", "redacted"),
                thought("two", "2"),
                signed,
                Part::text("b"),
            ]
        );
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
