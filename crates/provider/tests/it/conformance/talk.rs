//! One side of a conversation: asks, and keeps an answer as the next request wants it.

use provider::{
    Content, Error, FinishReason, Message, Part, Request, Role, StreamEvent, Tool, Usage,
    VendorPart,
};
use serde_json::{Value, json};

use super::Place;

/// A whole answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) refusal: String,
    /// Id and arguments of each call.
    pub(crate) calls: Vec<(String, Value)>,
    pub(crate) usage: Option<Usage>,
    pub(crate) finish: Option<FinishReason>,
    /// The message for the next request.
    pub(crate) parts: Vec<Part>,
    pub(crate) error: Option<Error>,
}

pub(crate) fn request(place: &Place, prompt: &str) -> Request {
    Request {
        model: place.model.clone(),
        messages: vec![Message::text(Role::User, prompt)],
        ..Request::default()
    }
}

pub(crate) fn look() -> Tool {
    Tool {
        name: "look".into(),
        description: "Tells the temperature of one city".into(),
        parameters: json!({
            "type": "object", "additionalProperties": false, "required": ["city"],
            "properties": {"city": {"type": "string"}},
        }),
    }
}

pub(crate) async fn ask(place: &Place, request: &Request) -> Answer {
    let mut answer = Answer::default();
    let mut stream = match place.client().stream(&place.vendor, request).await {
        Ok(stream) => stream,
        Err(error) => {
            answer.error = Some(error);
            return answer;
        }
    };
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => answer.take(event),
            Err(error) => answer.error = Some(error),
        }
    }
    assert!(
        answer.error.is_some() != answer.finish.is_some(),
        "one end: {answer:?}"
    );
    for (nth, (_, args)) in answer.calls.iter_mut().enumerate() {
        let Value::String(text) = args else {
            panic!("{args}")
        };
        let text = if text.is_empty() { "{}" } else { text };
        *args = serde_json::from_str(text).unwrap();
        let mut calls = answer.parts.iter_mut().filter_map(|part| {
            let Content::ToolCall { args, .. } = &mut part.content else {
                return None;
            };
            Some(args)
        });
        *calls.nth(nth).unwrap() = args.clone();
    }
    answer
}

impl Answer {
    fn take(&mut self, event: StreamEvent) {
        match event {
            StreamEvent::TextDelta(text) => {
                self.text.push_str(&text);
                self.add(Content::Text(text));
            }
            StreamEvent::ReasoningDelta(text) => self.add(Content::Reasoning(text)),
            StreamEvent::RefusalDelta(text) => self.refusal.push_str(&text),
            StreamEvent::ToolCallStarted { index, id, name } => {
                assert_eq!(index, self.calls.len());
                assert_eq!(name, "look");
                self.calls.push((id.clone(), Value::String(String::new())));
                let args = Value::Null;
                self.parts.push(Content::ToolCall { id, name, args }.into());
            }
            StreamEvent::ToolCallDelta { index, args } => {
                let Value::String(so_far) = &mut self.calls[index].1 else {
                    panic!()
                };
                so_far.push_str(&args);
            }
            StreamEvent::VendorData { part, data } => self.keep(part, data),
            StreamEvent::Usage(usage) => assert!(self.usage.replace(usage).is_none()),
            StreamEvent::Finished { finish_reason } => self.finish = Some(finish_reason),
        }
    }

    fn add(&mut self, more: Content) {
        let last = self.parts.last_mut().filter(|part| part.vendor.is_none());
        match (last.map(|part| &mut part.content), more) {
            (Some(Content::Text(text)), Content::Text(more))
            | (Some(Content::Reasoning(text)), Content::Reasoning(more)) => text.push_str(&more),
            (_, more) => self.parts.push(more.into()),
        }
    }

    fn keep(&mut self, owner: VendorPart, data: Value) {
        let mut n_calls = 0;
        let mut found = None;
        for part in &mut self.parts {
            let fits = match (&part.content, owner) {
                (Content::Reasoning(_), VendorPart::Reasoning)
                | (Content::Text(_), VendorPart::Text) => part.vendor.is_none(),
                (Content::ToolCall { .. }, VendorPart::ToolCall(index)) => {
                    n_calls += 1;
                    n_calls == index + 1
                }
                _ => false,
            };
            if fits {
                found = Some(part);
            }
        }
        let vendor = Some(data);
        match (found, owner) {
            (Some(part), _) => part.vendor = vendor,
            (None, VendorPart::Reasoning) => {
                let content = Content::Reasoning(String::new());
                self.parts.push(Part { content, vendor });
            }
            (None, _) => {
                let content = Content::Text(String::new());
                self.parts.push(Part { content, vendor });
            }
        }
    }
}
