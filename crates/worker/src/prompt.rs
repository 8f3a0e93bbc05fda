//! The messages of a model call. Pure.

use provider::{Content, Media, Message, Request, Settings};
use run::event::PromptRendered;
use run::{AgentSpec, ChatMessage, ErrorInfo, Input, ModelSpec, Part, Role};

use crate::structured::ask;

/// The request of a run that is one model call: the system prompt, the thread's history, what the run is told.
pub(crate) fn request(
    spec: &AgentSpec,
    model: &ModelSpec,
    rendered: &PromptRendered,
    history: Vec<Message>,
    told: Vec<Message>,
) -> Request {
    let system = rendered.system.as_deref();
    let system = system.map(|text| Message::text(provider::Role::System, text));
    let messages = system.into_iter().chain(history).chain(told);
    let mut request = Request {
        model: model.model.clone(),
        messages: messages.collect(),
        settings: Settings {
            temperature: spec.temperature,
            max_output_tokens: spec.max_output_tokens,
            ..Settings::default()
        },
        ..Request::default()
    };
    ask(spec, &mut request);
    request
}

/// The conversation that a run brings along, and what it is asked. An error is about parts that no vendor takes.
pub(crate) fn told(input: &Input, rendered: &PromptRendered) -> Result<Vec<Message>, ErrorInfo> {
    let told = conversation(input, rendered.prompt.as_deref()).into_iter();
    told.map(|(of, said)| {
        Ok(Message {
            role: role(of)?,
            parts: parts(&said)?,
        })
    })
    .collect()
}

/// What a run is told, message by message. A rendered prompt stands in place of the text it was made of, with the files
/// beside it.
pub(crate) fn conversation(input: &Input, prompt: Option<&str>) -> Vec<(Role, Vec<Part>)> {
    let opening = opening(input).map(|(n, _)| n);
    let templated = |prompt: &str, said: &[Part]| {
        let files = said.iter().filter(|part| is_file(part)).cloned();
        std::iter::once(Part::text(prompt)).chain(files).collect()
    };
    let mut told = Vec::new();
    for (n, message) in input.messages.iter().flatten().enumerate() {
        let said = match prompt {
            Some(prompt) if opening == Some(n) => templated(prompt, &message.parts),
            Some(_) | None => message.parts.clone(),
        };
        told.push((message.role, said));
    }
    let asked = match prompt {
        Some(prompt) if opening.is_none() => templated(prompt, &input.parts),
        Some(_) | None => input.parts.clone(),
    };
    if !asked.is_empty() {
        told.push((Role::User, asked));
    }
    told
}

/// The message that a template stands for in a conversation that is brought whole: the user's first one. What follows
/// is said as it is.
pub(crate) fn opening(input: &Input) -> Option<(usize, &ChatMessage)> {
    let mut brought = input.messages.iter().flatten().enumerate();
    let first = brought.find(|(_, message)| message.role == Role::User);
    first.filter(|_| input.parts.is_empty())
}

fn role(role: Role) -> Result<provider::Role, ErrorInfo> {
    match role {
        Role::System => Ok(provider::Role::System),
        Role::User => Ok(provider::Role::User),
        Role::Assistant => Ok(provider::Role::Assistant),
        Role::Tool => Err(ErrorInfo::new(
            "message_unsupported",
            "a message of a tool belongs to a call, which messages of an input do not carry",
        )),
    }
}

fn parts(parts: &[Part]) -> Result<Vec<provider::Part>, ErrorInfo> {
    let mut contents = Vec::new();
    for part in parts {
        contents.extend(content(part)?);
    }
    Ok(contents)
}

/// A part as the vendor gets it; nothing for what only people look at.
pub(crate) fn content(part: &Part) -> Result<Option<provider::Part>, ErrorInfo> {
    Ok(match part {
        Part::Text { text, vendor } => Some(provider::Part {
            content: Content::Text(text.clone()),
            vendor: vendor.clone(),
        }),
        Part::Reasoning { text, vendor } => Some(provider::Part {
            content: Content::Reasoning(text.clone()),
            vendor: vendor.clone(),
        }),
        Part::Refusal { text } => Some(Content::Text(text.clone()).into()),
        Part::Source { .. } => None,
        Part::File {
            media_type,
            url,
            name,
        } => {
            let media = media(url)?;
            let content = if media_type.starts_with("image/") {
                Content::Image(media)
            } else {
                let name = name.clone();
                Content::File { media, name }
            };
            Some(content.into())
        }
    })
}

