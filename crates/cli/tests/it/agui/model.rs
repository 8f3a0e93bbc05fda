//! A vendor that speaks OpenAI's chat completions and says or calls what it is told to.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

pub(super) struct Model {
    port: u16,
    answers: Arc<Mutex<VecDeque<Value>>>,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let model = Self {
            port: listener.local_addr().unwrap().port(),
            answers: Arc::default(),
            requests: Arc::default(),
        };
        let (answers, requests) = (Arc::clone(&model.answers), Arc::clone(&model.requests));
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                let request = read(&socket);
                requests.lock().unwrap().push(request);
                let delta = answers.lock().unwrap().pop_front();
                write(socket, &delta.expect("a request too many"));
            }
        });
        model
    }

    /// The section of the configuration that leads here.
    pub(super) fn section(&self, name: &str) -> String {
        let port = self.port;
        format!("\n[vendors.{name}]\nbase_url = \"http://127.0.0.1:{port}/v1\"\n")
    }

    pub(super) fn will_say(&self, text: &str) {
        let delta = json!({"content": text});
        self.answers.lock().unwrap().push_back(delta);
    }

    /// Says this and breaks off.
    pub(super) fn will_break(&self, text: &str) {
        let delta = json!({"content": text, "breaks": true});
        self.answers.lock().unwrap().push_back(delta);
    }

    pub(super) fn will_call(&self, tool: &str, args: &str) {
        let function = json!({"name": tool, "arguments": args});
        let call = json!({"index": 0, "id": "call_1", "type": "function", "function": function});
        let delta = json!({"tool_calls": [call]});
        self.answers.lock().unwrap().push_back(delta);
    }

    pub(super) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

fn read(socket: &TcpStream) -> Value {
    let mut reader = BufReader::new(socket);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let header = line.trim_end().split_once(": ");
        if let Some((_, value)) =
            header.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn write(mut socket: TcpStream, delta: &Value) {
    let reason = if delta["content"].is_null() {
        "tool_calls"
    } else {
        "stop"
    };
    let chunks = [
        json!({"choices": [{"index": 0, "delta": delta}]}),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}),
    ];
    let mut say = |text: &str| socket.write_all(text.as_bytes()).unwrap();
    say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
    let n = if delta["breaks"] == true {
        1
    } else {
        chunks.len()
    };
    for chunk in chunks.iter().take(n) {
        say(&format!("data: {chunk}\n\n"));
    }
    if n == chunks.len() {
        say("data: [DONE]\n\n");
    }
}
