use super::*;
use crate::{Settings, limits};

fn part(content: Content, vendor: Value) -> Part {
    let vendor = Some(vendor).filter(|vendor| !vendor.is_null());
    Part { content, vendor }
}

fn text(text: &str) -> Part {
    Content::Text(text.into()).into()
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts }
}

fn call(id: &str, args: Value) -> Part {
    let (id, name) = (id.to_owned(), "look".to_owned());
    Content::ToolCall { id, name, args }.into()
}

fn result(id: &str) -> Part {
    Content::ToolResult {
        call_id: id.into(),
        output: "ok".into(),
    }
    .into()
}

fn request(messages: Vec<Message>) -> Request {
    Request {
        model: "claude-sonnet-5-5".into(),
        messages,
        ..Request::default()
    }
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(&body(request).unwrap()).unwrap()
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "the callers write a literal")]
fn check(messages: Vec<Message>, expected: Value) {
    assert_eq!(written(&request(messages))["messages"], expected);
}

#[test]
fn the_least_request_has_a_limit_of_tokens() {
    assert_eq!(
        written(&request(vec![Message::text(Role::User, "Hi")])),
        json!({
            "model": "claude-sonnet-5-5", "max_tokens": limits::ANTHROPIC_MAX_TOKENS, "stream": true,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        })
    );
}

#[test]
fn everything_has_its_place() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let mut whole = request(vec![
        Message::text(Role::System, "Be kind."),
        Message::text(Role::User, "Hi"),
        Message::text(Role::System, "Be brief."),
    ]);
    whole.tools = vec![Tool {
        name: "look".into(),
        description: "Looks".into(),
        parameters: json!({}),
    }];
    whole.output_schema = Some(schema);
    whole.settings = Settings {
        temperature: Some(0.5),
        top_p: Some(0.25),
        max_output_tokens: Some(99),
        stop: vec!["END".into()],
        seed: Some(1),
        effort: Some("high".into()),
        extra: Map::from_iter([
            ("top_k".to_owned(), json!(3)),
            ("output_config".to_owned(), json!({"effort": "max"})),
            ("top_p".to_owned(), Value::Null),
        ]),
        ..Settings::default()
    };
    assert_eq!(
        written(&whole),
        json!({
            "model": "claude-sonnet-5-5", "max_tokens": 99, "stream": true, "temperature": 0.5, "top_k": 3,
            "system": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Be brief."}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            "tools": [{"name": "look", "description": "Looks", "input_schema": {"type": "object"}}],
            "stop_sequences": ["END"],
            "thinking": {"type": "adaptive", "display": "summarized"},
            "output_config": {"effort": "max", "format": {"type": "json_schema", "schema": {
                "type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false,
            }}},
        })
    );
}

#[test]
fn a_schema_that_the_mode_cannot_take_is_told_in_words() {
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let plain = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for (model, schema) in [("claude-opus-5", map), ("claude-3-5-haiku-latest", plain)] {
        let mut request = request(vec![Message::text(Role::User, "Hi")]);
        request.model = model.into();
        request.output_schema = Some(schema.clone());
        let written = written(&request);
        assert_eq!(written.get("output_config"), None);
        let words = written["system"][0]["text"].as_str().unwrap();
        assert!(words.ends_with(&schema.to_string()), "{words}");
    }
}

#[test]
fn thinking_goes_back_in_its_place_and_only_if_it_is_signed() {
    let thought = |text: &str, vendor| part(Content::Reasoning(text.into()), vendor);
    check(
        vec![
            Message::text(Role::User, "Hi"),
            message(
                Role::Assistant,
                vec![
                    thought("one", json!({"signature": "c2ln"})),
                    thought("", json!({"redacted_thinking": "ZW5j"})),
                    text("So."),
                    thought("unsigned", Value::Null),
                    thought("another vendor's", json!({"reasoning_details": [1]})),
                    thought("two", json!({"signature": "c2ln2"})),
                    call("t.1", json!({"a": 1})),
                    call("t2", Value::Null),
                    thought("the last", json!({"signature": "x"})),
                ],
            ),
            message(Role::Tool, vec![result("t.1")]),
            message(Role::Tool, vec![result("t2")]),
            Message::text(Role::User, "And?"),
        ],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "one", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "ZW5j"},
                {"type": "text", "text": "So."},
                {"type": "thinking", "thinking": "two", "signature": "c2ln2"},
                {"type": "tool_use", "id": "t_1", "name": "look", "input": {"a": 1}},
                {"type": "tool_use", "id": "t2", "name": "look", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t_1", "content": "ok"},
                {"type": "tool_result", "tool_use_id": "t2", "content": "ok"},
                {"type": "text", "text": "And?"},
            ]},
        ]),
    );
}

#[test]
fn what_says_nothing_is_left_out() {
    let thought = part(Content::Reasoning("x".into()), json!({"signature": "c2ln"}));
    check(
        vec![
            message(Role::User, vec![text(" \n"), text("a")]),
            message(Role::Assistant, vec![thought, text("")]),
            Message::text(Role::User, "b"),
        ],
        json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]),
    );
}

#[test]
fn pictures_documents_and_the_callers_members_go_along() {
    let data = |mime: &str| Media::Base64 {
        mime: mime.into(),
        data: "AA==".into(),
    };
    let pdf = Content::File {
        media: data("application/pdf"),
        name: Some("a.pdf".into()),
    };
    let cached =
        json!({"cache_control": {"type": "ephemeral"}, "thoughtSignature": "another wire's"});
    check(
        vec![message(
            Role::User,
            vec![
                Content::Image(data("image/png")).into(),
                Content::Image(Media::Url("https://x/y.png".into())).into(),
                pdf.into(),
                part(Content::Text("a".into()), cached),
            ],
        )],
        json!([{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}, "title": "a.pdf"},
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        ]}]),
    );
}

#[test]
fn what_cannot_be_sent_is_said() {
    let audio = Content::File {
        media: Media::Base64 {
            mime: "audio/wav".into(),
            data: String::new(),
        },
        name: None,
    };
    for (role, part, expected) in [
        (
            Role::User,
            call("t", json!({})),
            "a tool call in a message of the role User",
        ),
        (Role::Tool, text("a"), "text in a message of the role Tool"),
        (
            Role::Assistant,
            result("t"),
            "a tool result in a message of the role Assistant",
        ),
        (
            Role::System,
            audio.clone().into(),
            "a file in a message of the role System",
        ),
        (
            Role::User,
            audio.into(),
            "a file of the type audio/wav; this vendor takes application/pdf",
        ),
    ] {
        let error = body(&request(vec![message(role, vec![part])])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid model request: {expected}")
        );
    }
    let error = body(&Request::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid model request: no model is named"
    );
}
