//! A request as this wire writes it.

use serde_json::{Map, Value, json};

use super::thinking::{Thinking, is_before_schemas};
use super::{OWN, REDACTED, SIGNATURE, schema};
use crate::request::as_object;
use crate::turns::Turns;
use crate::vendor_data::members;
use crate::{Content, Error, Media, Message, Part, Request, Role, Tool};

/// The body of `POST /v1/messages`.
pub(crate) fn body(request: &Request) -> Result<Vec<u8>, Error> {
    Request::bytes(&document(request)?)
}

fn document(request: &Request) -> Result<Map<String, Value>, Error> {
    let model = request.model()?;
    let settings = &request.settings;
    let mut system = Vec::new();
    let mut turns = Turns::default();
    for message in &request.messages {
        match message.role {
            // The wire has one place for it, wherever it stood.
            Role::System => system.extend(blocks(message)?),
            Role::User | Role::Tool => turns.add("user", blocks(message)?),
            Role::Assistant => turns.add("assistant", assistant(message)?),
        }
    }
    let thinking = Thinking::new(
        model,
        settings.effort.as_deref(),
        settings.max_output_tokens,
    );
    let mut output = Map::new();
    if let Some(effort) = thinking.effort {
        output.insert("effort".into(), effort.into());
    }
    if let Some(wanted) = &request.output_schema {
        match schema::fit(wanted).filter(|_| !is_before_schemas(model)) {
            Some(fitted) => {
                let format = json!({ "type": "json_schema", "schema": fitted });
                output.insert("format".into(), format);
            }
            None => {
                system.push(json!({ "type": "text", "text": Request::schema_in_words(wanted) }));
            }
        }
    }

    let mut document = Map::new();
    let mut set = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    set("model", json!(model));
    set("max_tokens", json!(thinking.max_tokens));
    set("stream", json!(true));
    set("messages", turns.into_messages("content"));
    if !system.is_empty() {
        set("system", system.into());
    }
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect());
    }
    if let Some(mode) = thinking.mode {
        set("thinking", mode);
    }
    if !output.is_empty() {
        set("output_config", output.into());
    }
    if let Some(temperature) = settings.temperature {
        set("temperature", json!(temperature));
    }
    if let Some(top_p) = settings.top_p {
        set("top_p", json!(top_p));
    }
    if !settings.stop.is_empty() {
        set("stop_sequences", json!(settings.stop));
    }
    settings.lay_over(&mut document);
    Ok(document)
}

fn tool(tool: &Tool) -> Value {
    let mut schema = as_object(&tool.parameters);
    if schema.get("type").is_none() {
        schema["type"] = "object".into();
    }
    json!({ "name": tool.name, "description": tool.description, "input_schema": schema })
}

/// The blocks of a message that is not the model's. An empty text is refused by the wire and says nothing.
fn blocks(message: &Message) -> Result<Vec<Value>, Error> {
    let mut blocks = Vec::new();
    for part in &message.parts {
        let block = match (&part.content, message.role) {
            (Content::Text(text), Role::System | Role::User) if text.trim().is_empty() => continue,
            (Content::Text(text), Role::System | Role::User) => {
                json!({ "type": "text", "text": text })
            }
            (Content::Image(media), Role::User) => {
                json!({ "type": "image", "source": source(media) })
            }
            (Content::File { media, name }, Role::User) => file(media, name.as_deref())?,
            (Content::ToolResult { call_id, output }, Role::Tool) => {
                json!({ "type": "tool_result", "tool_use_id": id(call_id), "content": output })
            }
            _ => return Err(part.misplaced(message.role)),
        };
        blocks.push(with_vendor(block, part));
    }
    Ok(blocks)
}

fn file(media: &Media, name: Option<&str>) -> Result<Value, Error> {
    if let Media::Base64 { mime, .. } = media
        && mime != "application/pdf"
    {
        return Err(Error::Invalid(format!(
            "a file of the type {mime}; this vendor takes application/pdf"
        )));
    }
    let mut block = json!({ "type": "document", "source": source(media) });
    if let Some(name) = name {
        block["title"] = name.into();
    }
    Ok(block)
}

fn source(media: &Media) -> Value {
    match media {
        Media::Url(url) => json!({ "type": "url", "url": url }),
        Media::Base64 { mime, data } => {
            json!({ "type": "base64", "media_type": mime, "data": data })
        }
    }
}

/// The model's blocks in their order; none if nothing of them can go back.
fn assistant(message: &Message) -> Result<Vec<Value>, Error> {
    let mut blocks = Vec::new();
    for part in &message.parts {
        match &part.content {
            Content::Text(text) if text.trim().is_empty() => {}
            Content::Text(text) => {
                blocks.push(with_vendor(json!({ "type": "text", "text": text }), part));
            }
            Content::Reasoning(text) => blocks.extend(thought(text, part)),
            Content::ToolCall {
                id: call,
                name,
                args,
            } => {
                let input = as_object(args);
                let call =
                    json!({ "type": "tool_use", "id": id(call), "name": name, "input": input });
                blocks.push(with_vendor(call, part));
            }
            Content::Image(_) | Content::File { .. } | Content::ToolResult { .. } => {
                return Err(part.misplaced(message.role));
            }
        }
    }
    // A message must not end with a thought.
    while blocks.last().is_some_and(is_thought) {
        blocks.pop();
    }
    Ok(blocks)
}

/// Thinking goes back as it came; what nobody signed is refused.
fn thought(text: &str, part: &Part) -> Option<Value> {
    let member = |name| part.vendor.as_ref()?.get(name)?.as_str();
    if let Some(data) = member(REDACTED) {
        return Some(json!({ "type": "redacted_thinking", "data": data }));
    }
    let signature = member(SIGNATURE)?;
    Some(json!({ "type": "thinking", "thinking": text, "signature": signature }))
}

fn is_thought(block: &Value) -> bool {
    matches!(
        block["type"].as_str(),
        Some("thinking" | "redacted_thinking")
    )
}

/// A call's id in the letters that the wire takes, the same for a call and its result.
fn id(id: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    id.chars().map(letter).collect()
}

fn with_vendor(mut block: Value, part: &Part) -> Value {
    for (name, member) in members(part, &OWN) {
        block[name] = member.clone();
    }
    block
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
