//! How a model learns the form of its answer.

use provider::{Content, Message, Request, Role};
use run::{AgentSpec, Structured};
use serde_json::Value;

/// Puts the agent's schema into a request: for the vendor's own mode, or as an instruction in the system message.
pub(crate) fn ask(spec: &AgentSpec, request: &mut Request) {
    let Some(schema) = &spec.output_schema else {
        return;
    };
    match spec.structured {
        Structured::Native => request.output_schema = Some(schema.clone()),
        Structured::Prompt => instruct(schema, &mut request.messages),
    }
}

fn instruct(schema: &Value, messages: &mut Vec<Message>) {
    let text = format!(
        "Answer with one JSON value that fits this JSON Schema, and with nothing else: no prose, no code fence.\n\n{schema}"
    );
    match messages.first_mut() {
        Some(first) if first.role == Role::System => {
            first
                .parts
                .push(Content::Text(format!("\n\n{text}")).into());
        }
        Some(_) | None => messages.insert(0, Message::text(Role::System, text)),
    }
}

#[cfg(test)]
mod tests {
    use run::DriverKind;
    use serde_json::json;

    use super::*;

    /// The schema for the vendor, and the roles and texts of the messages.
    #[track_caller]
    fn check(structured: Structured, system: Option<&str>, native: bool, expected: &[&str]) {
        let schema = json!({"type": "object"});
        let mut spec = AgentSpec::new(DriverKind::Model);
        spec.output_schema = Some(schema.clone());
        spec.structured = structured;
        let mut request = Request::default();
        let system = system.map(|text| Message::text(Role::System, text));
        request.messages.extend(system);
        request.messages.push(Message::text(Role::User, "go"));
        ask(&spec, &mut request);
        assert_eq!(request.output_schema, native.then_some(schema));
        let said: Vec<String> = request
            .messages
            .iter()
            .map(|message| {
                let texts = message.parts.iter().map(|part| match &part.content {
                    Content::Text(text) => text.as_str(),
                    other => panic!("{other:?}"),
                });
                format!("{:?}: {}", message.role, texts.collect::<String>())
            })
            .collect();
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (said, expected) in said.iter().zip(expected) {
            let (begin, end) = expected.split_once('…').unwrap_or((expected, expected));
            assert!(said.starts_with(begin) && said.ends_with(end), "{said:?}");
        }
    }

    #[test]
    fn the_schema_goes_to_the_vendor_or_into_the_system_message() {
        let native = Structured::Native;
        check(
            native,
            Some("Be brief."),
            true,
            &["System: Be brief.", "User: go"],
        );
        let prompt = Structured::Prompt;
        let both = "System: Be brief.\n\nAnswer with one JSON value…{\"type\":\"object\"}";
        check(prompt, Some("Be brief."), false, &[both, "User: go"]);
        let alone = "System: Answer with one JSON value…{\"type\":\"object\"}";
        check(prompt, None, false, &[alone, "User: go"]);
    }
}
