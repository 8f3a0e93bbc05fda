//! UI messages of a chat, for a page that loads it: the same that its streams have built.

mod asides;

use run::event::ToolStatus;
use run::snapshot::{Activity, Asked, Message, Progress, Request, Resolution, Snapshot};
use run::{Input, Part, Role, Run, RunId, State, StepId, ThreadId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use self::asides::asides;
use super::ids::in_chat;
use super::metadata::Metadata;
use super::translate::{ASK_USER, failure, is_approved};

/// A message as the client keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct UiMessage {
    /// Its id; an answer has the id of its run.
    pub id: String,
    /// `user`, `assistant` or `system`.
    #[schema(value_type = String)]
    pub role: Role,
    /// Of an answer: its run, usage, status and error.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Value,
    /// Its parts.
    #[schema(value_type = Vec<Object>)]
    pub parts: Vec<Value>,
}

/// A run whose answer is to be shown.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'r> {
    /// The run.
    pub run: RunId,
    /// Its thread.
    pub thread: &'r ThreadId,
    /// Its agent.
    pub agent: &'r str,
    /// How it stands.
    pub control: &'r Run,
    /// Tools that run at the client are in it.
    pub input: &'r Input,
    /// What it has said and done.
    pub snapshot: &'r Snapshot,
}

/// The answer of a run.
pub fn message_of(reply: Reply<'_>) -> UiMessage {
    UiMessage {
        id: reply.run.to_string(),
        role: Role::Assistant,
        metadata: serde_json::to_value(metadata(reply)).unwrap_or_default(),
        parts: parts(reply),
    }
}

/// What a person has asked a run, under the client's id or one that is the run's.
pub fn asked_of(run: RunId, input: &Input, client_id: Option<&str>) -> Option<UiMessage> {
    let parts: Vec<_> = input.parts.iter().map(|part| said(part, None)).collect();
    (!parts.is_empty()).then(|| UiMessage {
        id: client_id.map_or_else(|| format!("{run}-input"), str::to_owned),
        role: Role::User,
        metadata: Value::Null,
        parts,
    })
}

/// The conversation that a run has brought along, which replaces what was there before.
pub fn replaced(run: RunId, input: &Input) -> Option<Vec<UiMessage>> {
    let messages = input.messages.as_ref()?.iter().enumerate();
    let messages = messages.map(|(n, message)| UiMessage {
        id: message
            .id
            .clone()
            .unwrap_or_else(|| format!("{run}-input-{n}")),
        role: message.role,
        metadata: Value::Null,
        parts: message.parts.iter().map(|part| said(part, None)).collect(),
    });
    Some(messages.collect())
}

fn metadata(reply: Reply<'_>) -> Metadata {
    let outcome = match &reply.control.state {
        State::Final(outcome) => Some(outcome),
        State::Queued { .. } | State::Running | State::Waiting { .. } => None,
    };
    Metadata {
        run_id: Some(reply.run),
        thread_id: Some(reply.thread.clone()),
        agent: Some(reply.agent.to_owned()),
        created_at: Some(reply.control.created_at),
        status: Some(reply.control.status()),
        reason: outcome.map(|outcome| outcome.reason),
        usage: Some(reply.control.usage.into()),
        context_tokens: reply.snapshot.context.tokens,
        window_tokens: reply.snapshot.context.window_tokens,
        error: outcome.and_then(|outcome| outcome.error.clone()),
    }
}

