//! The messages of a model call. Pure.

use provider::{Content, Media, Message, Request, Settings};
use run::{AgentSpec, ChatMessage, ErrorInfo, Input, ModelSpec, Part, Role, text_of};

use crate::structured::ask;
use crate::template::Templates;

/// The request of a run that is one model call. An error is about the agent's templates or about parts that no vendor
/// takes.
pub(crate) fn request(
    spec: &AgentSpec,
    model: &ModelSpec,
    input: &Input,
) -> Result<Request, ErrorInfo> {
    let opening = opening(input);
    let text = opening.map_or_else(|| input.as_text(), |(_, message)| text_of(&message.parts));
    let templates = Templates::with_text(input, text);
    let render = |what: &str, template: &str| {
        templates
            .render(what, template)
            .map_err(|error| ErrorInfo::new("template", error.to_string()))
    };
    let mut messages = Vec::new();
    if let Some(system) = &spec.system {
        let text = render("system", system)?;
        messages.push(Message::text(provider::Role::System, text));
    }
    let in_form = |prompt: &str, said: &[Part]| {
        let mut asked = vec![Content::Text(render("prompt", prompt)?).into()];
        // The template has the text; files go along beside it.
        for part in said.iter().filter(|part| is_file(part)) {
            asked.extend(content(part)?);
        }
        Ok(Message {
            role: provider::Role::User,
            parts: asked,
        })
    };
    for (n, message) in input.messages.iter().flatten().enumerate() {
        messages.push(match (&spec.prompt, opening) {
            (Some(prompt), Some((first, _))) if first == n => in_form(prompt, &message.parts)?,
            _ => Message {
                role: role(message.role)?,
                parts: parts(&message.parts)?,
            },
        });
    }
    if let (Some(prompt), None) = (&spec.prompt, opening) {
        messages.push(in_form(prompt, &input.parts)?);
    } else if !input.parts.is_empty() {
        messages.push(Message {
            role: provider::Role::User,
            parts: parts(&input.parts)?,
        });
    }
    let mut request = Request {
        model: model.model.clone(),
        messages,
        settings: Settings {
            temperature: spec.temperature,
            max_output_tokens: spec.max_output_tokens,
            ..Settings::default()
        },
        ..Request::default()
    };
    ask(spec, &mut request);
    Ok(request)
}

/// The message that a template stands for in a conversation that is brought whole: the user's first one. What follows
/// is said as it is.
fn opening(input: &Input) -> Option<(usize, &ChatMessage)> {
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
fn content(part: &Part) -> Result<Option<provider::Part>, ErrorInfo> {
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
    fn check(agent: &serde_json::Value, input: serde_json::Value, expected: Result<&[&str], &str>) {
        let mut spec = AgentSpec::new(DriverKind::Model);
        spec.model = Some("v/m".into());
        let text = |key: &str| agent[key].as_str().map(str::to_owned);
        spec.system = text("system");
        spec.prompt = text("prompt");
        let input: Input = serde_json::from_value(input).unwrap();
        let request = request(&spec, &spec.model_spec().unwrap(), &input);
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
    fn system_and_prompt_are_rendered() {
        check(
            &json!({"system": "You write {{kind}}.", "prompt": "Write about {{input}}!"}),
            json!({"parts": "rain", "variables": {"kind": "poems"}}),
            Ok(&[
                r#"System: [Text("You write poems.")]"#,
                r#"User: [Text("Write about rain!")]"#,
            ]),
        );
        check(&json!({"prompt": "{{x}}"}), json!("rain"), Err("template"));
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
            &json!({"system": "About {{input}}.", "prompt": "Write about {{input}} for {{who}}!"}),
            json!({"variables": {"who": "Ann"}, "messages": [
                {"role": "user", "parts": "rain"},
                {"role": "assistant", "parts": "Drip."},
                {"role": "user", "parts": "Shorter"},
            ]}),
            Ok(&[
                r#"System: [Text("About rain.")]"#,
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
            &json!({"prompt": "See {{input}}"}),
            json!({"parts": [{"type": "text", "text": "this"}, picture]}),
            Ok(&[r#"User: [Text("See this"), Image(Base64 { mime: "image/png", data: "AAAA" })]"#]),
        );
        check(
            &json!({}),
            json!({"parts": [{"type": "file", "media_type": "text/plain", "url": "file:///etc/passwd"}]}),
            Err("file_unsupported"),
        );
    }
}
