//! The input items of a response: what its run was asked, or the answers by which it goes on.

use run::event::Decision;
use run::{CallId, Envelope, Event, Input, Part, RequestId, Role, RunId, Seq};
use serde::Serialize;
use serde_json::{Value, json};

use super::ids::{AskedId, plain};
use crate::faces::SegmentEnds;

/// Gathers the input items of one response from the log of its run.
#[derive(Debug)]
pub struct InputItems {
    run: RunId,
    wanted: Seq,
    first: Option<Seq>,
    ends: SegmentEnds,
    /// The calls of functions that are asked for, by their requests.
    calls: Vec<(RequestId, CallId)>,
    items: Vec<Value>,
}

/// A page of items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemList {
    /// Always `list`.
    pub object: &'static str,
    /// The items.
    pub data: Vec<Value>,
    /// The id of the first one.
    pub first_id: Option<String>,
    /// The id of the last one, behind which the next page begins.
    pub last_id: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    Ascending,
    /// The newest first.
    Descending,
}

impl InputItems {
    /// For the response that begins with an event.
    pub fn new(run: RunId, wanted: Seq) -> Self {
        Self {
            run,
            wanted,
            first: Some(Seq(1)),
            ends: SegmentEnds::default(),
            calls: Vec::new(),
            items: Vec::new(),
        }
    }

    /// Takes the next event of the log.
    pub fn take(&mut self, envelope: &Envelope) {
        let first = *self.first.get_or_insert(envelope.seq);
        if let Event::ClientToolCalled(called) = &envelope.event {
            self.calls
                .push((called.request.clone(), called.call.clone()));
        }
        if first == self.wanted {
            self.gather(envelope);
        }
        if self.ends.take(&envelope.event).is_some() {
            self.first = None;
        }
    }

    fn gather(&mut self, envelope: &Envelope) {
        let run = self.run;
        // What is asked at the beginning may be several messages; later events give one item each.
        let item = match &envelope.event {
            Event::RunCreated(created) => {
                let asked = asked(&created.input);
                let items = asked.enumerate().map(|(n, (role, parts))| {
                    let id = format!("msg_{}_in{n}", plain(run));
                    said(&id, role, parts)
                });
                self.items.extend(items);
                return;
            }
            Event::InputReceived(received) => {
                let id = self.id("msg", envelope.seq);
                said(&id, Role::User, &received.parts)
            }
            Event::ClientToolAnswered(answered) => {
                let mut calls = self.calls.iter();
                let Some((_, call)) = calls.find(|(request, _)| *request == answered.request)
                else {
                    return;
                };
                let call_id = AskedId::Call(run, call.clone());
                output(&self.id("fco", envelope.seq), &call_id, &answered.result)
            }
            Event::QuestionAnswered(answered) => {
                let call_id = AskedId::Question(run, answered.request.clone());
                output(&self.id("fco", envelope.seq), &call_id, &answered.answers)
            }
            Event::ApprovalResolved(resolved) => {
                let asked = AskedId::Approval(run, resolved.request.clone());
                json!({
                    "type": "mcp_approval_response",
                    "id": self.id("mcpa", envelope.seq),
                    "approval_request_id": asked.to_string(),
                    "approve": match resolved.decision {
                        Decision::Allow | Decision::AllowForThread => true,
                        Decision::Deny | Decision::Cancel => false,
                    },
                    "reason": resolved.note,
                })
            }
            // Everything else is what the agent does.
            _ => return,
        };
        self.items.push(item);
    }

    fn id(&self, kind: &str, seq: Seq) -> String {
        format!("{kind}_{}_in{seq}", plain(self.run))
    }

    /// A page. `None` when no item has the id behind which it is to begin.
    pub fn page(self, order: Order, after: Option<&str>, limit: usize) -> Option<ItemList> {
        let mut items = self.items;
        match order {
            Order::Ascending => {}
            Order::Descending => items.reverse(),
        }
        let id_of = |item: &Value| item["id"].as_str().map(str::to_owned);
        if let Some(after) = after {
            let at = items
                .iter()
                .position(|item| id_of(item).as_deref() == Some(after))?;
            items.drain(..=at);
        }
        let has_more = items.len() > limit;
        items.truncate(limit);
        Some(ItemList {
            object: "list",
            first_id: items.first().and_then(id_of),
            last_id: items.last().and_then(id_of),
            data: items,
            has_more,
        })
    }
}

fn asked(input: &Input) -> impl Iterator<Item = (Role, &[Part])> {
    let brought = input.messages.iter().flatten();
    let brought = brought.map(|message| (message.role, message.parts.as_slice()));
    let own = Some((Role::User, input.parts.as_slice()));
    brought.chain(own.filter(|(_, parts)| !parts.is_empty()))
}

fn said(id: &str, role: Role, parts: &[Part]) -> Value {
    let content: Vec<Value> = parts.iter().filter_map(|part| piece(part, role)).collect();
    json!({
        "type": "message",
        "id": id,
        "role": match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant | Role::Tool => "assistant",
        },
        "status": "completed",
        "content": content,
    })
}

fn piece(part: &Part, role: Role) -> Option<Value> {
    Some(match (part, role) {
        (Part::Text { text, .. }, Role::Assistant | Role::Tool) => {
            json!({ "type": "output_text", "text": text, "annotations": [] })
        }
        (Part::Text { text, .. }, Role::System | Role::User) => {
            json!({ "type": "input_text", "text": text })
        }
        (Part::Refusal { text }, _) => json!({ "type": "refusal", "refusal": text }),
        (
            Part::File {
                media_type, url, ..
            },
            _,
        ) if media_type.starts_with("image/") => {
            json!({ "type": "input_image", "image_url": url, "detail": "auto" })
        }
        (Part::File { url, name, .. }, _) if url.starts_with("data:") => {
            json!({ "type": "input_file", "file_data": url, "filename": name })
        }
        (Part::File { url, name, .. }, _) => {
            json!({ "type": "input_file", "file_url": url, "filename": name })
        }
        (Part::Reasoning { .. } | Part::Source { .. }, _) => return None,
    })
}

fn output(id: &str, call_id: &AskedId, result: &Value) -> Value {
    let output = match result {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    json!({
        "type": "function_call_output",
        "id": id,
        "call_id": call_id.to_string(),
        "output": output,
        "status": "completed",
    })
}
