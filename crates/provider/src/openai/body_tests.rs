use super::*;
use crate::Settings;

fn part(content: Content, vendor: Option<Value>) -> Part {
    Part { content, vendor }
}

fn text(text: &str) -> Part {
    Content::Text(text.into()).into()
}

fn written(request: &Request, host: &str) -> Value {
    serde_json::from_slice(&body(request, host).unwrap()).unwrap()
}

/// The wire's messages for one of ours.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "the callers write a literal")]
fn check(role: Role, parts: Vec<Part>, expected: Value) {
    let request = Request {
        model: "m".into(),
        messages: vec![Message { role, parts }],
        ..Request::default()
    };
    assert_eq!(written(&request, "x")["messages"], expected);
}

#[test]
fn the_least_request_is_small() {
    let request = Request {
        model: "m".into(),
        messages: vec![Message::text(Role::User, "hi")],
        ..Request::default()
    };
    let expected = json!({
        "model": "m", "messages": [{"role": "user", "content": "hi"}],
        "stream": true, "stream_options": {"include_usage": true},
    });
    assert_eq!(written(&request, "localhost"), expected);
}

#[test]
fn every_setting_has_its_place() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let mut request = Request {
        model: "m".into(),
        tools: vec![Tool {
            name: "look".into(),
            description: "Looks.".into(),
            parameters: json!({"type": "object"}),
        }],
        output_schema: Some(schema.clone()),
        settings: Settings {
            temperature: Some(0.5),
            top_p: Some(0.25),
            max_output_tokens: Some(7),
            stop: vec!["END".into()],
            seed: Some(-3),
            effort: Some("low".into()),
            extra: json!({"provider": {"sort": "price"}, "stream_options": null})
                .as_object()
                .unwrap()
                .clone(),
            ..Settings::default()
        },
        ..Request::default()
    };
    let mut expected = json!({
        "model": "m", "messages": [], "stream": true,
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "output", "schema": schema, "strict": true}},
        "temperature": 0.5, "top_p": 0.25, "max_tokens": 7, "stop": ["END"], "seed": -3, "reasoning_effort": "low",
        "provider": {"sort": "price"},
    });
    assert_eq!(written(&request, "localhost"), expected);

    expected.as_object_mut().unwrap().remove("max_tokens");
    expected["max_completion_tokens"] = json!(7);
    assert_eq!(written(&request, "api.openai.com"), expected);

    request.output_schema = Some(json!({"type": "object"}));
    expected["response_format"]["json_schema"]["schema"] = json!({"type": "object"});
    expected["response_format"]["json_schema"]["strict"] = json!(false);
    assert_eq!(written(&request, "api.openai.com"), expected);
}

#[test]
fn texts_are_a_string_until_a_part_needs_more() {
    check(
        Role::System,
        vec![text("a"), text("b")],
        json!([{"role": "system", "content": "a\n\nb"}]),
    );
    let cached = part(
        Content::Text("a".into()),
        Some(json!({"cache_control": {"type": "ephemeral"}})),
    );
    check(
        Role::System,
        vec![cached],
        json!([{"role": "system", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]}]),
    );
}

#[test]
fn a_user_sends_pictures_and_files() {
    let here = |mime: &str| Media::Base64 {
        mime: mime.into(),
        data: "AAAA".into(),
    };
    let file = |media, name: Option<&str>| {
        Part::from(Content::File {
            media,
            name: name.map(str::to_owned),
        })
    };
    check(
        Role::User,
        vec![
            text("see"),
            Content::Image(Media::Url("https://x/y.png".into())).into(),
            Content::Image(here("image/png")).into(),
            file(here("application/pdf"), Some("a.pdf")),
            file(Media::Url("https://x/a.pdf".into()), None),
            file(here("audio/mpeg"), None),
        ],
        json!([{"role": "user", "content": [
            {"type": "text", "text": "see"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {"type": "file", "file": {"file_data": "https://x/a.pdf"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
        ]}]),
    );
}

#[test]
fn the_models_calls_go_back_with_what_the_vendor_wants_back() {
    let reasoning = |vendor| part(Content::Reasoning("thought".into()), vendor);
    let call = |vendor| {
        let args = json!({"at": "a"});
        part(
            Content::ToolCall {
                id: "c".into(),
                name: "look".into(),
                args,
            },
            vendor,
        )
    };
    let sent = json!({"id": "c", "type": "function", "function": {"name": "look", "arguments": "{\"at\":\"a\"}"}});
    check(
        Role::Assistant,
        vec![reasoning(None), text("a"), text("b"), call(None)],
        json!([{"role": "assistant", "content": "ab", "tool_calls": [sent]}]),
    );
    check(
        Role::Assistant,
        vec![
            reasoning(Some(json!({"echo": "reasoning_content"}))),
            call(None),
        ],
        json!([{"role": "assistant", "content": null, "tool_calls": [sent], "reasoning_content": "thought"}]),
    );
    let mut signed = sent.clone();
    signed["extra_content"] = json!({"google": {"thought_signature": "s"}});
    check(
        Role::Assistant,
        vec![
            reasoning(Some(json!({"reasoning_details": [{"signature": "s"}]}))),
            call(Some(
                json!({"extra_content": {"google": {"thought_signature": "s"}}}),
            )),
        ],
        json!([{"role": "assistant", "content": null, "tool_calls": [signed], "reasoning_details": [{"signature": "s"}]}]),
    );
    check(Role::Assistant, vec![reasoning(None)], json!([]));
}

#[test]
fn each_result_is_a_message_of_its_own() {
    let result = |call_id: &str, output: &str| {
        Part::from(Content::ToolResult {
            call_id: call_id.into(),
            output: output.into(),
        })
    };
    check(
        Role::Tool,
        vec![result("c", "1"), result("d", "2")],
        json!([
            {"role": "tool", "tool_call_id": "c", "content": "1"},
            {"role": "tool", "tool_call_id": "d", "content": "2"},
        ]),
    );
}

#[track_caller]
fn check_invalid(model: &str, role: Role, content: Content, expected: &str) {
    let request = Request {
        model: model.into(),
        messages: vec![Message {
            role,
            parts: vec![content.into()],
        }],
        ..Request::default()
    };
    let error = body(&request, "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("invalid model request: {expected}")
    );
}

#[test]
fn what_cannot_be_said_is_refused_before_it_is_sent() {
    check_invalid(
        "",
        Role::User,
        Content::Text("a".into()),
        "no model is named",
    );
    let image = || Content::Image(Media::Url("u".into()));
    check_invalid(
        "m",
        Role::System,
        image(),
        "an image in a message of the role System",
    );
    check_invalid(
        "m",
        Role::Assistant,
        image(),
        "an image in a message of the role Assistant",
    );
    check_invalid(
        "m",
        Role::Tool,
        Content::Text("a".into()),
        "text in a message of the role Tool",
    );
    check_invalid(
        "m",
        Role::User,
        Content::Reasoning("a".into()),
        "reasoning in a message of the role User",
    );
}
