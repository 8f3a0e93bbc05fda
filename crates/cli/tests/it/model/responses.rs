//! Responses.

use std::io::{Result, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::Wire;

pub(super) struct Responses<'a> {
    socket: &'a TcpStream,
    /// Names the answer and what is in it; a conversation has each once.
    id: String,
    text: String,
    output: Vec<Value>,
}

impl<'a> Responses<'a> {
    pub(super) fn new(socket: &'a TcpStream) -> Self {
        let peer = socket.peer_addr().map_or(0, |address| address.port());
        Self {
            socket,
            id: format!("{peer}"),
            text: String::new(),
            output: Vec::new(),
        }
    }

    fn say(&mut self, kind: &str, mut event: Value) -> Result<()> {
        event["type"] = kind.into();
        let text = format!("event: {kind}\ndata: {event}\n\n");
        self.socket.write_all(text.as_bytes())
    }

    fn response(&self, status: &str) -> Value {
        json!({
            "id": format!("resp_{}", self.id), "object": "response", "status": status, "output": self.output,
            "usage": {
                "input_tokens": 7, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3,
                "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 10
            }
        })
    }

    fn item_id(&self) -> String {
        format!("item_{}_{}", self.id, self.output.len())
    }

    fn added(&mut self, item: &Value) -> Result<()> {
        let event = json!({"output_index": self.output.len(), "item": item});
        self.say("response.output_item.added", event)
    }

    fn done(&mut self, item: Value) -> Result<()> {
        let event = json!({"output_index": self.output.len(), "item": item});
        self.output.push(item);
        self.say("response.output_item.done", event)
    }

    fn message(&self, content: &Value) -> Value {
        json!({"type": "message", "id": self.item_id(), "role": "assistant", "content": content})
    }

    fn end_text(&mut self) -> Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        let item = self.message(&json!([{"type": "output_text", "text": text, "annotations": []}]));
        self.done(item)
    }
}

impl Wire for Responses<'_> {
    fn begin(&mut self) -> Result<()> {
        let response = self.response("in_progress");
        self.say("response.created", json!({ "response": response }))
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if self.text.is_empty() {
            let item = self.message(&json!([]));
            self.added(&item)?;
        }
        self.text.push_str(word);
        let event = json!({
            "item_id": self.item_id(), "output_index": self.output.len(), "content_index": 0, "delta": word
        });
        self.say("response.output_text.delta", event)
    }

    fn call(&mut self, name: &str, args: &Value) -> Result<()> {
        self.end_text()?;
        let id = self.item_id();
        let item = json!({
            "type": "function_call", "id": id, "call_id": format!("call_{id}"), "name": name,
            "arguments": args.to_string()
        });
        self.added(&item)?;
        self.done(item)
    }

    fn end(&mut self) -> Result<()> {
        self.end_text()?;
        let response = self.response("completed");
        self.say("response.completed", json!({ "response": response }))
    }
}
