use super::*;
use crate::Settings;

fn part(content: Content, vendor: Value) -> Part {
    let vendor = Some(vendor).filter(|vendor| !vendor.is_null());
    Part { content, vendor }
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts }
}

fn call(id: &str) -> Part {
    let (id, name) = (id.to_owned(), "look".to_owned());
    let args = json!({"a": 1});
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
        model: "qwen3:8b".into(),
        messages,
        ..Request::default()
    }
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(&body(request).unwrap()).unwrap()
}

#[test]
fn everything_has_its_place() {
    let mut whole = request(vec![
        Message::text(Role::System, "Be kind."),
        message(
            Role::User,
            vec![
                Content::Text("Hi".into()).into(),
                Content::Image(Media::Base64 {
                    mime: "image/png".into(),
                    data: "AA==".into(),
                })
                .into(),
            ],
        ),
    ]);
    whole.tools = vec![Tool {
        name: "look".into(),
        description: "Looks".into(),
        parameters: json!({"type": "object"}),
    }];
    whole.output_schema = Some(json!({"type": "object"}));
    whole.settings = Settings {
        temperature: Some(0.5),
        top_p: Some(0.25),
        max_output_tokens: Some(99),
        stop: vec!["END".into()],
        seed: Some(1),
        effort: Some("low".into()),
        extra: Map::from_iter([
            ("options".to_owned(), json!({"num_ctx": 8192})),
            ("keep_alive".to_owned(), json!("10m")),
        ]),
        ..Settings::default()
    };
    assert_eq!(
        written(&whole),
        json!({
            "model": "qwen3:8b", "stream": true, "think": "low", "keep_alive": "10m", "format": {"type": "object"},
            "messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": "Hi", "images": ["AA=="]},
            ],
            "tools": [{"type": "function", "function": {"name": "look", "description": "Looks", "parameters": {"type": "object"}}}],
            "options": {"temperature": 0.5, "top_p": 0.25, "num_predict": 99, "stop": ["END"], "seed": 1, "num_ctx": 8192},
        })
    );
    let mut silent = request(vec![Message::text(Role::User, "Hi")]);
    silent.settings.effort = Some("none".into());
    assert_eq!(
        written(&silent),
        json!({"model": "qwen3:8b", "stream": true, "think": false, "messages": [{"role": "user", "content": "Hi"}]})
    );
}

#[test]
fn calls_go_back_with_their_thoughts_and_results_with_their_names() {
    let thought = |text: &str, vendor| part(Content::Reasoning(text.into()), vendor);
    let conversation = vec![
        Message::text(Role::User, "Hi"),
        message(
            Role::Assistant,
            vec![
                thought("Look", json!({"echo": "thinking"})),
                thought("unwanted", Value::Null),
                Content::Text("So.".into()).into(),
                call("c1"),
            ],
        ),
        message(Role::Tool, vec![result("c1")]),
        message(
            Role::Assistant,
            vec![thought("only", json!({"echo": "thinking"}))],
        ),
    ];
    assert_eq!(
        written(&request(conversation))["messages"],
        json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "So.", "thinking": "Look", "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": {"a": 1}}}]},
            {"role": "tool", "content": "ok", "tool_name": "look", "tool_call_id": "c1"},
        ])
    );
}

#[test]
fn what_cannot_be_sent_is_said() {
    let at = Content::Image(Media::Url("https://x/y".into()));
    let file = Content::File {
        media: Media::Url("https://x/y".into()),
        name: None,
    };
    for (role, part, expected) in [
        (
            Role::User,
            at.into(),
            "an image at an address; this vendor takes images as data only",
        ),
        (
            Role::User,
            file.into(),
            "a file; this vendor takes text and images",
        ),
        (
            Role::System,
            call("c"),
            "a tool call in a message of the role System",
        ),
        (
            Role::Tool,
            call("c"),
            "a tool call in a message of the role Tool",
        ),
        (
            Role::Assistant,
            result("c"),
            "a tool result in a message of the role Assistant",
        ),
        (
            Role::Tool,
            result("c"),
            "a result of the tool call c, which is not in the request",
        ),
    ] {
        let error = body(&request(vec![message(role, vec![part])])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid model request: {expected}")
        );
    }
}
