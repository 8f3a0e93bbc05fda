//! A client as strict as `@ag-ui/client` 1.0 (its `verify` and `apply`), for tests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What a client has, and what is open for it.
#[derive(Debug, Default, Clone)]
pub(super) struct Client {
    pub(super) messages: Vec<Value>,
    pub(super) state: Value,
    pub(super) last_id: Option<String>,
    pub(super) end: Option<Value>,
    open: BTreeMap<&'static str, BTreeSet<String>>,
    begun: bool,
}

const OPENERS: [(&str, &str, &str, &str); 5] = [
    (
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_END",
        "text",
        "messageId",
    ),
    ("REASONING_START", "REASONING_END", "span", "messageId"),
    (
        "REASONING_MESSAGE_START",
        "REASONING_MESSAGE_END",
        "thought",
        "messageId",
    ),
    ("TOOL_CALL_START", "TOOL_CALL_END", "call", "toolCallId"),
    ("STEP_STARTED", "STEP_FINISHED", "step", "stepName"),
];

const CONTENTS: [(&str, &str, &str); 3] = [
    ("TEXT_MESSAGE_CONTENT", "text", "messageId"),
    ("REASONING_MESSAGE_CONTENT", "thought", "messageId"),
    ("TOOL_CALL_ARGS", "call", "toolCallId"),
];

impl Client {
    /// The same client on a new connection.
    pub(super) fn reconnects(&self) -> Self {
        Self {
            messages: self.messages.clone(),
            state: self.state.clone(),
            last_id: self.last_id.clone(),
            ..Self::default()
        }
    }

    /// Reads a stream; `n` events of it at most.
    #[track_caller]
    pub(super) fn read(&mut self, stream: &[u8], n: usize) {
        let text = std::str::from_utf8(stream).unwrap();
        for frame in text.split("\n\n").filter(|frame| !frame.is_empty()).take(n) {
            for line in frame.lines() {
                if let Some(id) = line.strip_prefix("id: ") {
                    self.last_id = Some(id.to_owned());
                } else if let Some(data) = line.strip_prefix("data: ") {
                    self.take(serde_json::from_str(data).unwrap());
                } else {
                    panic!("odd line {line:?}");
                }
            }
        }
    }

    #[track_caller]
    fn take(&mut self, event: Value) {
        let kind = event["type"].as_str().unwrap().to_owned();
        assert!(self.end.is_none(), "behind the end: {event}");
        assert_eq!(self.begun, kind != "RUN_STARTED", "{event}");
        self.begun = true;
        self.verify(&kind, &event);
        self.apply(&kind, event);
    }

    #[track_caller]
    fn verify(&mut self, kind: &str, event: &Value) {
        for (start, end, what, member) in OPENERS {
            let id = event[member].as_str().unwrap_or_default().to_owned();
            let open = self.open.entry(what).or_default();
            if kind == start {
                assert!(open.insert(id), "begun twice: {event}");
            } else if kind == end {
                assert!(open.remove(&id), "not begun: {event}");
            }
        }
        for (content, what, member) in CONTENTS {
            if kind == content {
                let id = event[member].as_str().unwrap();
                assert!(self.open[what].contains(id), "not begun: {event}");
            }
        }
        if kind == "RUN_FINISHED" {
            let open: Vec<_> = self.open.values().flatten().collect();
            assert!(open.is_empty(), "still open: {open:?}");
        }
        let nulls = event.as_object().unwrap().iter().filter(|(name, value)| {
            value.is_null() && !matches!(name.as_str(), "value" | "snapshot" | "event")
        });
        assert_eq!(nulls.count(), 0, "{event}");
    }

