//! A request as this wire writes it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{ECHO, OWN, THINKING};
use crate::request::as_object;
use crate::vendor_data::members;
use crate::{Content, Error, Media, Message, Part, Request, Role, Tool};

/// The body of `POST /api/chat`.
pub(crate) fn body(request: &Request) -> Result<Vec<u8>, Error> {
    Request::bytes(&document(request)?)
}

fn document(request: &Request) -> Result<Map<String, Value>, Error> {
    let model = request.model()?;
    let called = request.called();
    let mut messages = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        match message.role {
            Role::System => messages.push(said("system", message)?),
            Role::User => messages.push(said("user", message)?),
            Role::Assistant => messages.extend(assistant(message)?),
            Role::Tool => {
                for part in &message.parts {
                    messages.push(result(part, message.role, &called)?);
                }
            }
        }
    }
    let settings = &request.settings;
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    set("model", json!(model));
    set("messages", messages.into());
    set("stream", json!(true));
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect());
    }
    if let Some(schema) = &request.output_schema {
        set("format", schema.clone());
    }
    match settings.effort.as_deref() {
        None => {}
        Some("none" | "off") => set("think", json!(false)),
        Some(effort) => set("think", json!(effort)),
    }
    let options = options(request);
    if !options.is_empty() {
        set("options", options.into());
    }
    settings.lay_over(&mut document);
    Ok(document)
}

fn options(request: &Request) -> Map<String, Value> {
    let settings = &request.settings;
    let mut options = Map::new();
    let mut set = |name: &str, value: Value| {
        options.insert(name.to_owned(), value);
    };
    if let Some(temperature) = settings.temperature {
        set("temperature", json!(temperature));
    }
    if let Some(top_p) = settings.top_p {
        set("top_p", json!(top_p));
    }
    if let Some(tokens) = settings.max_output_tokens {
        set("num_predict", json!(tokens));
    }
    if !settings.stop.is_empty() {
        set("stop", json!(settings.stop));
    }
    if let Some(seed) = settings.seed {
        set("seed", json!(seed));
    }
    options
}

fn tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": { "name": tool.name, "description": tool.description, "parameters": as_object(&tool.parameters) },
    })
}

fn said(role: &str, message: &Message) -> Result<Value, Error> {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    let mut whole = json!({ "role": role });
    for part in &message.parts {
        match (&part.content, message.role) {
            (Content::Text(text), _) => texts.push(text.as_str()),
            (Content::Image(Media::Base64 { data, .. }), Role::User) => images.push(data.as_str()),
            (Content::Image(Media::Url(_)), Role::User) => {
                let why = "an image at an address; this vendor takes images as data only";
                return Err(Error::Invalid(why.into()));
            }
            (Content::File { .. }, Role::User) => {
                return Err(Error::Invalid(
                    "a file; this vendor takes text and images".into(),
                ));
            }
            _ => return Err(part.misplaced(message.role)),
        }
        lay_on(&mut whole, part);
    }
    whole["content"] = texts.join("\n\n").into();
    if !images.is_empty() {
        whole["images"] = json!(images);
    }
    Ok(whole)
}

/// The model's message; none if nothing of it can go back, as with thoughts alone.
fn assistant(message: &Message) -> Result<Option<Value>, Error> {
    let mut text = String::new();
    let mut thoughts = String::new();
    let mut calls = Vec::new();
    let mut whole = json!({ "role": "assistant" });
    for part in &message.parts {
        match &part.content {
            Content::Text(piece) => text.push_str(piece),
            Content::Reasoning(piece) => {
                if members(part, &OWN).any(|(name, field)| name == ECHO && field == THINKING) {
                    thoughts.push_str(piece);
                }
            }
            Content::ToolCall { id, name, args } => {
                let function = json!({ "name": name, "arguments": as_object(args) });
                let mut call = json!({ "id": id, "function": function });
                lay_on(&mut call, part);
                calls.push(call);
            }
            Content::Image(_) | Content::File { .. } | Content::ToolResult { .. } => {
                return Err(part.misplaced(message.role));
            }
        }
        if !matches!(part.content, Content::ToolCall { .. }) {
            lay_on(&mut whole, part);
        }
    }
    if text.is_empty() && calls.is_empty() {
        return Ok(None);
    }
    whole["content"] = text.into();
    if !thoughts.is_empty() {
        whole[THINKING] = thoughts.into();
    }
    if !calls.is_empty() {
        whole["tool_calls"] = calls.into();
    }
    Ok(Some(whole))
}

/// What a call gave. The wire goes by the tool's name; newer servers by the call's id as well.
fn result(part: &Part, role: Role, called: &HashMap<&str, &str>) -> Result<Value, Error> {
    let Content::ToolResult { call_id, output } = &part.content else {
        return Err(part.misplaced(role));
    };
    let name = called.get(&**call_id).ok_or_else(|| {
        Error::Invalid(format!(
            "a result of the tool call {call_id}, which is not in the request"
        ))
    })?;
    let mut result = json!({
        "role": "tool", "content": output, "tool_name": name, "tool_call_id": call_id,
    });
    lay_on(&mut result, part);
    Ok(result)
}

fn lay_on(value: &mut Value, part: &Part) {
    for (name, member) in members(part, &OWN) {
        if name != ECHO {
            value[name] = member.clone();
        }
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
