use super::*;
use crate::Settings;

fn part(content: Content, vendor: Value) -> Part {
    let vendor = Some(vendor).filter(|vendor| !vendor.is_null());
    Part { content, vendor }
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts }
}

fn call(id: &str, vendor: Value) -> Part {
    let (id, name) = (id.to_owned(), format!("look_{id}"));
    let args = json!({"a": 1});
    part(Content::ToolCall { id, name, args }, vendor)
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
        model: "gemini-3.8-flash".into(),
        messages,
        ..Request::default()
    }
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(&body(request).unwrap()).unwrap()
}

#[test]
fn a_model_is_a_resource() {
    let path = |model: &str| {
        path(&Request {
            model: model.into(),
            ..Request::default()
        })
    };
    assert_eq!(
        path("gemini-x").unwrap(),
        "models/gemini-x:streamGenerateContent"
    );
    assert_eq!(
        path("tunedModels/y").unwrap(),
        "tunedModels/y:streamGenerateContent"
    );
    assert!(path("").is_err());
}

#[test]
fn everything_has_its_place() {
    let mut whole = request(vec![
        Message::text(Role::System, "Be kind."),
        Message::text(Role::User, "Hi"),
    ]);
    whole.tools = vec![
        Tool {
            name: "look".into(),
            description: "Looks".into(),
            parameters: json!({"$schema": "x", "type": "object"}),
        },
        Tool {
            name: "now".into(),
            description: "Tells".into(),
            parameters: json!({}),
        },
    ];
    whole.output_schema = Some(json!({"type": "object", "$comment": "x"}));
    whole.settings = Settings {
        temperature: Some(0.5),
        top_p: Some(0.25),
        max_output_tokens: Some(99),
        stop: vec!["END".into()],
        seed: Some(1),
        effort: Some("high".into()),
        extra: Map::from_iter([
            (
                "generationConfig".to_owned(),
                json!({"topK": 3, "topP": null}),
            ),
            ("safetySettings".to_owned(), json!([])),
        ]),
        ..Settings::default()
    };
    assert_eq!(
        written(&whole),
        json!({
            "systemInstruction": {"parts": [{"text": "Be kind."}]},
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "tools": [{"functionDeclarations": [
                {"name": "look", "description": "Looks", "parametersJsonSchema": {"type": "object"}},
                {"name": "now", "description": "Tells"},
            ]}],
            "safetySettings": [],
            "generationConfig": {
                "temperature": 0.5, "topK": 3, "maxOutputTokens": 99, "stopSequences": ["END"], "seed": 1,
                "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
                "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "high"},
            },
        })
    );
}

#[test]
fn an_older_model_thinks_by_a_budget_and_takes_no_schema_beside_tools() {
    let mut old = request(vec![Message::text(Role::User, "Hi")]);
    old.model = "gemini-2.5-flash".into();
    old.settings.effort = Some("low".into());
    old.output_schema = Some(json!({"type": "object"}));
    let config = json!({
        "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
        "thinkingConfig": {"includeThoughts": true, "thinkingBudget": 2048},
    });
    assert_eq!(written(&old)["generationConfig"], config);

    old.settings.effort = Some("none".into());
    old.tools = vec![Tool {
        name: "look".into(),
        description: String::new(),
        parameters: Value::Null,
    }];
    let written = written(&old);
    assert_eq!(
        written["generationConfig"],
        json!({"thinkingConfig": {"thinkingBudget": 0}})
    );
    let words = written["systemInstruction"]["parts"][0]["text"]
        .as_str()
        .unwrap();
    assert!(words.ends_with(r#"{"type":"object"}"#), "{words}");
}

#[test]
fn signatures_go_back_with_their_parts_and_results_with_their_names() {
    let sign = |text: &str| json!({"thoughtSignature": text});
    let conversation = vec![
        Message::text(Role::User, "Hi"),
        message(
            Role::Assistant,
            vec![
                part(Content::Reasoning("for people".into()), Value::Null),
                part(Content::Reasoning("signed".into()), sign("t")),
                part(Content::Text("a".into()), sign("x")),
                part(Content::Text(String::new()), sign("y")),
                part(Content::Text(String::new()), Value::Null),
                call("1", sign("z")),
                call("2", Value::Null),
            ],
        ),
        message(Role::Tool, vec![result("1")]),
        message(Role::Tool, vec![result("2")]),
        Message::text(Role::User, "And?"),
        message(
            Role::Assistant,
            vec![call("3", json!({"signature": "another wire's"}))],
        ),
        message(Role::Tool, vec![result("3")]),
    ];
    let function = |id: &str| json!({"id": id, "name": format!("look_{id}"), "args": {"a": 1}});
    let gave = |id: &str| json!({"functionResponse": {"id": id, "name": format!("look_{id}"), "response": {"output": "ok"}}});
    assert_eq!(
        written(&request(conversation))["contents"],
        json!([
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [
                {"text": "signed", "thought": true, "thoughtSignature": "t"},
                {"text": "a", "thoughtSignature": "x"},
                {"text": "", "thoughtSignature": "y"},
                {"functionCall": function("1"), "thoughtSignature": "z"},
                {"functionCall": function("2")},
            ]},
            {"role": "user", "parts": [gave("1"), gave("2"), {"text": "And?"}]},
            // A call of another vendor has no signature, and this one insists on one.
            {"role": "model", "parts": [{"functionCall": function("3"), "thoughtSignature": "skip_thought_signature_validator"}]},
            {"role": "user", "parts": [gave("3")]},
        ])
    );
}

#[test]
fn files_go_as_data_or_by_address() {
    let media = Media::Base64 {
        mime: "audio/wav".into(),
        data: "AA==".into(),
    };
    let name = None;
    let parts = vec![
        Content::File { media, name }.into(),
        Content::Image(Media::Url("https://x/y.png".into())).into(),
    ];
    assert_eq!(
        written(&request(vec![message(Role::User, parts)]))["contents"][0]["parts"],
        json!([
            {"inlineData": {"mimeType": "audio/wav", "data": "AA=="}},
            {"fileData": {"fileUri": "https://x/y.png"}},
        ])
    );
}

#[test]
fn what_cannot_be_sent_is_said() {
    for (role, part, expected) in [
        (
            Role::User,
            call("1", Value::Null),
            "a tool call in a message of the role User",
        ),
        (
            Role::Assistant,
            result("1"),
            "a tool result in a message of the role Assistant",
        ),
        (
            Role::Tool,
            result("1"),
            "a result of the tool call 1, which is not in the request",
        ),
    ] {
        let error = body(&request(vec![message(role, vec![part])])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid model request: {expected}")
        );
    }
}
