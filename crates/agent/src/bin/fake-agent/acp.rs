//! The Agent Client Protocol.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::session;
use crate::voice::{End, Heard, ToolEnd, Voice, say, text};

#[derive(Default)]
pub(crate) struct Acp {
    session: String,
    prompt: Value,
    n_requests: u64,
}

impl Acp {
    fn update(&self, update: &Value) {
        let params = json!({"sessionId": self.session, "update": update});
        say(&json!({"jsonrpc": "2.0", "method": "session/update", "params": params}));
    }

    fn chunk(&self, kind: &str, n: usize, word: &str) {
        let content = json!({"type": "text", "text": word});
        self.update(
            &json!({"sessionUpdate": kind, "content": content, "messageId": format!("msg-{n}")}),
        );
    }

    fn call(&self, call: &str, status: &str, output: &str) {
        let content = json!([{"type": "content", "content": {"type": "text", "text": output}}]);
        self.update(&json!({"sessionUpdate": "tool_call_update", "toolCallId": call, "status": status, "content": content}));
    }
}

impl Voice for Acp {
    fn hear(&mut self, frame: &Value) -> Heard {
        let respond =
            |result: Value| say(&json!({"jsonrpc": "2.0", "id": frame["id"], "result": result}));
        match text(frame, "/method") {
            "initialize" => respond(json!({
                "protocolVersion": 1,
                "agentCapabilities": {"loadSession": true},
                "_meta": {"steering": {"supported": true}},
            })),
            "session/new" => {
                self.session = session::new_id();
                respond(json!({"sessionId": self.session}));
            }
            "session/load" => {
                let id = text(frame, "/params/sessionId");
                if session::n_turns(&session::file(id)).is_none() {
                    let error = json!({"code": -32002, "message": "Resource not found"});
                    say(&json!({"jsonrpc": "2.0", "id": frame["id"], "error": error}));
                    return Heard::Nothing;
                }
                id.clone_into(&mut self.session);
                // All of the past comes before the answer.
                self.chunk("agent_message_chunk", 0, "the past");
                respond(Value::Null);
            }
            "session/prompt" => {
                self.prompt = frame["id"].clone();
                return Heard::Prompt;
            }
            "_session/steering" => {
                respond(json!({"outcome": "injected"}));
                return Heard::Steer(text(frame, "/params/prompt/0/text").to_owned());
            }
            "session/cancel" => return Heard::Interrupt,
            "" if frame.get("result").is_some() => {
                return Heard::Answer(text(frame, "/result/outcome/optionId") == "yes");
            }
            _ => {}
        }
        Heard::Nothing
    }

    fn session(&self) -> Option<PathBuf> {
        Some(session::file(&self.session))
    }

    fn begin(&mut self) {}

    fn message(&mut self, _: usize) {}

    fn word(&mut self, n: usize, word: &str, _: &str, _: bool) {
        self.chunk("agent_message_chunk", n, word);
    }

    fn thought(&mut self, n: usize, word: &str) {
        self.chunk("agent_thought_chunk", n, word);
    }

    fn message_end(&mut self, _: usize, _: &str, _: &str) {}

    fn retry(&mut self, _: usize, _: &str) {}

    fn tool(&mut self, call: &str, command: &str) {
        self.update(&json!({"sessionUpdate": "tool_call", "toolCallId": call, "title": command, "kind": "execute",
            "status": "pending", "rawInput": {"command": command}}));
    }

    fn running(&mut self, call: &str) {
        self.call(call, "in_progress", "");
    }

    fn output(&mut self, call: &str, _: &str, so_far: &str) {
        self.call(call, "in_progress", so_far);
    }

    fn tool_end(&mut self, call: &str, output: &str, how: &ToolEnd) {
        let status = if matches!(how, ToolEnd::Well) {
            "completed"
        } else {
            "failed"
        };
        self.call(call, status, output);
    }

    fn ask(&mut self, call: &str, _: &str) {
        // Not in the order in which one might expect them.
        let options = json!([
            {"optionId": "ever", "name": "Always", "kind": "allow_always"},
            {"optionId": "no", "name": "No", "kind": "reject_once"},
            {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
        ]);
        let params = json!({"sessionId": self.session, "toolCall": {"toolCallId": call}, "options": options});
        say(
            &json!({"jsonrpc": "2.0", "id": self.n_requests, "method": "session/request_permission", "params": params}),
        );
        self.n_requests += 1;
    }

    fn plan(&mut self, steps: &[&str]) {
        let entries: Vec<_> = steps
            .iter()
            .map(|step| json!({"content": step, "priority": "low", "status": "pending"}))
            .collect();
        self.update(&json!({"sessionUpdate": "plan", "entries": entries}));
    }

    fn end(&mut self, end: &End<'_>) -> Vec<Value> {
        let id = self.prompt.take();
        let reason = |reason| json!({"jsonrpc": "2.0", "id": id, "result": {"stopReason": reason}});
        vec![match end {
            End::Well => reason("end_turn"),
            End::Failed(why) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32603, "message": why}})
            }
            End::Interrupted => reason("cancelled"),
        }]
    }
}
