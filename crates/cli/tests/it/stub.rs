//! A vendor on a socket of this machine that speaks OpenAI's chat completions and answers as it is told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// One answer: words, and behind some of them a gate that the test opens.
pub(crate) struct Answer {
    pieces: Vec<String>,
    /// The tool that it calls, with the arguments.
    call: Option<(String, Value)>,
    gate: Option<Receiver<()>>,
    is_cut: bool,
}

impl Answer {
    /// In one go.
    pub(crate) fn text(text: &str) -> Self {
        Self {
            pieces: pieces(text),
            call: None,
            gate: None,
            is_cut: false,
        }
    }

    /// A text behind which the connection breaks off.
    pub(crate) fn cut(text: &str) -> Self {
        Self {
            is_cut: true,
            ..Self::text(text)
        }
    }

    /// A call of a tool.
    pub(crate) fn call(name: &str, args: Value) -> Self {
        Self {
            pieces: Vec::new(),
            call: Some((name.to_owned(), args)),
            gate: None,
            is_cut: false,
        }
    }

    /// Half of it, and the rest once the test says so.
    pub(crate) fn gated(text: &str) -> (Self, Sender<()>) {
        let (open, gate) = channel();
        let answer = Self {
            pieces: pieces(text),
            call: None,
            gate: Some(gate),
            is_cut: false,
        };
        (answer, open)
    }
}

/// A text in pieces as a model says it.
fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars
        .chunks(5)
        .map(|piece| piece.iter().collect())
        .collect()
}

/// The vendor.
pub(crate) struct Vendor {
    port: u16,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Vendor {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let vendor = Self {
            port: listener.local_addr().unwrap().port(),
            answers: Arc::default(),
            requests: Arc::default(),
        };
        let (answers, requests) = (Arc::clone(&vendor.answers), Arc::clone(&vendor.requests));
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let socket = socket.unwrap();
                let request = read(&socket);
                requests.lock().unwrap().push(request);
                let answer = answers.lock().unwrap().pop_front();
                // A test that has ended hangs up in the middle.
                let _ = write(socket, &answer.expect("a request too many"));
            }
        });
        vendor
    }

    /// The section of the configuration that leads here.
    pub(crate) fn section(&self, name: &str) -> String {
        let port = self.port;
        format!("\n[vendors.{name}]\nbase_url = \"http://127.0.0.1:{port}/v1\"\n")
    }

    /// Answers the next request like this.
    pub(crate) fn will_say(&self, answer: Answer) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
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

fn write(mut socket: TcpStream, answer: &Answer) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    socket.write_all(head.as_bytes())?;
    let mut say = |chunk: &Value| socket.write_all(format!("data: {chunk}\n\n").as_bytes());
    let half = answer.pieces.len() / 2;
    for (n, piece) in answer.pieces.iter().enumerate() {
        if let (Some(gate), true) = (&answer.gate, n == half) {
            let _ = gate.recv();
        }
        say(&json!({"choices": [{"index": 0, "delta": {"content": piece}}]}))?;
    }
    if answer.is_cut {
        return Ok(());
    }
    let mut finish_reason = "stop";
    if let Some((name, args)) = &answer.call {
        let call = json!({
            "index": 0, "id": "call_1", "type": "function",
            "function": { "name": name, "arguments": args.to_string() },
        });
        say(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))?;
        finish_reason = "tool_calls";
    }
    say(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]}))?;
    say(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))?;
    socket.write_all(b"data: [DONE]\n\n")
}
