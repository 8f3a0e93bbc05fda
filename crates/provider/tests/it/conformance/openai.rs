//! Chat completions: as reasoning models behind the plain wire speak it, and as OpenRouter does.

use provider::Vendor;
use serde_json::{Value, json};

use super::flavour::wanted;
use super::{Asked, Failure, Flavour, Reason, Said};

/// The plain wire; thoughts come in `reasoning_content` and go back beside the calls.
pub(crate) struct ChatCompletions;

/// OpenRouter: comments in between, thoughts in `reasoning` with details that go back.
pub(crate) struct OpenRouter;

const DETAILS: &str = r#"[{"type":"reasoning.text","index":0,"text":"Two cities, two calls.","signature":"c2ln"},{"type":"reasoning.encrypted","index":1,"data":"ZW5j"}]"#;

impl Flavour for ChatCompletions {
    fn vendor(&self, root: &str) -> Vendor {
        Vendor::openai(format!("{root}/v1"))
    }

    fn path(&self, _: &str) -> String {
        "/v1/chat/completions".into()
    }

    fn key_header(&self) -> (&'static str, &'static str) {
        ("authorization", "bearer ")
    }

    fn models(&self) -> (&'static str, &'static str) {
        (
            "/v1/models",
            r#"{"object":"list","data":[{"id":"good"},{"id":"other"}]}"#,
        )
    }

    fn read(&self, body: &Value) -> Result<Asked, String> {
        read(body, |message| {
            wanted(
                message["reasoning_content"] == "Two cities, two calls.",
                "reasoning_content is missing",
            )
        })
    }

    fn write(&self, script: &[Said]) -> Vec<String> {
        write(script, |thought| json!({"reasoning_content": thought}))
    }

    fn failure(&self, failure: Failure, words: &str) -> String {
        failed(failure, words)
    }
}

impl Flavour for OpenRouter {
    fn vendor(&self, root: &str) -> Vendor {
        Vendor::openai(format!("{root}/api/v1/"))
    }

    fn path(&self, _: &str) -> String {
        "/api/v1/chat/completions".into()
    }

    fn key_header(&self) -> (&'static str, &'static str) {
        ("authorization", "bearer ")
    }

    fn models(&self) -> (&'static str, &'static str) {
        (
            "/api/v1/models",
            r#"{"data":[{"id":"good","pricing":{}},{"id":"other"}]}"#,
        )
    }

    fn read(&self, body: &Value) -> Result<Asked, String> {
        let details: Value = serde_json::from_str(DETAILS).unwrap();
        read(body, |message| {
            wanted(
                message["reasoning_details"] == details,
                "reasoning_details were changed",
            )
        })
    }

    fn write(&self, script: &[Said]) -> Vec<String> {
        let mut frames = vec![": OPENROUTER PROCESSING\n\n".to_owned()];
        frames.extend(write(script, |thought| {
            json!({"reasoning": thought, "reasoning_details": serde_json::from_str::<Value>(DETAILS).unwrap()})
        }));
        frames
    }

    fn failure(&self, failure: Failure, words: &str) -> String {
        match failure {
            Failure::Broken => json!({"error": {"code": 503, "message": words, "metadata": {"provider_name": "x"}}}).to_string(),
            _ => failed(failure, words),
        }
    }
}

