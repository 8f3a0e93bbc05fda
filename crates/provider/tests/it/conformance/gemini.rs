//! Google's Gemini.

use provider::Vendor;
use serde_json::{Value, json};

use super::flavour::wanted;
use super::{Asked, Failure, Flavour, Reason, Said};

/// The wire, with a signature on the first call of an answer and on its text.
pub(crate) struct Contents;

impl Flavour for Contents {
    fn vendor(&self, root: &str) -> Vendor {
        Vendor::gemini(root)
    }

    fn path(&self, model: &str) -> String {
        // The tool that reads requests makes heads small.
        format!("/v1beta/models/{model}:streamgeneratecontent?alt=sse")
    }

    fn key_header(&self) -> (&'static str, &'static str) {
        ("x-goog-api-key", "")
    }

    fn models(&self) -> (&'static str, &'static str) {
        (
            "/v1beta/models?pagesize=1000",
            r#"{"models":[{"name":"models/good","version":"1"},{"name":"models/other"}]}"#,
        )
    }

    fn read(&self, body: &Value) -> Result<Asked, String> {
        let config = &body["generationConfig"];
        let declared = &body["tools"][0]["functionDeclarations"][0];
        let mut asked = Asked {
            has_tools: declared["parametersJsonSchema"]["type"] == "object",
            ..Asked::default()
        };
        if config.get("responseJsonSchema").is_some() {
            wanted(
                config["responseMimeType"] == "application/json",
                "responseMimeType",
            )?;
            asked.has_schema = true;
        }
        if asked.has_tools && config.get("thinkingConfig").is_some() {
            wanted(
                config["thinkingConfig"]["thinkingLevel"] == "low",
                "thinkingLevel",
            )?;
        }
        let mut role_before = "";
        let mut open: Vec<&Value> = Vec::new();
        for content in body["contents"].as_array().ok_or("no contents")? {
            let role = content["role"].as_str().ok_or("no role")?;
            wanted(role != role_before, "roles must alternate")?;
            role_before = role;
            let parts = content["parts"].as_array().ok_or("no parts")?;
            let of = |kind: &str| -> Vec<&Value> {
                parts.iter().filter_map(|part| part.get(kind)).collect()
            };
            let results = of("functionResponse");
            if role == "model" {
                open = of("functionCall");
                let mut calls = parts
                    .iter()
                    .filter(|part| part.get("functionCall").is_some());
                let first = calls.next().map(|part| &part["thoughtSignature"]);
                if open.len() == 2 {
                    wanted(
                        first == Some(&json!("c2ln")),
                        "a call is missing a thought_signature",
                    )?;
                    wanted(
                        calls.all(|part| part.get("thoughtSignature").is_none()),
                        "too many signatures",
                    )?;
                } else {
                    wanted(
                        first.is_none_or(Value::is_string),
                        "a call is missing a thought_signature",
                    )?;
                }
                continue;
            }
            wanted(role == "user", "role")?;
            let names = |list: &[&Value]| -> Vec<(Value, Value)> {
                list.iter()
                    .map(|one| (one["id"].clone(), one["name"].clone()))
                    .collect()
            };
            wanted(names(&results) == names(&open), "a call has no result")?;
            open.clear();
            for result in results {
                let output = result["response"]["output"].as_str().ok_or("no response")?;
                asked.results.push(output.to_owned());
            }
        }
        Ok(asked)
    }

    fn write(&self, script: &[Said]) -> Vec<String> {
        let frame = |value: Value| format!("data: {value}\r\n\r\n");
        let said = |part: Value| {
            json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], "responseId": "r1",
                "usageMetadata": {"promptTokenCount": 11, "cachedContentTokenCount": 3, "thoughtsTokenCount": 2, "totalTokenCount": 13}})
        };
        let mut n_calls = 0;
        let mut frames = Vec::new();
        for piece in script {
            let chunk = match piece {
                Said::Thought(text) => said(json!({"text": text, "thought": true})),
                Said::Text(text) => said(json!({"text": text})),
                Said::Call(city) => {
                    let mut part =
                        json!({"functionCall": {"name": "look", "args": {"city": city}}});
                    if n_calls == 0 {
                        part["thoughtSignature"] = "c2ln".into();
                    }
                    n_calls += 1;
                    said(part)
                }
                Said::Noise => json!({
                    "news": [1], "promptFeedback": {"safetyRatings": []},
                    "candidates": [{"index": 1, "content": {"parts": [{"text": "no"}]}}, {"content": {"parts": [{"invented": {"a": 1}}]}, "groundingMetadata": {}}],
                }),
                Said::Error(words) => {
                    json!({"error": {"code": 503, "message": words, "status": "UNAVAILABLE"}})
                }
                Said::Refusal(words) => {
                    json!({"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": words}})
                }
                Said::End(reason) => {
                    let part = match reason {
                        Reason::Stop if script.len() > 1 => {
                            json!({"text": "", "thoughtSignature": "dGV4dA=="})
                        }
                        Reason::Stop | Reason::Tools => json!({"text": ""}),
                    };
                    let mut last = said(part);
                    last["candidates"][0]["finishReason"] = "STOP".into();
                    last["usageMetadata"]["candidatesTokenCount"] = 3.into();
                    last
                }
                // In a chunk without candidates, behind the end, and what the vendor's tools read beside the prompt.
                Said::OddEnd => {
                    frames.push(frame(json!({"candidates": [{"finishReason": "STOP"}]})));
                    json!({"usageMetadata": {"promptTokenCount": 9, "toolUsePromptTokenCount": 2, "candidatesTokenCount": 3.0, "thoughtsTokenCount": 2}})
                }
            };
            frames.push(frame(chunk));
        }
        frames
    }

    fn failure(&self, failure: Failure, words: &str) -> String {
        let (code, status, words) = match failure {
            Failure::UnknownModel => (
                404,
                "NOT_FOUND",
                format!(
                    "models/{words} is not found for API version v1beta, or is not supported for generateContent."
                ),
            ),
            Failure::Key => (401, "UNAUTHENTICATED", words.into()),
            Failure::RateLimit => (429, "RESOURCE_EXHAUSTED", words.into()),
            Failure::Broken => (503, "UNAVAILABLE", words.into()),
            Failure::Invalid => (400, "INVALID_ARGUMENT", words.into()),
        };
        let retry =
            json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"});
        json!({"error": {"code": code, "message": words, "status": status, "details": [retry]}})
            .to_string()
    }
}