/// A message or a call, in the order of the log.
enum Item<'s> {
    Message(&'s Message),
    Call(&'s Activity),
    /// A request that no call makes is shown as one.
    Request(&'s Request),
}

impl Item<'_> {
    fn step(&self) -> Option<&StepId> {
        match self {
            Self::Message(message) => message.step.as_ref(),
            Self::Call(call) => call.step.as_ref(),
            Self::Request(_) => None,
        }
    }
}

fn parts(reply: Reply<'_>) -> Vec<Value> {
    let snapshot = reply.snapshot;
    let is_discarded = |message: &Message| message.progress == Progress::Discarded;
    let messages = snapshot
        .messages
        .iter()
        .filter(|message| message.role == Role::Assistant && !is_discarded(message))
        .map(|message| (message.first_seq, Item::Message(message)));
    let is_kept = |call: &Activity| {
        let of = call.message.as_ref();
        !of.is_some_and(|of| {
            let mut messages = snapshot.messages.iter();
            messages.any(|message| message.message == *of && is_discarded(message))
        })
    };
    let calls = snapshot
        .activities
        .iter()
        .filter(|call| is_kept(call))
        .map(|call| (call.first_seq, Item::Call(call)));
    let own = snapshot.requests.iter();
    let own = own
        .filter(|request| request.call.is_none())
        .map(|request| (request.first_seq, Item::Request(request)));
    let mut items: Vec<_> = messages.chain(calls).chain(own).collect();
    items.sort_by_key(|(seq, _)| *seq);

    let mut parts = Vec::new();
    let mut step = None;
    for (n, (_, item)) in items.iter().enumerate() {
        if n == 0 || item.step() != step {
            step = item.step();
            parts.push(json!({ "type": "step-start" }));
        }
        match item {
            Item::Message(message) => parts.extend(spoken(message)),
            Item::Call(call) => parts.push(called(reply, call)),
            Item::Request(request) => parts.extend(own_call(reply.run, request)),
        }
    }
    parts.extend(asides(reply.run, snapshot));
    parts
}

fn spoken(message: &Message) -> impl Iterator<Item = Value> {
    let state = match message.progress {
        Progress::Open => "streaming",
        Progress::Completed | Progress::Interrupted | Progress::Discarded => "done",
    };
    let id = &message.message;
    message
        .parts
        .iter()
        .enumerate()
        .filter(|(_, part)| !is_empty(part))
        .map(move |(n, part)| {
            let mut said = said(part, Some(&format!("{id}.{n}")));
            if let (
                Some(object),
                Part::Text { .. } | Part::Reasoning { .. } | Part::Refusal { .. },
            ) = (said.as_object_mut(), part)
            {
                object.insert("state".to_owned(), state.into());
                let mut origin = json!({ "message": id });
                if matches!(part, Part::Refusal { .. }) {
                    origin["refusal"] = true.into();
                }
                object.insert("providerMetadata".to_owned(), json!({ "outlive": origin }));
            }
            said
        })
}

fn is_empty(part: &Part) -> bool {
    match part {
        Part::Text { text, .. } | Part::Reasoning { text, .. } | Part::Refusal { text } => {
            text.is_empty()
        }
        Part::Source { .. } | Part::File { .. } => false,
    }
}

/// A part in the client's words. `source` is the id of a source.
fn said(part: &Part, source: Option<&str>) -> Value {
    let mut object = match part {
        Part::Text { text, .. } | Part::Refusal { text } => json!({ "type": "text", "text": text }),
        Part::Reasoning { text, .. } => json!({ "type": "reasoning", "text": text }),
        Part::Source { url, title } => {
            let mut found = json!({
                "type": "source-url", "sourceId": source.unwrap_or(url), "url": url,
            });
            if let Some(title) = title {
                found["title"] = title.as_str().into();
            }
            found
        }
        Part::File {
            media_type,
            url,
            name,
        } => {
            let mut file = json!({ "type": "file", "mediaType": media_type, "url": url });
            if let Some(name) = name {
                file["filename"] = name.as_str().into();
            }
            file
        }
    };
    if let Some(object) = object.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    object
}

/// A call as a tool part.
fn called(reply: Reply<'_>, call: &Activity) -> Value {
    let id = in_chat(reply.run, &call.call);
    let is_client = reply.input.tools.iter().any(|tool| tool.name == call.name);
    let mut part = Map::new();
    if is_client {
        part.insert("type".to_owned(), format!("tool-{}", call.name).into());
    } else {
        part.insert("type".to_owned(), "dynamic-tool".into());
        part.insert("toolName".to_owned(), call.name.as_str().into());
    }
    part.insert("toolCallId".to_owned(), id.into());
    if let Some(title) = &call.title {
        part.insert("title".to_owned(), title.as_str().into());
    }
    let is_complete = call.args_text.is_empty();
    if is_complete {
        part.insert("input".to_owned(), call.args.clone());
    }
    let approval = reply.snapshot.requests.iter().rfind(|request| {
        request.call.as_ref() == Some(&call.call) && matches!(request.asks, Asked::Approval { .. })
    });
    let asked = approval.map(|request| approval_of(reply.run, request));
    let (state, more) = match (call.status, &asked) {
        (None, Some((state, _))) => (*state, None),
        (None, None) if is_complete => ("input-available", None),
        (None, None) => ("input-streaming", None),
        (Some(ToolStatus::Ok), _) => ("output-available", Some(("output", call.result.clone()))),
        (Some(ToolStatus::Denied), Some(_)) => ("output-denied", None),
        (Some(status), _) => (
            "output-error",
            Some(("errorText", failure(status, &call.result).into())),
        ),
    };
    part.insert("state".to_owned(), state.into());
    if let Some((name, value)) = more {
        part.insert(name.to_owned(), value);
        if !is_client {
            part.insert("providerExecuted".to_owned(), true.into());
        }
    }
    if let Some((_, approval)) = asked {
        part.insert("approval".to_owned(), approval);
    }
    part.into()
}

/// The state of an approval, and what a part says of it.
fn approval_of(run: RunId, request: &Request) -> (&'static str, Value) {
    let mut approval = json!({ "id": in_chat(run, &request.request) });
    let Some(Resolution::Decided { decision, note, .. }) = &request.resolution else {
        return ("approval-requested", approval);
    };
    approval["approved"] = is_approved(*decision).into();
    if let Some(note) = note {
        approval["reason"] = note.as_str().into();
    }
    ("approval-responded", approval)
}

/// A request that no call makes, as a call.
fn own_call(run: RunId, request: &Request) -> Option<Value> {
    let mut part = json!({ "type": "dynamic-tool", "toolCallId": in_chat(run, &request.request) });
    match &request.asks {
        Asked::Approval {
            of, title, detail, ..
        } => {
            let (state, approval) = approval_of(run, request);
            part["toolName"] = of.as_str().into();
            part["title"] = title.as_str().into();
            part["input"] = json!({ "title": title, "detail": detail });
            part["state"] = state.into();
            part["approval"] = approval;
        }
        Asked::Question { questions } => {
            part["toolName"] = ASK_USER.into();
            part["input"] = json!({ "questions": questions });
            part["state"] = "input-available".into();
        }
        Asked::ClientTool => return None,
    }
    match &request.resolution {
        Some(Resolution::Decided { decision, .. }) if is_approved(*decision) => {
            part["state"] = "output-available".into();
            part["output"] = json!({ "decision": decision });
            part["providerExecuted"] = true.into();
        }
        Some(Resolution::Decided { .. }) => part["state"] = "output-denied".into(),
        Some(Resolution::Answered { value, .. }) => {
            part["state"] = "output-available".into();
            part["output"] = value.clone();
            part["providerExecuted"] = true.into();
        }
        Some(Resolution::Expired { why }) => {
            part["state"] = "output-error".into();
            part["errorText"] = why.as_str().into();
        }
        None => {}
    }
    Some(part)
}
