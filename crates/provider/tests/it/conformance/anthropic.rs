//! Anthropic's messages.

use provider::Vendor;
use serde_json::{Value, json};

use super::flavour::wanted;
use super::{Asked, Failure, Flavour, Reason, Said};

/// The wire; an answer that thinks has three blocks of it, each of which must come back as it was.
pub(crate) struct Messages;

impl Flavour for Messages {
    fn vendor(&self, root: &str) -> Vendor {
        Vendor::anthropic(root)
    }

    fn path(&self, _: &str) -> String {
        "/v1/messages".into()
    }

    fn key_header(&self) -> (&'static str, &'static str) {
        ("x-api-key", "")
    }

    fn models(&self) -> (&'static str, &'static str) {
        (
            "/v1/models?limit=1000",
            r#"{"data":[{"type":"model","id":"good","display_name":"Good"},{"type":"model","id":"other"}],"has_more":false}"#,
        )
    }

    fn read(&self, body: &Value) -> Result<Asked, String> {
        wanted(body["stream"] == true, "not a stream")?;
        wanted(
            body["max_tokens"].as_u64() > Some(0),
            "max_tokens: Field required",
        )?;
        let mut asked = Asked {
            has_tools: body["tools"][0]["input_schema"]["type"] == "object",
            ..Asked::default()
        };
        if let Some(format) = body["output_config"].get("format") {
            let is_closed = format["schema"]["additionalProperties"] == false;
            wanted(
                format["type"] == "json_schema" && is_closed,
                "output_config.format",
            )?;
            asked.has_schema = true;
        }
        if let Some(effort) = body["output_config"].get("effort") {
            wanted(
                effort == "low" && body["thinking"]["type"] == "adaptive",
                "effort",
            )?;
        }
        let mut role_before = "";
        let mut open: Vec<&Value> = Vec::new();
        for message in body["messages"].as_array().ok_or("no messages")? {
            let role = message["role"].as_str().ok_or("no role")?;
            wanted(role != role_before, "roles must alternate")?;
            role_before = role;
            let blocks = message["content"].as_array().ok_or("no content")?;
            let of = |kind: &str| {
                let kind = kind.to_owned();
                blocks.iter().filter(move |block| block["type"] == kind)
            };
            wanted(
                of("text").all(|block| block["text"] != ""),
                "text must not be empty",
            )?;
            if role == "assistant" {
                let last = &blocks.last().ok_or("an empty message")?["type"];
                wanted(last != "thinking", "the final block is thinking")?;
                open = of("tool_use").collect();
                wanted(open.iter().all(|call| call["input"].is_object()), "input")?;
                if open.len() == 2 {
                    wanted(blocks[..3] == thoughts(), "thinking blocks were changed")?;
                }
                continue;
            }
            let results: Vec<&Value> = of("tool_result").collect();
            let ids = |blocks: &[&Value], name: &str| -> Vec<Value> {
                blocks.iter().map(|block| block[name].clone()).collect()
            };
            wanted(
                ids(&results, "tool_use_id") == ids(&open, "id"),
                "a call has no result",
            )?;
            open.clear();
            let is_first = blocks[..results.len()]
                .iter()
                .all(|block| block["type"] == "tool_result");
            wanted(is_first, "results come first")?;
            for result in results {
                let output = result["content"].as_str().ok_or("no content")?;
                asked.results.push(output.to_owned());
            }
        }
        Ok(asked)
    }

