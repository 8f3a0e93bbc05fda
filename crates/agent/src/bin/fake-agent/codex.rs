//! `codex app-server`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::session;
use crate::voice::{End, Heard, ToolEnd, Voice, say, text};

#[derive(Default)]
pub(crate) struct Codex {
    thread: String,
    n_turns: usize,
    n_requests: u64,
    commands: Vec<(String, String)>,
}

impl Codex {
    fn turn(&self) -> String {
        format!("turn-{}-{}", std::process::id(), self.n_turns)
    }

    fn tell(&self, method: &str, mut params: Value) {
        params["threadId"] = self.thread.as_str().into();
        params["turnId"] = self.turn().into();
        say(&json!({"method": method, "params": params}));
    }

    fn command(&self, call: &str, status: &str, output: Option<&str>) -> Value {
        let known = self.commands.iter().find(|(known, _)| known == call);
        let command = known.map(|(_, command)| command);
        let process = (status != "inProgress").then_some("1");
        json!({"type": "commandExecution", "id": call, "command": command, "cwd": "/", "processId": process,
            "status": status, "aggregatedOutput": output, "exitCode": 0})
    }
}

impl Voice for Codex {
    fn hear(&mut self, frame: &Value) -> Heard {
        let respond = |result: Value| say(&json!({"id": frame["id"], "result": result}));
        let thread = text(frame, "/params/threadId");
        match text(frame, "/method") {
            "initialize" => respond(json!({"userAgent": "fake"})),
            "thread/start" | "thread/resume" => {
                thread.clone_into(&mut self.thread);
                if thread.is_empty() {
                    self.thread = session::new_id();
                } else if session::n_turns(&session::file(thread)).is_none() {
                    let error = json!({"code": -32600, "message": format!("no rollout found for thread id {thread}")});
                    say(&json!({"id": frame["id"], "error": error}));
                    return Heard::Nothing;
                }
                respond(json!({"thread": {"id": self.thread}, "model": "fake"}));
            }
            "thread/read" => respond(json!({"thread": {"status": {"type": "idle"}}})),
            "turn/start" => {
                self.n_turns += 1;
                respond(json!({"turn": {"id": self.turn()}}));
                return Heard::Prompt;
            }
            "turn/steer" => {
                if text(frame, "/params/expectedTurnId") == self.turn() {
                    respond(json!({"turnId": self.turn()}));
                    return Heard::Steer(text(frame, "/params/input/0/text").to_owned());
                }
                say(
                    &json!({"id": frame["id"], "error": {"code": -32600, "message": "no such turn"}}),
                );
            }
            "turn/interrupt" => {
                respond(json!({}));
                return Heard::Interrupt;
            }
            "" if frame.pointer("/result/answers/q/answers/0").is_some() => {
                return Heard::Word(text(frame, "/result/answers/q/answers/0").to_owned());
            }
            "" if frame.get("result").is_some() => {
                return Heard::Answer(text(frame, "/result/decision") == "accept");
            }
            _ => {}
        }
        Heard::Nothing
    }

    fn session(&self) -> Option<PathBuf> {
        Some(session::file(&self.thread))
    }

    fn begin(&mut self) {
        self.tell("turn/started", json!({"turn": {"id": self.turn()}}));
    }

    fn message(&mut self, n: usize) {
        self.tell(
            "item/started",
            json!({"item": {"type": "agentMessage", "id": format!("msg-{n}"), "text": ""}}),
        );
    }

    fn word(&mut self, n: usize, word: &str, _: &str, _: bool) {
        self.tell(
            "item/agentMessage/delta",
            json!({"itemId": format!("msg-{n}"), "delta": word}),
        );
    }

    fn thought(&mut self, n: usize, word: &str) {
        let params = json!({"itemId": format!("rs-{n}"), "delta": word, "summaryIndex": 0});
        self.tell("item/reasoning/summaryTextDelta", params);
    }

    fn message_end(&mut self, n: usize, text: &str, thought: &str) {
        let item = if thought.is_empty() {
            json!({"type": "agentMessage", "id": format!("msg-{n}"), "text": text})
        } else {
            json!({"type": "reasoning", "id": format!("rs-{n}"), "summary": [thought], "content": []})
        };
        self.tell("item/completed", json!({ "item": item }));
        let tokens = json!({"inputTokens": 10, "outputTokens": 5});
        let usage = json!({"total": tokens, "last": tokens, "modelContextWindow": 1000});
        self.tell("thread/tokenUsage/updated", json!({ "tokenUsage": usage }));
    }

    fn retry(&mut self, _: usize, why: &str) {
        let error = json!({"message": "Reconnecting... 1/2", "additionalDetails": why});
        self.tell("error", json!({"error": error, "willRetry": true}));
    }

    fn tool(&mut self, call: &str, command: &str) {
        self.commands.push((call.to_owned(), command.to_owned()));
        let item = self.command(call, "inProgress", None);
        self.tell("item/started", json!({ "item": item }));
    }

    fn output(&mut self, call: &str, line: &str, _: &str) {
        self.tell(
            "item/commandExecution/outputDelta",
            json!({"itemId": call, "delta": line}),
        );
    }

    fn tool_end(&mut self, call: &str, output: &str, how: &ToolEnd) {
        let status = match how {
            ToolEnd::Well => "completed",
            ToolEnd::Denied => "declined",
            // The item is left open.
            ToolEnd::Interrupted => return,
        };
        let item = self.command(call, status, Some(output));
        self.tell("item/completed", json!({ "item": item }));
    }

    fn ask(&mut self, call: &str, command: &str) {
        let params = json!({"threadId": self.thread, "turnId": self.turn(), "itemId": call, "command": command, "cwd": "/"});
        say(
            &json!({"method": "item/commandExecution/requestApproval", "id": self.n_requests, "params": params}),
        );
        self.n_requests += 1;
    }

    fn question(&mut self, call: &str, question: &str) {
        let options = json!([{"label": "A", "description": "first"}, {"label": "B", "description": "second"}]);
        let questions =
            json!([{"id": "q", "header": "Pick", "question": question, "options": options}]);
        let params = json!({"threadId": self.thread, "turnId": self.turn(), "itemId": call, "questions": questions});
        say(
            &json!({"method": "item/tool/requestUserInput", "id": self.n_requests, "params": params}),
        );
        self.n_requests += 1;
    }

    fn plan(&mut self, steps: &[&str]) {
        let steps: Vec<_> = steps
            .iter()
            .map(|step| json!({"step": step, "status": "pending"}))
            .collect();
        self.tell("turn/plan/updated", json!({ "plan": steps }));
    }

    fn end(&mut self, end: &End<'_>) -> Vec<Value> {
        let (status, error) = match end {
            End::Well => ("completed", Value::Null),
            End::Failed(why) => ("failed", json!({ "message": why })),
            End::Interrupted => ("interrupted", Value::Null),
        };
        let turn = json!({"id": self.turn(), "status": status, "error": error});
        vec![json!({"method": "turn/completed", "params": {"threadId": self.thread, "turn": turn}})]
    }
}
