//! Ollama's own wire.

use provider::Vendor;
use serde_json::{Value, json};

use super::flavour::wanted;
use super::{Asked, Failure, Flavour, Reason, Said};

/// The wire; a model that thinks wants its thoughts back while it uses tools.
pub(crate) struct Chat;

impl Flavour for Chat {
    fn vendor(&self, root: &str) -> Vendor {
        Vendor::ollama(root)
    }

    fn path(&self, _: &str) -> String {
        "/api/chat".into()
    }

    fn key_header(&self) -> (&'static str, &'static str) {
        ("authorization", "bearer ")
    }

    fn models(&self) -> (&'static str, &'static str) {
        (
            "/api/tags",
            r#"{"models":[{"name":"good","model":"good","size":1},{"name":"other"}]}"#,
        )
    }

    fn media_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn read(&self, body: &Value) -> Result<Asked, String> {
        wanted(body["stream"] == true, "not a stream")?;
        let mut asked = Asked {
            has_schema: body["format"]["type"] == "object",
            has_tools: body["tools"][0]["function"]["name"] == "look",
            ..Asked::default()
        };
        let mut open: Vec<&Value> = Vec::new();
        for message in body["messages"].as_array().ok_or("no messages")? {
            wanted(message["content"].is_string(), "content")?;
            match message["role"].as_str() {
                Some("tool") => {
                    wanted(!open.is_empty(), "a result without its call")?;
                    let call = open.remove(0);
                    wanted(
                        message["tool_name"] == call["function"]["name"],
                        "tool_name",
                    )?;
                    wanted(message["tool_call_id"] == call["id"], "tool_call_id")?;
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
                    let are_right = open
                        .iter()
                        .all(|call| call["function"]["arguments"].is_object());
                    wanted(are_right, "tool_calls")?;
                    if open.len() == 2 {
                        wanted(message["thinking"] == "Two cities, two calls.", "thinking")?;
                    }
                }
                Some("user" | "system") => {}
                _ => return Err("role".into()),
            }
        }
        Ok(asked)
    }

    fn write(&self, script: &[Said]) -> Vec<String> {
        let line = |value: Value| format!("{value}\n");
        let said = |more: Value| {
            let mut message = json!({"role": "assistant", "content": ""});
            for (name, value) in more.as_object().unwrap() {
                message[name] = value.clone();
            }
            json!({"model": "m", "created_at": "2026-09-17T15:42:59.5670387Z", "message": message, "done": false})
        };
        let usage = |mut last: Value| {
            last["prompt_eval_count"] = 11.into();
            last["prompt_eval_cached_count"] = 3.into();
            last["eval_count"] = 5.into();
            last
        };
        let mut lines = Vec::new();
        for piece in script {
            let document = match piece {
                Said::Thought(text) => said(json!({"thinking": text})),
                Said::Text(text) => said(json!({"content": text})),
                Said::Call(city) => {
                    let call = json!({"function": {"index": 0, "name": "look", "arguments": {"city": city}}});
                    said(json!({"tool_calls": [call]}))
                }
                Said::Noise => {
                    lines.push("\n".into());
                    json!({"news": [1], "message": {"role": "assistant", "invented": {}, "images": null}, "error": ""})
                }
                Said::Error(words) => json!({"error": words}),
                Said::Refusal(words) => {
                    lines.push(line(said(json!({"content": words}))));
                    json!({"done": true, "done_reason": "stop"})
                }
                Said::End(Reason::Stop | Reason::Tools) => {
                    let mut last = said(json!({}));
                    last["done"] = true.into();
                    last["done_reason"] = "stop".into();
                    usage(last)
                }
                // Without a message and a reason.
                Said::OddEnd => usage(json!({"done": true, "eval_count": 5.0})),
            };
            lines.push(line(document));
        }
        lines
    }

    fn failure(&self, failure: Failure, words: &str) -> String {
        let words = match failure {
            Failure::UnknownModel => format!("model '{words}' not found"),
            Failure::Key | Failure::RateLimit | Failure::Broken | Failure::Invalid => words.into(),
        };
        json!({"error": words}).to_string()
    }
}
