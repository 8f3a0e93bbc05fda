//! A model vendor on a real socket that speaks every wire, by the path it is asked on.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// The key that is sent to it.
pub(crate) const KEY: &str = "sk-test-0123456789abcdef";

const OPENAI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"ok\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
const ANTHROPIC: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"ok\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":5,\"output_tokens\":2}}\n\n";
const GEMINI: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"ok\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":2}}\n\n";
const OLLAMA: &str = "{\"message\":{\"content\":\"ok\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":5,\"eval_count\":2}\n";

pub(crate) struct Vendor {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Vendor {
    /// Serves until the test is over. The model `good` answers, `cut` breaks off, `refused` does not like the key, and
    /// any other is unknown.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &notes);
            }
        });
        Self { url, seen }
    }

    /// The requests so far: path, model and the header of the key.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, notes: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    let mut key = "no key".to_owned();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            length = value.parse().unwrap();
        }
        if value.ends_with(KEY) {
            key = name;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let named = path
        .rsplit('/')
        .next()
        .and_then(|last| last.split_once(':'));
    let model = body["model"].as_str().or(named.map(|(model, _)| model));
    let model = model.expect("a model in the body or in the path");
    notes.lock().unwrap().push(format!("{path} {model} {key}"));
    let (kind, whole) = match &*path {
        "/v1/chat/completions" => ("text/event-stream", OPENAI),
        "/v1/messages" => ("text/event-stream", ANTHROPIC),
        "/api/chat" => ("application/x-ndjson", OLLAMA),
        _ => ("text/event-stream", GEMINI),
    };
    let (status, kind, body) = match model {
        "good" => ("200 OK", kind, whole.to_owned()),
        "cut" => ("200 OK", kind, whole[..whole.len() / 2].to_owned()),
        "refused" => {
            let body = format!("{{\"error\":{{\"message\":\"wrong key: {KEY}\"}}}}");
            ("401 Unauthorized", "application/json", body)
        }
        other => {
            let body = format!(
                "{{\"error\":{{\"type\":\"not_found_error\",\"message\":\"model: {other} not found\"}}}}"
            );
            ("404 Not Found", "application/json", body)
        }
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).unwrap();
}
