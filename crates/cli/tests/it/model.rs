//! A model on a socket of this machine that speaks OpenAI's chat completions, and thinks: the same request gets the same
//! answer, however often it is made.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

type Brain = dyn Fn(&Value) -> Answer + Send + Sync;

/// What it says.
pub(crate) struct Answer {
    words: Vec<String>,
    calls: Vec<(String, Value)>,
    is_whole: bool,
}

impl Answer {
    pub(crate) fn text(text: &str) -> Self {
        let words = text.split_inclusive(' ');
        Self {
            words: words.map(str::to_owned).collect(),
            calls: Vec::new(),
            is_whole: true,
        }
    }

    /// Words, and a call of a tool.
    pub(crate) fn call(text: &str, name: &str, args: Value) -> Self {
        Self::text(text).and(name, args)
    }

    /// One more call.
    pub(crate) fn and(mut self, name: &str, args: Value) -> Self {
        self.calls.push((name.to_owned(), args));
        self
    }

    /// Nothing comes behind these words until the other side hangs up.
    pub(crate) fn hanging(text: &str) -> Self {
        Self {
            is_whole: false,
            ..Self::text(text)
        }
    }
}

pub(crate) struct Model {
    port: u16,
    requests: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    /// Answers each request as it deserves, until the test is over.
    pub(crate) fn thinking(brain: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&requests);
        let brain: Arc<Brain> = Arc::new(brain);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (socket, brain, notes) = (socket.unwrap(), Arc::clone(&brain), notes.clone());
                std::thread::spawn(move || {
                    // A server that is killed hangs up in the middle.
                    let _ = serve(&socket, &*brain, &notes);
                });
            }
        });
        Self { port, requests }
    }

    /// The section of the configuration that leads here.
    pub(crate) fn section(&self, name: &str) -> String {
        let port = self.port;
        format!("\n[vendors.{name}]\nbase_url = \"http://127.0.0.1:{port}/v1\"\n")
    }

    /// What it was asked so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

/// The calls that a model is told of and their results, in order.
pub(crate) fn results(request: &Value) -> Vec<(String, String)> {
    let messages = request["messages"].as_array().unwrap();
    let asked = messages
        .iter()
        .flat_map(|message| message["tool_calls"].as_array().into_iter().flatten());
    let told = messages.iter().filter(|message| message["role"] == "tool");
    let name = |call: &Value| call["function"]["name"].as_str().unwrap().to_owned();
    let text = |result: &Value| result["content"].as_str().unwrap().to_owned();
    let (asked, told): (Vec<_>, Vec<_>) = (asked.map(name).collect(), told.map(text).collect());
    assert_eq!(asked.len(), told.len(), "each call has a result: {request}");
    asked.into_iter().zip(told).collect()
}

fn serve(socket: &TcpStream, brain: &Brain, notes: &Mutex<Vec<Value>>) -> std::io::Result<()> {
    let request = read(socket)?;
    let answer = brain(&request);
    notes.lock().unwrap().push(request);
    write(socket, &answer)
}

fn read(socket: &TcpStream) -> std::io::Result<Value> {
    let mut reader = BufReader::new(socket);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.trim_end().split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

fn write(mut socket: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    socket.write_all(head.as_bytes())?;
    let mut say = |chunk: &Value| socket.write_all(format!("data: {chunk}\n\n").as_bytes());
    let delta = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    for word in &answer.words {
        say(&delta(json!({ "content": word })))?;
    }
    if !answer.is_whole {
        let mut rest = [0; 64];
        while socket.read(&mut rest)? > 0 {}
        return Ok(());
    }
    for (index, (name, args)) in answer.calls.iter().enumerate() {
        let args = args.to_string();
        let (first, rest) = args.split_at(args.len() / 2);
        let id = format!("call_{index}");
        let begun =
            json!({"index": index, "id": id, "function": {"name": name, "arguments": first}});
        say(&delta(json!({ "tool_calls": [begun] })))?;
        let more = json!({"index": index, "function": {"arguments": rest}});
        say(&delta(json!({ "tool_calls": [more] })))?;
    }
    let reason = if answer.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    say(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))?;
    say(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}))?;
    socket.write_all(b"data: [DONE]\n\n")
}
