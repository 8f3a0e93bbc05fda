//! A vendor on a socket of this machine that answers as it is told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::interval;

/// What a vendor answers to a request.
type Brain = Box<dyn Fn(&Value) -> Answer + Send + Sync>;

/// One answer.
#[derive(Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Vec<String>,
    pause: Duration,
    end: End,
    media_type: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Whole,
    Cut,
    Hang,
}

impl Answer {
    pub(crate) fn text(words: &[&str]) -> Self {
        Self::ending(words, "stop")
    }

    /// An answer with this finish reason.
    pub(crate) fn ending(words: &[&str], finish_reason: &str) -> Self {
        let mut pieces: Vec<String> = words.iter().map(|word| delta(word)).collect();
        let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
        pieces.push(format!("data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n"));
        Self {
            status: 200,
            headers: Vec::new(),
            pieces,
            pause: Duration::ZERO,
            end: End::Whole,
            media_type: None,
        }
    }

    /// Calls of tools, each a name and its arguments, behind these words.
    pub(crate) fn calls(words: &[&str], calls: &[(&str, Value)]) -> Self {
        let mut pieces: Vec<String> = words.iter().map(|word| delta(word)).collect();
        for (index, (name, args)) in calls.iter().enumerate() {
            let args = args.to_string();
            let (first, rest) = args.split_at(args.len() / 2);
            let function = json!({"name": name, "arguments": first});
            let begin =
                json!({"index": index, "id": format!("call_{index}"), "function": function});
            let more = json!({"index": index, "function": {"arguments": rest}});
            for call in [begin, more] {
                let chunk = json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
                pieces.push(format!("data: {chunk}\n\n"));
            }
        }
        let stop = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]});
        let usage = json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
        pieces.push(format!("data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n"));
        Self {
            pieces,
            ..Self::text(&[])
        }
    }

    /// The connection breaks behind these words.
    pub(crate) fn cut(words: &[&str]) -> Self {
        Self {
            pieces: words.iter().map(|word| delta(word)).collect(),
            end: End::Cut,
            ..Self::text(words)
        }
    }

    /// Nothing comes behind these words.
    pub(crate) fn hanging(words: &[&str]) -> Self {
        Self {
            end: End::Hang,
            ..Self::cut(words)
        }
    }

    /// These events, as JSON.
    pub(crate) fn events(events: &[Value]) -> Self {
        Self {
            pieces: events.iter().map(|it| format!("data: {it}\n\n")).collect(),
            ..Self::text(&[])
        }
    }

    /// The same, and then the connection breaks.
    pub(crate) fn events_cut(events: &[Value]) -> Self {
        Self {
            end: End::Cut,
            ..Self::events(events)
        }
    }

    /// The same, and then nothing comes.
    pub(crate) fn events_hanging(events: &[Value]) -> Self {
        Self {
            end: End::Hang,
            ..Self::events(events)
        }
    }

    /// The same, called this.
    pub(crate) fn with_media_type(self, media_type: &str) -> Self {
        Self {
            media_type: Some(media_type.to_owned()),
            ..self
        }
    }

    /// Bytes as they are, as an event stream.
    pub(crate) fn bytes(text: &str) -> Self {
        Self {
            pieces: vec![text.to_owned()],
            ..Self::text(&[])
        }
    }

    pub(crate) fn slow(words: &[&str], pause: Duration) -> Self {
        Self {
            pause,
            ..Self::text(words)
        }
    }

    pub(crate) fn status(status: u16, headers: &[(&str, &str)], message: &str) -> Self {
        let headers = headers.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        Self {
            status,
            headers: headers.collect(),
            pieces: vec![json!({"error": {"message": message}}).to_string()],
            pause: Duration::ZERO,
            end: End::Whole,
            media_type: None,
        }
    }
}

fn delta(word: &str) -> String {
    let chunk = json!({"choices": [{"index": 0, "delta": {"content": word}}]});
    format!("data: {chunk}\n\n")
}

/// The vendor.
pub(crate) struct Stub {
    port: u16,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    brain: Brain,
    requests: Mutex<Vec<Value>>,
    /// The `authorization` of each request.
    keys: Mutex<Vec<Option<String>>>,
    n_open: AtomicUsize,
}

impl Stub {
    /// Answers the requests with these, one after another.
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        let answers: Mutex<VecDeque<Answer>> = Mutex::new(answers.into());
        Self::thinking(move |_| answers.lock().unwrap().pop_front().unwrap()).await
    }

    /// Answers each request as it deserves, so that one that is made again after a crash gets the same answer.
    pub(crate) async fn thinking(brain: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            brain: Box::new(brain),
            requests: Mutex::default(),
            keys: Mutex::default(),
            n_open: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        let to_all = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let shared = Arc::clone(&to_all);
                connections.spawn(async move {
                    shared.n_open.fetch_add(1, Ordering::SeqCst);
                    let _ = serve(socket, &shared).await;
                    shared.n_open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            port,
            shared,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub(crate) fn keys(&self) -> Vec<Option<String>> {
        self.shared.keys.lock().unwrap().clone()
    }

    pub(crate) fn n_open(&self) -> usize {
        self.shared.n_open.load(Ordering::SeqCst)
    }
}

async fn serve(mut socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let body = loop {
        let mut more = [0; 4096];
        let n = socket.read(&mut more).await?;
        if n == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&more[..n]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.trim().parse::<usize>().unwrap())
        });
        if body.len() >= length.unwrap_or(0) {
            let key = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_key = name.eq_ignore_ascii_case("authorization");
                is_key.then(|| value.trim().to_owned())
            });
            shared.keys.lock().unwrap().push(key);
            break body.to_owned();
        }
    };
    let request = serde_json::from_str(&body).unwrap();
    let answer = (shared.brain)(&request);
    shared.requests.lock().unwrap().push(request);
    let kind = match &answer.media_type {
        Some(media_type) => media_type.as_str(),
        None if answer.status == 200 => "text/event-stream",
        None => "application/json",
    };
    let mut head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n",
        answer.status
    );
    for (name, value) in &answer.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    socket.write_all(head.as_bytes()).await?;
    let mut pace = interval(answer.pause.max(Duration::from_millis(1)));
    for piece in &answer.pieces {
        pace.tick().await;
        let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
        socket.write_all(chunk.as_bytes()).await?;
    }
    match answer.end {
        End::Whole => socket.write_all(b"0\r\n\r\n").await,
        End::Cut => Ok(()),
        // Until the other side hangs up.
        End::Hang => {
            let mut rest = [0; 64];
            while socket.read(&mut rest).await? > 0 {}
            Ok(())
        }
    }
}
