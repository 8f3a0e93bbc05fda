//! A request as this wire writes it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{OWN, SIGNATURE, schema};
use crate::request::as_object;
use crate::turns::Turns;
use crate::vendor_data::members;
use crate::{Content, Error, Media, Message, Part, Request, Role, Tool};

/// Takes the place of a signature that was never given, because the call is another vendor's ("Thought signatures",
/// the way for calls that were not made by the model itself).
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Where the request goes, below the version.
pub(crate) fn path(request: &Request) -> Result<String, Error> {
    let model = request.model()?;
    // Other resources, such as tuned models, are named with their collection.
    let collection = if model.contains('/') { "" } else { "models/" };
    Ok(format!("{collection}{model}:streamGenerateContent"))
}

/// The body of `POST …:streamGenerateContent`.
pub(crate) fn body(request: &Request) -> Result<Vec<u8>, Error> {
    Request::bytes(&document(request)?)
}

fn document(request: &Request) -> Result<Map<String, Value>, Error> {
    let is_old = is_before_signatures(request.model()?);
    let called = request.called();
    let mut system = Vec::new();
    let mut turns = Turns::default();
    for message in &request.messages {
        match message.role {
            Role::System => system.extend(parts(message, &called)?),
            Role::User | Role::Tool => turns.add("user", parts(message, &called)?),
            Role::Assistant => {
                let mut parts = assistant(message)?;
                if !is_old {
                    sign_first_call(&mut parts);
                }
                turns.add("model", parts);
            }
        }
    }
    let mut config = config(request);
    if let Some(wanted) = &request.output_schema {
        // Older models refuse a schema beside tools.
        if is_old && !request.tools.is_empty() {
            system.push(json!({ "text": Request::schema_in_words(wanted) }));
        } else {
            config.insert("responseMimeType".into(), "application/json".into());
            config.insert("responseJsonSchema".into(), schema::fit(wanted));
        }
    }

    let mut document = Map::new();
    let mut set = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    set("contents", turns.into_messages("parts"));
    if !system.is_empty() {
        set("systemInstruction", json!({ "parts": system }));
    }
    if !request.tools.is_empty() {
        let functions: Value = request.tools.iter().map(tool).collect();
        set("tools", json!([{ "functionDeclarations": functions }]));
    }
    if !config.is_empty() {
        set("generationConfig", config.into());
    }
    request.settings.lay_over(&mut document);
    Ok(document)
}

fn config(request: &Request) -> Map<String, Value> {
    let settings = &request.settings;
    let mut config = Map::new();
    let mut set = |name: &str, value: Value| {
        config.insert(name.to_owned(), value);
    };
    if let Some(temperature) = settings.temperature {
        set("temperature", json!(temperature));
    }
    if let Some(top_p) = settings.top_p {
        set("topP", json!(top_p));
    }
    if let Some(tokens) = settings.max_output_tokens {
        set("maxOutputTokens", json!(tokens));
    }
    if !settings.stop.is_empty() {
        set("stopSequences", json!(settings.stop));
    }
    if let Some(seed) = settings.seed {
        set("seed", json!(seed));
    }
    if let Some(effort) = &settings.effort {
        set("thinkingConfig", thinking(effort, &request.model));
    }
    config
}

/// Whether a model came before signatures and levels of thinking: the generation 2.5 and before.
fn is_before_signatures(model: &str) -> bool {
    model.contains("gemini-1") || model.contains("gemini-2")
}

fn thinking(effort: &str, model: &str) -> Value {
    let budget = match effort {
        "none" | "off" => return json!({ "thinkingBudget": 0 }),
        _ if !is_before_signatures(model) => {
            return json!({ "includeThoughts": true, "thinkingLevel": effort });
        }
        "minimal" => 512,
        "low" => 2048,
        "medium" => 8192,
        // The most that every model of the generation takes.
        _ => 24_576,
    };
    json!({ "includeThoughts": true, "thinkingBudget": budget })
}

fn tool(tool: &Tool) -> Value {
    let mut declared = json!({ "name": tool.name, "description": tool.description });
    if tool
        .parameters
        .as_object()
        .is_some_and(|schema| !schema.is_empty())
    {
        declared["parametersJsonSchema"] = schema::fit(&tool.parameters);
    }
    declared
}

/// The parts of a message that is not the model's.
fn parts(message: &Message, called: &HashMap<&str, &str>) -> Result<Vec<Value>, Error> {
    message
        .parts
        .iter()
        .map(|part| {
            let value = match (&part.content, message.role) {
                (Content::Text(text), Role::System | Role::User) => json!({ "text": text }),
                (Content::Image(media) | Content::File { media, .. }, Role::User) => data(media),
                (Content::ToolResult { call_id, output }, Role::Tool) => {
                    // The wire wants the name of the function with what it gave.
                    let name = called.get(&**call_id).ok_or_else(|| {
                        Error::Invalid(format!("a result of the tool call {call_id}, which is not in the request"))
                    })?;
                    let response = json!({ "output": output });
                    json!({ "functionResponse": { "id": call_id, "name": name, "response": response } })
                }
                _ => return Err(part.misplaced(message.role)),
            };
            Ok(with_vendor(value, part))
        })
        .collect()
}

fn data(media: &Media) -> Value {
    match media {
        Media::Url(url) => json!({ "fileData": { "fileUri": url } }),
        Media::Base64 { mime, data } => {
            json!({ "inlineData": { "mimeType": mime, "data": data } })
        }
    }
}

/// The model's parts in their order.
fn assistant(message: &Message) -> Result<Vec<Value>, Error> {
    let mut parts = Vec::new();
    for part in &message.parts {
        let is_signed = members(part, &OWN).any(|(name, _)| name == SIGNATURE);
        let value = match &part.content {
            // A signature may stand alone.
            Content::Text(text) if text.is_empty() && !is_signed => continue,
            Content::Text(text) => json!({ "text": text }),
            // A thought is a summary for people; what the model wants of it is the signature.
            Content::Reasoning(_) if !is_signed => continue,
            Content::Reasoning(text) => json!({ "text": text, "thought": true }),
            Content::ToolCall { id, name, args } => {
                let args = as_object(args);
                json!({ "functionCall": { "id": id, "name": name, "args": args } })
            }
            Content::Image(_) | Content::File { .. } | Content::ToolResult { .. } => {
                return Err(part.misplaced(message.role));
            }
        };
        parts.push(with_vendor(value, part));
    }
    Ok(parts)
}

/// Of calls in parallel the first carries the signature of them all.
fn sign_first_call(parts: &mut [Value]) {
    let first = parts
        .iter_mut()
        .find(|part| part.get("functionCall").is_some());
    if let Some(call) = first
        && call.get(SIGNATURE).is_none()
    {
        call[SIGNATURE] = NO_SIGNATURE.into();
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
