//! Chat completions.

use std::io::{Result, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::Wire;

pub(super) struct Chat<'a> {
    socket: &'a TcpStream,
    n_calls: usize,
}

impl<'a> Chat<'a> {
    pub(super) fn new(socket: &'a TcpStream) -> Self {
        Self { socket, n_calls: 0 }
    }

    fn say(&mut self, chunk: &Value) -> Result<()> {
        self.socket
            .write_all(format!("data: {chunk}\n\n").as_bytes())
    }

    fn delta(&mut self, delta: &Value) -> Result<()> {
        self.say(&json!({"choices": [{"index": 0, "delta": delta}]}))
    }
}

impl Wire for Chat<'_> {
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<()> {
        self.delta(&json!({ "content": word }))
    }

    fn call(&mut self, name: &str, args: &Value) -> Result<()> {
        let index = self.n_calls;
        self.n_calls += 1;
        let args = args.to_string();
        let (first, rest) = args.split_at(args.len() / 2);
        let id = format!("call_{index}");
        let begun =
            json!({"index": index, "id": id, "function": {"name": name, "arguments": first}});
        self.delta(&json!({ "tool_calls": [begun] }))?;
        let more = json!({"index": index, "function": {"arguments": rest}});
        self.delta(&json!({ "tool_calls": [more] }))
    }

    fn end(&mut self) -> Result<()> {
        let reason = if self.n_calls == 0 {
            "stop"
        } else {
            "tool_calls"
        };
        self.say(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))?;
        self.say(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))?;
        self.socket.write_all(b"data: [DONE]\n\n")
    }
}