    #[track_caller]
    fn apply(&mut self, kind: &str, event: Value) {
        let id = event["messageId"].as_str().unwrap_or_default();
        match kind {
            "TEXT_MESSAGE_START" | "REASONING_MESSAGE_START" if self.message(id).is_none() => {
                self.messages
                    .push(json!({ "id": id, "role": event["role"], "content": "" }));
            }
            "TEXT_MESSAGE_CONTENT" | "REASONING_MESSAGE_CONTENT" => {
                let message = self.message(id).unwrap();
                assert_ne!(message["role"], "activity", "{event}");
                append(&mut message["content"], &event["delta"]);
            }
            "TOOL_CALL_START" => self.start_call(&event),
            "TOOL_CALL_ARGS" => {
                let call = self.call(event["toolCallId"].as_str().unwrap()).unwrap();
                append(&mut call["arguments"], &event["delta"]);
            }
            "TOOL_CALL_RESULT" => self.messages.push(json!({
                "id": id, "role": "tool", "toolCallId": event["toolCallId"], "content": event["content"],
            })),
            "STATE_SNAPSHOT" => self.state = event["snapshot"].clone(),
            "MESSAGES_SNAPSHOT" => {
                let told = event["messages"].as_array().unwrap();
                self.messages.retain(|message| {
                    told.iter().any(|it| it["id"] == message["id"]) || message["role"] == "activity"
                });
                for message in told {
                    match self.message(message["id"].as_str().unwrap()) {
                        Some(mine) => *mine = message.clone(),
                        None => self.messages.push(message.clone()),
                    }
                }
            }
            "ACTIVITY_SNAPSHOT" => {
                let activity = json!({
                    "id": id, "role": "activity", "activityType": event["activityType"], "content": event["content"],
                });
                match self.message(id) {
                    Some(mine) => *mine = activity,
                    None => self.messages.push(activity),
                }
            }
            "RUN_FINISHED" | "RUN_ERROR" => self.end = Some(event),
            _ => {}
        }
    }

    fn message(&mut self, id: &str) -> Option<&mut Value> {
        self.messages.iter_mut().find(|message| message["id"] == id)
    }

    fn call(&mut self, id: &str) -> Option<&mut Value> {
        let calls = self.messages.iter_mut();
        let mut calls = calls.filter_map(|message| message["toolCalls"].as_array_mut());
        calls.find_map(|calls| calls.iter_mut().find(|call| call["id"] == id))
    }

    fn start_call(&mut self, event: &Value) {
        let id = event["toolCallId"].as_str().unwrap();
        if self.call(id).is_some() {
            return;
        }
        let parent = event["parentMessageId"].as_str().unwrap_or(id).to_owned();
        if self.message(&parent).is_none() {
            self.messages
                .push(json!({ "id": parent, "role": "assistant" }));
        }
        let parent = self.message(&parent).unwrap();
        if parent["toolCalls"].is_null() {
            parent["toolCalls"] = json!([]);
        }
        let call = json!({ "id": id, "name": event["toolCallName"], "arguments": "" });
        parent["toolCalls"].as_array_mut().unwrap().push(call);
    }

    /// What a person sees of the conversation, a line for each message.
    pub(super) fn seen(&self) -> Vec<String> {
        let messages = self.messages.iter().filter(|it| it["role"] != "activity");
        let lines = messages.map(|message| {
            let calls = message["toolCalls"].as_array();
            let calls = calls.into_iter().flatten().map(|call| {
                format!(
                    " {}({})",
                    call["name"].as_str().unwrap(),
                    call["arguments"].as_str().unwrap()
                )
            });
            let text = message["content"].as_str().unwrap_or_default();
            let calls: String = calls.collect();
            format!("{}: {text}{calls}", message["role"].as_str().unwrap())
        });
        lines.collect()
    }

    /// The conversation as it is sent with the next request: without activities.
    pub(super) fn sends(&self) -> Vec<Value> {
        let messages = self.messages.iter();
        messages
            .filter(|message| message["role"] != "activity")
            .cloned()
            .collect()
    }
}

fn append(text: &mut Value, more: &Value) {
    let joined = format!(
        "{}{}",
        text.as_str().unwrap_or_default(),
        more.as_str().unwrap()
    );
    *text = joined.into();
}
