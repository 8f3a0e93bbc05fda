//! Anthropic's messages.

use std::io::{Result, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{Answer, Wire};

pub(super) struct Messages<'a> {
    socket: &'a TcpStream,
    /// Names the answer and the calls in it; a conversation has each once.
    id: String,
    n_blocks: usize,
    in_text: bool,
    has_called: bool,
}

impl<'a> Messages<'a> {
    pub(super) fn new(socket: &'a TcpStream) -> Self {
        let peer = socket.peer_addr().map_or(0, |address| address.port());
        Self {
            socket,
            id: format!("{peer}"),
            n_blocks: 0,
            in_text: false,
            has_called: false,
        }
    }

    /// What a client that wants no stream gets.
    pub(super) fn whole(socket: &TcpStream, answer: &Answer) -> Value {
        let peer = socket.peer_addr().map_or(0, |address| address.port());
        let mut content = vec![json!({"type": "text", "text": answer.words.concat()})];
        content.extend(answer.calls.iter().enumerate().map(|(n, (name, args))| {
            json!({"type": "tool_use", "id": format!("toolu_{peer}_{n}"), "name": name, "input": args})
        }));
        json!({
            "id": format!("msg_{peer}"), "type": "message", "role": "assistant", "model": "stub-model",
            "content": content, "stop_reason": reason(!answer.calls.is_empty()),
            "stop_sequence": null, "usage": {"input_tokens": 7, "output_tokens": 3}
        })
    }

    fn say(&mut self, kind: &str, mut event: Value) -> Result<()> {
        event["type"] = kind.into();
        let text = format!("event: {kind}\ndata: {event}\n\n");
        self.socket.write_all(text.as_bytes())
    }

    fn start(&mut self, block: &Value) -> Result<()> {
        let event = json!({"index": self.n_blocks, "content_block": block});
        self.say("content_block_start", event)
    }

    fn delta(&mut self, delta: &Value) -> Result<()> {
        let event = json!({"index": self.n_blocks, "delta": delta});
        self.say("content_block_delta", event)
    }

    fn stop(&mut self) -> Result<()> {
        let event = json!({"index": self.n_blocks});
        self.n_blocks += 1;
        self.say("content_block_stop", event)
    }

    fn end_text(&mut self) -> Result<()> {
        if std::mem::take(&mut self.in_text) {
            self.stop()?;
        }
        Ok(())
    }
}

impl Wire for Messages<'_> {
    fn begin(&mut self) -> Result<()> {
        let message = json!({
            "id": format!("msg_{}", self.id), "type": "message", "role": "assistant", "model": "stub-model",
            "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 7, "output_tokens": 1}
        });
        self.say("message_start", json!({ "message": message }))
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if !self.in_text {
            self.in_text = true;
            self.start(&json!({"type": "text", "text": ""}))?;
        }
        self.delta(&json!({"type": "text_delta", "text": word}))
    }

    fn call(&mut self, name: &str, args: &Value) -> Result<()> {
        self.end_text()?;
        self.has_called = true;
        let id = format!("toolu_{}_{}", self.id, self.n_blocks);
        self.start(&json!({"type": "tool_use", "id": id, "name": name, "input": {}}))?;
        let args = args.to_string();
        let (first, rest) = args.split_at(args.len() / 2);
        self.delta(&json!({"type": "input_json_delta", "partial_json": first}))?;
        self.delta(&json!({"type": "input_json_delta", "partial_json": rest}))?;
        self.stop()
    }

    fn end(&mut self) -> Result<()> {
        self.end_text()?;
        let delta = json!({"stop_reason": reason(self.has_called), "stop_sequence": null});
        let event = json!({"delta": delta, "usage": {"output_tokens": 3}});
        self.say("message_delta", event)?;
        self.say("message_stop", json!({}))
    }
}

fn reason(has_called: bool) -> &'static str {
    if has_called { "tool_use" } else { "end_turn" }
}
