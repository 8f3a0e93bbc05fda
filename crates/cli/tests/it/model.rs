//! A model on a socket of this machine that speaks OpenAI's chat completions and its responses and Anthropic's messages, and
//! thinks: the same request gets the same answer, however often it is made.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answer;
mod chat;
mod messages;
mod responses;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

pub(crate) use self::answer::Answer;
use self::answer::{Ending, Head};
use self::chat::Chat;
use self::messages::Messages;
use self::responses::Responses;

type Brain = dyn Fn(&Value) -> Answer + Send + Sync;

pub(crate) struct Model {
    port: u16,
    requests: Arc<Mutex<Vec<Value>>>,
    n_open: Arc<AtomicUsize>,
}

impl Model {
    /// Answers each request as it deserves, until the test is over.
    pub(crate) fn thinking(brain: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let n_open = Arc::new(AtomicUsize::new(0));
        let (notes, open) = (Arc::clone(&requests), Arc::clone(&n_open));
        let brain: Arc<Brain> = Arc::new(brain);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (socket, brain) = (socket.unwrap(), Arc::clone(&brain));
                let (notes, open) = (Arc::clone(&notes), Arc::clone(&open));
                std::thread::spawn(move || {
                    // A server that is killed hangs up in the middle.
                    let _ = serve(&socket, &*brain, &notes, &open);
                });
            }
        });
        Self {
            port,
            requests,
            n_open,
        }
    }

    /// The section of the configuration that leads here.
    pub(crate) fn section(&self, name: &str) -> String {
        let url = self.url();
        format!("\n[vendors.{name}]\nbase_url = \"{url}\"\n")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// What it was asked so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    /// The answers that it is giving now.
    pub(crate) fn n_open(&self) -> usize {
        self.n_open.load(Ordering::SeqCst)
    }
}

/// An answer under way, until it is given or nobody hears it any more.
struct Open<'a>(&'a AtomicUsize);

impl<'a> Open<'a> {
    fn new(n_open: &'a AtomicUsize) -> Self {
        n_open.fetch_add(1, Ordering::SeqCst);
        Self(n_open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
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

fn serve(
    socket: &TcpStream,
    brain: &Brain,
    notes: &Mutex<Vec<Value>>,
    n_open: &AtomicUsize,
) -> std::io::Result<()> {
    let Some((path, request)) = read(socket)? else {
        // A client looks around before it asks.
        let none = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return { socket }.write_all(none.as_bytes());
    };
    if path.contains("/count_tokens") {
        return write_json(socket, "200 OK", "", r#"{"input_tokens": 7}"#);
    }
    let _open = Open::new(n_open);
    let is_streamed = request["stream"] == true;
    let answer = brain(&request);
    notes.lock().unwrap().push(request);
    match answer.head {
        Head::Good => {}
        Head::Refused {
            status,
            retry_after_s,
        } => return refuse(socket, status, retry_after_s),
        Head::Missing => return until_hung_up(socket),
    }
    let is_messages = path.contains("/messages");
    if is_messages && !is_streamed && answer.ending == Ending::Whole {
        let whole = Messages::whole(socket, &answer).to_string();
        return write_json(socket, "200 OK", "", &whole);
    }
    // A connection that ends before what was promised is a broken one.
    let promised = match answer.ending {
        Ending::Dropped => "content-length: 1000000\r\n",
        Ending::Whole | Ending::Hanging | Ending::Truncated => "",
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{promised}connection: close\r\n\r\n"
    );
    { socket }.write_all(head.as_bytes())?;
    if path.ends_with("/responses") {
        speak(&answer, socket, Responses::new(socket))
    } else if is_messages {
        speak(&answer, socket, Messages::new(socket))
    } else {
        speak(&answer, socket, Chat::new(socket))
    }
}

fn refuse(socket: &TcpStream, status: u16, retry_after_s: Option<u32>) -> std::io::Result<()> {
    let (reason, kind) = match status {
        429 => ("Too Many Requests", "rate_limit_error"),
        400 => ("Bad Request", "invalid_request_error"),
        _ => ("Internal Server Error", "api_error"),
    };
    let after = retry_after_s.map(|seconds| format!("retry-after: {seconds}\r\n"));
    let error = json!({"type": kind, "message": format!("the model says {status}")});
    let body = json!({"type": "error", "error": error}).to_string();
    let status = format!("{status} {reason}");
    write_json(socket, &status, &after.unwrap_or_default(), &body)
}

fn write_json(
    mut socket: &TcpStream,
    status: &str,
    headers: &str,
    body: &str,
) -> std::io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(answer.as_bytes())
}

fn until_hung_up(mut socket: &TcpStream) -> std::io::Result<()> {
    let mut rest = [0; 64];
    while socket.read(&mut rest)? > 0 {}
    Ok(())
}

/// How an answer goes over a wire.
trait Wire {
    fn begin(&mut self) -> std::io::Result<()>;
    fn word(&mut self, word: &str) -> std::io::Result<()>;
    fn call(&mut self, name: &str, args: &Value) -> std::io::Result<()>;
    fn end(&mut self) -> std::io::Result<()>;
}

fn speak(answer: &Answer, socket: &TcpStream, mut wire: impl Wire) -> std::io::Result<()> {
    wire.begin()?;
    for word in &answer.words {
        wire.word(word)?;
        if !answer.pause.is_zero() {
            std::thread::park_timeout(answer.pause);
        }
    }
    match answer.ending {
        Ending::Whole => {}
        Ending::Hanging => return until_hung_up(socket),
        Ending::Dropped | Ending::Truncated => return Ok(()),
    }
    for (name, args) in &answer.calls {
        wire.call(name, args)?;
    }
    wire.end()
}

/// The path and the body; nothing where there is no body.
fn read(socket: &TcpStream) -> std::io::Result<Option<(String, Value)>> {
    let mut reader = BufReader::new(socket);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
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
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some((path, serde_json::from_slice(&body)?)))
}
