//! A request as this wire writes it.

use serde_json::{Map, Value, json};

use super::{ECHO, OWN, schema};
use crate::vendor_data::members;
use crate::{Content, Error, Media, Message, Part, Request, Role, Tool};

/// The body of `POST /chat/completions`. `host` is the vendor's, because OpenAI itself no longer takes the name that
/// everybody else knows for the limit of tokens.
pub(crate) fn body(request: &Request, host: &str) -> Result<Vec<u8>, Error> {
    Request::bytes(&document(request, host)?)
}

fn document(request: &Request, host: &str) -> Result<Map<String, Value>, Error> {
    let model = request.model()?;
    let mut messages = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        add(message, &mut messages)?;
    }
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    set("model", json!(model));
    set("messages", messages.into());
    set("stream", json!(true));
    // Without it there is no usage in a stream.
    set("stream_options", json!({ "include_usage": true }));
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect());
    }
    if let Some(schema) = &request.output_schema {
        let strict = schema::is_strict(schema);
        let format = json!({ "name": "output", "schema": schema, "strict": strict });
        set(
            "response_format",
            json!({ "type": "json_schema", "json_schema": format }),
        );
    }
    let settings = &request.settings;
    if let Some(temperature) = settings.temperature {
        set("temperature", json!(temperature));
    }
    if let Some(top_p) = settings.top_p {
        set("top_p", json!(top_p));
    }
    if let Some(tokens) = settings.max_output_tokens {
        let is_openai = host.ends_with("openai.com") || host.ends_with("openai.azure.com");
        set(
            if is_openai {
                "max_completion_tokens"
            } else {
                "max_tokens"
            },
            json!(tokens),
        );
    }
    if !settings.stop.is_empty() {
        set("stop", json!(settings.stop));
    }
    if let Some(seed) = settings.seed {
        set("seed", json!(seed));
    }
    if let Some(effort) = &settings.effort {
        set("reasoning_effort", json!(effort));
    }
    settings.lay_over(&mut document);
    Ok(document)
}

fn tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": { "name": tool.name, "description": tool.description, "parameters": tool.parameters },
    })
}

/// Adds a message as one or, for results of tools, several of the wire's messages.
fn add(message: &Message, out: &mut Vec<Value>) -> Result<(), Error> {
    match message.role {
        Role::System => out.push(json!({ "role": "system", "content": content(message)? })),
        Role::User => out.push(json!({ "role": "user", "content": content(message)? })),
        Role::Assistant => out.extend(assistant(message)?),
        Role::Tool => {
            for part in &message.parts {
                let Content::ToolResult { call_id, output } = &part.content else {
                    return Err(part.misplaced(message.role));
                };
                let result = json!({ "role": "tool", "tool_call_id": call_id, "content": output });
                out.push(with_vendor(result, part));
            }
        }
    }
    Ok(())
}

/// The content of a message that is not the model's: a string where it can be one, because not every follower reads
/// lists.
fn content(message: &Message) -> Result<Value, Error> {
    let texts: Option<Vec<&str>> = message
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::Text(text) if part.vendor.is_none() => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if let Some(texts) = texts {
        return Ok(texts.join("\n\n").into());
    }
    message
        .parts
        .iter()
        .map(|part| {
            let value = match (&part.content, message.role) {
                (Content::Text(text), _) => json!({ "type": "text", "text": text }),
                (Content::Image(media), Role::User) => {
                    json!({ "type": "image_url", "image_url": { "url": address(media) } })
                }
                (Content::File { media, name }, Role::User) => file(media, name.as_deref()),
                _ => return Err(part.misplaced(message.role)),
            };
            Ok(with_vendor(value, part))
        })
        .collect()
}

fn file(media: &Media, name: Option<&str>) -> Value {
    let format = match media {
        Media::Base64 { mime, .. } => mime.strip_prefix("audio/"),
        Media::Url(_) => None,
    };
    if let (Some(format), Media::Base64 { data, .. }) = (format, media) {
        let format = match format {
            "mpeg" => "mp3",
            "x-wav" | "wave" => "wav",
            other => other,
        };
        return json!({ "type": "input_audio", "input_audio": { "data": data, "format": format } });
    }
    // An address in place of the data is OpenRouter's way; a vendor that cannot fetch it says so.
    let mut file = json!({ "file_data": address(media) });
    if let Some(name) = name {
        file["filename"] = name.into();
    }
    json!({ "type": "file", "file": file })
}

/// The model's message; none if nothing of it can go back, as with reasoning alone.
fn assistant(message: &Message) -> Result<Option<Value>, Error> {
    let mut text = String::new();
    let mut calls = Vec::new();
    let mut more = Map::new();
    for part in &message.parts {
        match &part.content {
            Content::Text(piece) => text.push_str(piece),
            Content::Reasoning(thought) => {
                for (name, value) in members(part, &OWN) {
                    match (name.as_str(), value.as_str()) {
                        (ECHO, Some(field @ ("reasoning_content" | "reasoning"))) => {
                            echo(&mut more, field, thought);
                        }
                        (ECHO, _) => {}
                        _ => {
                            more.insert(name.clone(), value.clone());
                        }
                    }
                }
            }
            Content::ToolCall { id, name, args } => {
                let function = json!({ "name": name, "arguments": args.to_string() });
                let call = json!({ "id": id, "type": "function", "function": function });
                calls.push(with_vendor(call, part));
            }
            Content::Image(_) | Content::File { .. } | Content::ToolResult { .. } => {
                return Err(part.misplaced(message.role));
            }
        }
    }
    if text.is_empty() && calls.is_empty() {
        return Ok(None);
    }
    let mut whole = Map::new();
    whole.insert("role".into(), "assistant".into());
    // Next to calls an empty text is refused by some vendors, and null is what the wire has.
    whole.insert(
        "content".into(),
        if text.is_empty() {
            Value::Null
        } else {
            text.into()
        },
    );
    if !calls.is_empty() {
        whole.insert("tool_calls".into(), calls.into());
    }
    whole.extend(more);
    Ok(Some(whole.into()))
}

fn echo(message: &mut Map<String, Value>, field: &str, thought: &str) {
    let before = message
        .get(field)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let thought = format!("{before}{thought}");
    message.insert(field.to_owned(), thought.into());
}

fn address(media: &Media) -> String {
    match media {
        Media::Url(url) => url.clone(),
        Media::Base64 { mime, data } => format!("data:{mime};base64,{data}"),
    }
}

fn with_vendor(mut value: Value, part: &Part) -> Value {
    for (name, member) in members(part, &OWN) {
        value[name] = member.clone();
    }
    value
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
