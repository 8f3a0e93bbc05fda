//! `claude` with stream-json in and out.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::session;
use crate::voice::{End, Heard, ToolEnd, Voice, say, text};

pub(crate) struct Claude {
    session: String,
    is_gone: bool,
    in_turn: bool,
}

impl Claude {
    pub(crate) fn new(resume: Option<String>) -> Self {
        let is_gone = resume
            .as_ref()
            .is_some_and(|id| session::n_turns(&session::file(id)).is_none());
        Self {
            session: resume.unwrap_or_else(session::new_id),
            is_gone,
            in_turn: false,
        }
    }

    fn tell(&self, mut frame: Value) {
        frame["session_id"] = self.session.as_str().into();
        frame["parent_tool_use_id"] = Value::Null;
        say(&frame);
    }

    fn event(&self, event: &Value) {
        self.tell(json!({"type": "stream_event", "event": event}));
    }

    fn said(&self, n: usize, content: &Value) {
        let message = json!({"id": format!("msg-{n}"), "role": "assistant", "model": "fake", "content": content});
        self.tell(json!({"type": "assistant", "message": message}));
    }

    fn result(&self, subtype: &str, is_error: bool, words: &str) -> Value {
        json!({"type": "result", "subtype": subtype, "is_error": is_error, "result": words, "session_id": self.session,
            "total_cost_usd": 0.01, "modelUsage": {"fake": {"inputTokens": 10, "outputTokens": 5, "contextWindow": 1000}}})
    }
}

impl Voice for Claude {
    fn hear(&mut self, frame: &Value) -> Heard {
        match text(frame, "/type") {
            "control_request" => {
                if self.is_gone {
                    say(&self.result("error_during_execution", true, "No conversation found"));
                    std::process::exit(1);
                }
                let response = json!({"subtype": "success", "request_id": frame["request_id"], "response": {}});
                say(&json!({"type": "control_response", "response": response}));
                if text(frame, "/request/subtype") == "interrupt" {
                    return Heard::Interrupt;
                }
            }
            "control_response"
                if frame
                    .pointer("/response/response/updatedInput/answers")
                    .is_some() =>
            {
                let answers = &frame["response"]["response"]["updatedInput"]["answers"];
                let answers = answers.as_object().into_iter().flatten();
                let words: Vec<_> = answers.filter_map(|(_, word)| word.as_str()).collect();
                return Heard::Word(words.join(" "));
            }
            "control_response" => {
                return Heard::Answer(text(frame, "/response/response/behavior") == "allow");
            }
            "user" => {
                let mut echo = frame.clone();
                echo["isReplay"] = true.into();
                if self.in_turn {
                    say(&echo);
                    return Heard::Steer(text(frame, "/message/content/0/text").to_owned());
                }
                self.in_turn = true;
                self.tell(json!({"type": "system", "subtype": "init", "model": "fake"}));
                say(&echo);
                return Heard::Prompt;
            }
            _ => {}
        }
        Heard::Nothing
    }

    fn session(&self) -> Option<PathBuf> {
        Some(session::file(&self.session))
    }

    fn begin(&mut self) {}

    fn message(&mut self, n: usize) {
        let usage = json!({"input_tokens": 10, "output_tokens": 1});
        let message = json!({"id": format!("msg-{n}"), "model": "fake", "usage": usage});
        self.event(&json!({"type": "message_start", "message": message}));
    }

    fn word(&mut self, _: usize, word: &str, _: &str, _: bool) {
        let delta = json!({"type": "text_delta", "text": word});
        self.event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    }

    fn thought(&mut self, _: usize, word: &str) {
        let delta = json!({"type": "thinking_delta", "thinking": word});
        self.event(&json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    }

    fn message_end(&mut self, n: usize, text: &str, thought: &str) {
        let content = if thought.is_empty() {
            json!([{"type": "text", "text": text}])
        } else {
            json!([{"type": "thinking", "thinking": thought}])
        };
        self.said(n, &content);
        let usage = json!({"output_tokens": 5});
        self.event(
            &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}),
        );
        self.event(&json!({"type": "message_stop"}));
    }

    fn retry(&mut self, _: usize, why: &str) {
        self.tell(
            json!({"type": "system", "subtype": "api_retry", "retry_delay_ms": 1, "error": why}),
        );
    }

    fn tool(&mut self, call: &str, command: &str) {
        let input = json!({"command": command});
        self.said(
            0,
            &json!([{"type": "tool_use", "id": call, "name": "Bash", "input": input}]),
        );
        self.event(&json!({"type": "message_stop"}));
    }

    fn output(&mut self, _: &str, _: &str, _: &str) {}

    fn tool_end(&mut self, call: &str, output: &str, how: &ToolEnd) {
        let is_error = !matches!(how, ToolEnd::Well);
        let block = json!({"type": "tool_result", "tool_use_id": call, "content": output, "is_error": is_error});
        self.tell(json!({"type": "user", "message": {"role": "user", "content": [block]}}));
    }

    fn ask(&mut self, call: &str, command: &str) {
        let request = json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": command}, "tool_use_id": call});
        say(
            &json!({"type": "control_request", "request_id": format!("ask-{call}"), "request": request}),
        );
    }

    fn question(&mut self, call: &str, question: &str) {
        let options = json!([{"label": "A", "description": "first"}, {"label": "B", "description": "second"}]);
        let input = json!({"questions": [{"question": question, "header": "Pick", "multiSelect": false, "options": options}]});
        self.said(
            0,
            &json!([{"type": "tool_use", "id": call, "name": "AskUserQuestion", "input": input}]),
        );
        self.event(&json!({"type": "message_stop"}));
        let request = json!({"subtype": "can_use_tool", "tool_name": "AskUserQuestion", "input": input, "tool_use_id": call});
        say(
            &json!({"type": "control_request", "request_id": format!("ask-{call}"), "request": request}),
        );
    }

    fn question_end(&mut self, call: &str, answer: &str) {
        self.tool_end(call, answer, &ToolEnd::Well);
    }

    fn plan(&mut self, steps: &[&str]) {
        let todos: Vec<_> = steps
            .iter()
            .map(|step| json!({"content": step, "status": "pending"}))
            .collect();
        let call = format!("todo-{}", steps.len());
        let input = json!({ "todos": todos });
        self.said(
            0,
            &json!([{"type": "tool_use", "id": call, "name": "TodoWrite", "input": input}]),
        );
        self.event(&json!({"type": "message_stop"}));
        self.tool_end(&call, "ok", &ToolEnd::Well);
    }

    fn end(&mut self, end: &End<'_>) -> Vec<Value> {
        self.in_turn = false;
        vec![match end {
            End::Well => self.result("success", false, "done"),
            // As the real one says it.
            End::Failed(why) => self.result("success", true, why),
            End::Interrupted => self.result("error_during_execution", true, ""),
        }]
    }
}
