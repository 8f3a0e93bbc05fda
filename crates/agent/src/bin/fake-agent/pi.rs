//! `pi --mode rpc`, as it was before 0.87: the end of a run may be followed by another try.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::session;
use crate::voice::{End, Heard, ToolEnd, Voice, say, text};

pub(crate) struct Pi {
    file: PathBuf,
    is_streaming: bool,
}

impl Pi {
    pub(crate) fn new(session: Option<String>) -> Self {
        Self {
            file: session.map_or_else(|| session::file(&session::new_id()), PathBuf::from),
            is_streaming: false,
        }
    }

    fn respond(frame: &Value, data: &Value) {
        say(
            &json!({"id": frame["id"], "type": "response", "command": frame["type"], "success": true, "data": data}),
        );
    }
}

fn message(content: &Value, stop: &str) -> Value {
    json!({"role": "assistant", "content": content, "model": "fake", "stopReason": stop, "usage": {"input": 10, "output": 5}})
}

impl Voice for Pi {
    fn hear(&mut self, frame: &Value) -> Heard {
        match text(frame, "/type") {
            "get_state" => {
                let n = session::n_turns(&self.file);
                let state = json!({
                    "model": {"id": "fake"},
                    "sessionId": "fake",
                    "sessionFile": self.file,
                    "messageCount": n.map_or(0, |n| n + 1),
                    "isStreaming": self.is_streaming,
                    "isCompacting": false,
                });
                Self::respond(frame, &state);
                Heard::Nothing
            }
            "prompt" => {
                Self::respond(frame, &Value::Null);
                Heard::Prompt
            }
            "steer" => {
                let steer = text(frame, "/message").to_owned();
                say(&json!({"type": "queue_update", "steering": [steer], "followUp": []}));
                Self::respond(frame, &Value::Null);
                say(&json!({"type": "queue_update", "steering": [], "followUp": []}));
                Heard::Steer(steer)
            }
            "abort" => {
                Self::respond(frame, &Value::Null);
                Heard::Interrupt
            }
            "extension_ui_response" => Heard::Answer(frame["confirmed"] == true),
            other => {
                let error = format!("Unknown command: {other}");
                say(
                    &json!({"type": "response", "command": other, "success": false, "error": error}),
                );
                Heard::Nothing
            }
        }
    }

    fn session(&self) -> Option<PathBuf> {
        Some(self.file.clone())
    }

    fn begin(&mut self) {
        self.is_streaming = true;
        say(&json!({"type": "agent_start"}));
        say(&json!({"type": "turn_start"}));
    }

    fn message(&mut self, _: usize) {
        say(&json!({"type": "message_start", "message": message(&json!([]), "pending")}));
    }

    fn word(&mut self, _: usize, word: &str, so_far: &str, whole: bool) {
        let mut event = json!({"type": "text_delta", "contentIndex": 0, "delta": word});
        let mut frame = json!({"type": "message_update"});
        if whole {
            let all = message(&json!([{"type": "text", "text": so_far}]), "pending");
            event["partial"] = all.clone();
            frame["message"] = all;
        }
        frame["assistantMessageEvent"] = event;
        say(&frame);
    }

    fn thought(&mut self, _: usize, word: &str) {
        let event = json!({"type": "thinking_delta", "contentIndex": 0, "delta": word});
        say(&json!({"type": "message_update", "assistantMessageEvent": event}));
    }

    fn message_end(&mut self, _: usize, text: &str, thought: &str) {
        let content = if thought.is_empty() {
            json!([{"type": "text", "text": text}])
        } else {
            json!([{"type": "thinking", "thinking": thought}])
        };
        say(&json!({"type": "message_end", "message": message(&content, "stop")}));
    }

    fn retry(&mut self, _: usize, why: &str) {
        let mut broken = message(&json!([{"type": "text", "text": "half"}]), "error");
        broken["errorMessage"] = why.into();
        say(&json!({"type": "message_end", "message": broken}));
        say(&json!({"type": "agent_end", "messages": [broken]}));
        say(&json!({"type": "auto_retry_start", "attempt": 1, "delayMs": 1, "errorMessage": why}));
        say(&json!({"type": "agent_start"}));
    }

    fn tool(&mut self, call: &str, command: &str) {
        let args = json!({"command": command});
        say(
            &json!({"type": "tool_execution_start", "toolCallId": call, "toolName": "bash", "args": args}),
        );
    }

    fn output(&mut self, call: &str, _: &str, so_far: &str) {
        let partial = json!({"content": [{"type": "text", "text": so_far}]});
        say(
            &json!({"type": "tool_execution_update", "toolCallId": call, "toolName": "bash", "partialResult": partial}),
        );
    }

    fn tool_end(&mut self, call: &str, output: &str, how: &ToolEnd) {
        let result = json!({"content": [{"type": "text", "text": output}]});
        let is_error = !matches!(how, ToolEnd::Well);
        say(
            &json!({"type": "tool_execution_end", "toolCallId": call, "toolName": "bash", "result": result, "isError": is_error}),
        );
    }

    fn ask(&mut self, call: &str, command: &str) {
        say(
            &json!({"type": "extension_ui_request", "id": call, "method": "confirm", "title": "Run it?", "message": command}),
        );
    }

    fn plan(&mut self, _: &[&str]) {}

    fn end(&mut self, end: &End<'_>) -> Vec<Value> {
        self.is_streaming = false;
        let mut last = match end {
            End::Well => None,
            End::Failed(why) => Some(("error", *why)),
            End::Interrupted => Some(("aborted", "aborted")),
        };
        if let Some((stop, why)) = last.take() {
            let mut broken = message(&json!([]), stop);
            broken["errorMessage"] = why.into();
            say(&json!({"type": "message_start", "message": broken}));
            say(&json!({"type": "message_end", "message": broken}));
        }
        vec![
            json!({"type": "turn_end"}),
            json!({"type": "agent_end", "messages": []}),
        ]
    }
}