fn is_file(part: &Part) -> bool {
    matches!(part, Part::File { .. })
}

/// Where a file is: at an address, or in a `data:` URL (RFC 2397) in base64.
fn media(url: &str) -> Result<Media, ErrorInfo> {
    let unsupported = |why: &str| ErrorInfo::new("file_unsupported", why);
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(Media::Url(url.to_owned()));
    }
    let Some(rest) = url.strip_prefix("data:") else {
        return Err(unsupported(
            "a file is given by an https: or a data: address",
        ));
    };
    match rest.split_once(";base64,") {
        Some((mime, data)) => Ok(Media::Base64 {
            mime: mime.to_owned(),
            data: data.to_owned(),
        }),
        None => Err(unsupported("a data: address has its bytes in base64")),
    }
}

#[cfg(test)]
mod tests {
    use run::DriverKind;
    use serde_json::json;

    use super::*;

    /// What is said, as `role: contents`.
    #[track_caller]
    fn check(
        rendered: &serde_json::Value,
        input: serde_json::Value,
        expected: Result<&[&str], &str>,
    ) {
        let mut spec = AgentSpec::new(DriverKind::Model);
        spec.model = Some("v/m".into());
        let input: Input = serde_json::from_value(input).unwrap();
        let rendered: PromptRendered = serde_json::from_value(rendered.clone()).unwrap();
        let history = vec![Message::text(provider::Role::Assistant, "before")];
        let model = spec.model_spec().unwrap();
        let told = told(&input, &rendered);
        let request = told.map(|told| request(&spec, &model, &rendered, history, told));
        let said = request.map_err(|error| error.code).map(|request| {
            let messages = request.messages.iter();
            let said = messages.map(|message| {
                let contents: Vec<_> = message.parts.iter().map(|p| &p.content).collect();
                format!("{:?}: {contents:?}", message.role)
            });
            said.collect::<Vec<_>>()
        });
        let expected = expected
            .map(|lines| lines.iter().map(|line| (*line).to_owned()).collect())
            .map_err(str::to_owned);
        assert_eq!(said, expected);
    }

    #[test]
    fn history_stands_between_the_system_prompt_and_what_is_asked() {
        check(
            &json!({"system": "You write poems.", "prompt": "Write about rain!"}),
            json!("rain"),
            Ok(&[
                r#"System: [Text("You write poems.")]"#,
                r#"Assistant: [Text("before")]"#,
                r#"User: [Text("Write about rain!")]"#,
            ]),
        );
    }

    #[test]
    fn a_brought_conversation_is_the_conversation() {
        check(
            &json!({}),
            json!({"messages": [
                {"role": "user", "parts": "hi"},
                {"role": "assistant", "parts": [{"type": "text", "text": "ho"}, {"type": "source", "url": "https://x"}]},
                {"role": "user", "parts": "again"},
            ]}),
            Ok(&[
                r#"Assistant: [Text("before")]"#,
                r#"User: [Text("hi")]"#,
                r#"Assistant: [Text("ho")]"#,
                r#"User: [Text("again")]"#,
            ]),
        );
        check(
            &json!({}),
            json!({"messages": [{"role": "tool", "parts": "x"}]}),
            Err("message_unsupported"),
        );
    }

    #[test]
    fn a_template_gives_a_brought_conversation_its_first_message() {
        check(
            &json!({"prompt": "Write about rain for Ann!"}),
            json!({"messages": [
                {"role": "user", "parts": "rain"},
                {"role": "assistant", "parts": "Drip."},
                {"role": "user", "parts": "Shorter"},
            ]}),
            Ok(&[
                r#"Assistant: [Text("before")]"#,
                r#"User: [Text("Write about rain for Ann!")]"#,
                r#"Assistant: [Text("Drip.")]"#,
                r#"User: [Text("Shorter")]"#,
            ]),
        );
    }

    #[test]
    fn files_go_along() {
        let picture =
            json!({"type": "file", "media_type": "image/png", "url": "data:image/png;base64,AAAA"});
        check(
            &json!({"prompt": "See this"}),
            json!({"parts": [{"type": "text", "text": "this"}, picture]}),
            Ok(&[
                r#"Assistant: [Text("before")]"#,
                r#"User: [Text("See this"), Image(Base64 { mime: "image/png", data: "AAAA" })]"#,
            ]),
        );
        check(
            &json!({}),
            json!({"parts": [{"type": "file", "media_type": "text/plain", "url": "file:///etc/passwd"}]}),
            Err("file_unsupported"),
        );
    }
}