fn read(
    body: &Value,
    thought_is_back: impl Fn(&Value) -> Result<(), String>,
) -> Result<Asked, String> {
    wanted(body["stream"] == true, "not a stream")?;
    wanted(
        body["stream_options"]["include_usage"] == true,
        "no usage was asked for",
    )?;
    let mut asked = Asked {
        has_tools: body["tools"][0]["function"]["parameters"]["type"] == "object",
        ..Asked::default()
    };
    if let Some(format) = body.get("response_format") {
        let schema = &format["json_schema"];
        wanted(
            format["type"] == "json_schema"
                && schema["strict"] == true
                && schema["name"].is_string(),
            "response_format",
        )?;
        asked.has_schema = true;
    }
    let mut open: Vec<&Value> = Vec::new();
    for message in body["messages"].as_array().ok_or("no messages")? {
        match message["role"].as_str() {
            Some("tool") => {
                let id = &message["tool_call_id"];
                let place = open.iter().position(|call| call["id"] == *id);
                open.remove(place.ok_or("a result without its call")?);
                let output = message["content"].as_str().ok_or("no content")?;
                asked.results.push(output.to_owned());
            }
            _ if !open.is_empty() => return Err("a call has no result".into()),
            Some("assistant") => {
                open = message["tool_calls"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .collect();
                let are_right = open.iter().all(|call| {
                    call["type"] == "function" && call["function"]["arguments"].is_string()
                });
                wanted(are_right, "tool_calls")?;
                if open.len() == 2 {
                    thought_is_back(message)?;
                }
            }
            Some("user" | "system") => wanted(message["content"].is_string(), "content")?,
            _ => return Err("role".into()),
        }
    }
    Ok(asked)
}

fn write(script: &[Said], thought: impl Fn(&str) -> Value) -> Vec<String> {
    let frame = |value: Value| format!("data: {value}\n\n");
    let choice = |delta: Value, finish: Value| json!({"id": "r1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let usage = json!({
        "prompt_tokens": 11, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    });
    let mut n_calls = 0;
    let mut frames = vec![frame(choice(
        json!({"role": "assistant", "content": ""}),
        Value::Null,
    ))];
    for said in script {
        let delta = match said {
            Said::Thought(text) => thought(text),
            Said::Text(text) => json!({"content": text}),
            Said::Refusal(text) => json!({"refusal": text}),
            Said::Call(city) => {
                let call =
                    |delta: Value| frame(choice(json!({"tool_calls": [delta]}), Value::Null));
                let index = n_calls;
                n_calls += 1;
                frames.push(call(json!({"index": index, "id": format!("call_{index}"), "type": "function", "function": {"name": "look", "arguments": ""}})));
                frames.push(call(
                    json!({"index": index, "function": {"arguments": "{\"city\""}}),
                ));
                json!({"tool_calls": [{"index": index, "function": {"arguments": format!(": \"{city}\"}}")}}]})
            }
            Said::Noise => {
                frames
                    .push("event: news\ndata: {\"news\":[1]}\n\n: comment\n\nretry: 5\n\n".into());
                frames.push(frame(
                    json!({"choices": [{"index": 3, "delta": {"content": "no"}}], "new": {"a": 1}}),
                ));
                json!({"content": null, "audio": {}, "tool_calls": null})
            }
            Said::Error(words) => {
                let error = json!({"message": words, "type": "server_error"});
                frames.push(frame(json!({"error": error})));
                continue;
            }
            Said::End(reason) => {
                let word = match reason {
                    Reason::Stop => "stop",
                    Reason::Tools => "tool_calls",
                };
                frames.push(frame(choice(json!({}), word.into())));
                frames.push(frame(json!({"id": "r1", "choices": [], "usage": usage})));
                frames.push("data: [DONE]\n\n".into());
                continue;
            }
            // Zeros first, then in the choice and beside the error that is none.
            Said::OddEnd => {
                frames.push(frame(json!({"choices": [], "usage": {"prompt_tokens": 0, "completion_tokens": 0.0}, "error": null})));
                let mut last = choice(json!({}), "stop".into());
                last["choices"][0]["usage"] = usage.clone();
                frames.push(frame(last));
                continue;
            }
        };
        let is_refusal = matches!(said, Said::Refusal(_));
        frames.push(frame(choice(delta, Value::Null)));
        if is_refusal {
            frames.push(frame(choice(json!({}), "stop".into())));
        }
    }
    frames
}

fn failed(failure: Failure, words: &str) -> String {
    let (message, kind, code) = match failure {
        Failure::UnknownModel => (
            format!("The model `{words}` does not exist or you do not have access to it."),
            "invalid_request_error",
            json!("model_not_found"),
        ),
        Failure::Key => (
            words.into(),
            "invalid_request_error",
            json!("invalid_api_key"),
        ),
        Failure::RateLimit => (words.into(), "tokens", json!("rate_limit_exceeded")),
        Failure::Broken => (words.into(), "server_error", Value::Null),
        Failure::Invalid => (words.into(), "invalid_request_error", Value::Null),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string()
}