    fn write(&self, script: &[Said]) -> Vec<String> {
        let mut frames = vec![
            event(
                json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
                "usage": {"input_tokens": 6, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 1}}}),
            ),
            event(json!({"type": "ping"})),
        ];
        let mut index = 0;
        let mut block = |frames: &mut Vec<String>, begin: Value, deltas: Vec<Value>| {
            frames.push(event(
                json!({"type": "content_block_start", "index": index, "content_block": begin}),
            ));
            for delta in deltas {
                frames.push(event(
                    json!({"type": "content_block_delta", "index": index, "delta": delta}),
                ));
            }
            frames.push(event(json!({"type": "content_block_stop", "index": index})));
            index += 1;
        };
        for said in script {
            match said {
                Said::Thought(_) => {
                    for thought in thoughts() {
                        if thought["type"] == "redacted_thinking" {
                            block(&mut frames, thought, Vec::new());
                            continue;
                        }
                        let begin = json!({"type": "thinking", "thinking": "", "signature": ""});
                        let deltas = vec![
                            json!({"type": "thinking_delta", "thinking": thought["thinking"]}),
                            json!({"type": "signature_delta", "signature": thought["signature"]}),
                        ];
                        block(&mut frames, begin, deltas);
                    }
                }
                Said::Text(text) => {
                    let deltas = vec![json!({"type": "text_delta", "text": text})];
                    block(&mut frames, json!({"type": "text", "text": ""}), deltas);
                }
                Said::Call(city) => {
                    let id = format!("toolu_{city}");
                    let begin = json!({"type": "tool_use", "id": id, "name": "look", "input": {}});
                    let piece = |json: String| json!({"type": "input_json_delta", "partial_json": json});
                    let deltas = vec![
                        piece(String::new()),
                        piece("{\"city\"".into()),
                        piece(format!(": \"{city}\"}}")),
                    ];
                    block(&mut frames, begin, deltas);
                }
                Said::Noise => {
                    frames.push(event(json!({"type": "news", "index": 0, "delta": {"type": "text_delta", "text": "no"}})));
                    let deltas = vec![json!({"type": "invented_delta", "text": "no"})];
                    block(&mut frames, json!({"type": "invented", "text": "no"}), deltas);
                }
                Said::Error(words) => frames.push(event(json!({"type": "error", "error": {"type": "overloaded_error", "message": words}}))),
                Said::Refusal(words) => {
                    let details = json!({"type": "refusal", "category": null, "explanation": words});
                    let delta = json!({"stop_reason": "refusal", "stop_sequence": null, "stop_details": details});
                    frames.push(event(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}})));
                }
                Said::End(reason) => {
                    let word = match reason {
                        Reason::Stop => "end_turn",
                        Reason::Tools => "tool_use",
                    };
                    let usage = json!({"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 2}});
                    frames.push(event(json!({"type": "message_delta", "delta": {"stop_reason": word, "stop_sequence": null}, "usage": usage})));
                    frames.push(event(json!({"type": "message_stop"})));
                }
                // Counted up in several reports, of which the last is before the end.
                Said::OddEnd => {
                    for (output, thinking) in [(3, 1), (5, 2)] {
                        let usage = json!({"input_tokens": 6, "output_tokens": output, "output_tokens_details": {"thinking_tokens": thinking}});
                        frames.push(event(json!({"type": "message_delta", "delta": {}, "usage": usage})));
                    }
                    frames.push(event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": null})));
                }
            }
        }
        frames
    }

    fn failure(&self, failure: Failure, words: &str) -> String {
        let (kind, words) = match failure {
            Failure::UnknownModel => ("not_found_error", format!("model: {words}")),
            Failure::Key => ("authentication_error", words.into()),
            Failure::RateLimit => ("rate_limit_error", words.into()),
            Failure::Broken => ("api_error", words.into()),
            Failure::Invalid => ("invalid_request_error", words.into()),
        };
        json!({"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_1"})
            .to_string()
    }
}

fn thoughts() -> [Value; 3] {
    [
        json!({"type": "thinking", "thinking": "Two cities, two calls.", "signature": "b25l"}),
        json!({"type": "redacted_thinking", "data": "ZW5j"}),
        json!({"type": "thinking", "thinking": "So be it.", "signature": "dHdv"}),
    ]
}

#[expect(clippy::needless_pass_by_value, reason = "the callers write a literal")]
fn event(value: Value) -> String {
    let kind = value["type"].as_str().unwrap();
    format!("event: {kind}\ndata: {value}\n\n")
}
