//! Loops of a model and a tool, many at once: what Outlive adds between two calls of the model. And what parked ones cost.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

use crate::report::{Latencies, Report};
use crate::server::Server;

const RUNS: usize = 500;
const STEPS: usize = 10;
const TOKENS: usize = 200;
const PER_SECOND: u64 = 50;
const PARKED: usize = 10_000;

/// A model that calls a tool nine times and then answers, 200 tokens at 50 a second each time; and the page that the tool
/// fetches.
#[derive(Default)]
struct Model {
    /// When the last answer of a run ended, by what its user said.
    ended: Mutex<HashMap<String, Instant>>,
    /// From there to the next request of the run.
    between: Mutex<Vec<Duration>>,
}

/// Five hundred loops of ten steps.
pub(crate) async fn loops(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let model = Arc::new(Model::default());
    let port = Arc::clone(&model)
        .listen(Duration::from_millis(1_000 / PER_SECOND))
        .await?;
    let server = serve(dir.path(), port).await?;
    let begin = Instant::now();
    for n in 0..RUNS {
        start(&server, "busy", n).await?;
    }
    server.wait_until_idle().await?;
    let took = begin.elapsed();
    let between = std::mem::take(&mut *lock(&model.between));
    anyhow::ensure!(
        between.len() == RUNS * (STEPS - 1),
        "{} steps of {} were taken",
        between.len(),
        RUNS * (STEPS - 1)
    );
    report.row(
        "500 loops of 10 steps at 50 tokens/s: from the end of an answer to the next call, the tool's fetch between (p50 / p99 / max)",
        Latencies::new(between).summary(),
        String::new(),
        None,
        "p99 ≤ 100 ms",
    );
    let alone = Duration::from_millis((STEPS * TOKENS) as u64 * 1_000 / PER_SECOND);
    report.row(
        "the same: all of them, beside the model's own time",
        format!("{:.1} s", took.as_secs_f64()),
        format!("{:.1} s", alone.as_secs_f64()),
        Some(took.as_secs_f64() / alone.as_secs_f64()),
        "",
    );
    Ok(())
}

/// Ten thousand loops that wait for a person.
pub(crate) async fn parked(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let port = Arc::new(Model::default()).listen(Duration::ZERO).await?;
    let server = serve(dir.path(), port).await?;
    // What is allocated once is not the runs' share.
    for n in 0..1_000 {
        start(&server, "careful", n).await?;
    }
    server.wait_until_quiet().await?;
    let (memory, disk) = (server.memory()?, size_of(dir.path())?);
    for n in 0..PARKED {
        start(&server, "careful", n).await?;
    }
    server.wait_until_quiet().await?;
    let n = PARKED as u64;
    let memory = server.memory()?.saturating_sub(memory);
    let disk = size_of(dir.path())?.saturating_sub(disk);
    report.row(
        "10,000 parked loops: memory and disk of each",
        format!("{} B, {} B", memory / n, disk / n),
        String::new(),
        None,
        "disk only",
    );
    let threads = server.threads()?;
    report.row(
        "the same: threads of the server",
        threads.to_string(),
        String::new(),
        None,
        "",
    );
    Ok(())
}

async fn serve(dir: &Path, port: u16) -> anyhow::Result<Server> {
    let config = format!(
        r#"
[limits]
queued_runs = 100000
[worker]
slots = 1000
allow_hosts = ["127.0.0.1"]
[vendors.stub]
base_url = "http://127.0.0.1:{port}/v1"
[agents.busy]
driver = "loop"
model = "stub/m"
[agents.busy.tools]
builtin = ["http_fetch"]
rules = {{ "*" = "allow" }}
[agents.careful]
driver = "loop"
model = "stub/m"
[agents.careful.tools]
builtin = ["http_fetch"]
"#
    );
    Server::start_with(dir, &config).await
}

async fn start(server: &Server, agent: &str, n: usize) -> anyhow::Result<()> {
    let body = json!({ "agent": agent, "input": format!("run {n}") }).to_string();
    let answer = server.call("POST", "/v1/runs", &body).await?;
    anyhow::ensure!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    Ok(())
}

fn size_of(dir: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Model {
    async fn listen(self: Arc<Self>, pace: Duration) -> anyhow::Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let model = Arc::clone(&self);
                tokio::spawn(async move { model.answer(socket, port, pace).await });
            }
        });
        Ok(port)
    }

    async fn answer(&self, mut socket: TcpStream, port: u16, pace: Duration) -> anyhow::Result<()> {
        socket.set_nodelay(true)?;
        let (head, body) = read(&mut socket).await?;
        if head.starts_with("GET") {
            let fetched = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\nconnection: close\r\n\r\npage";
            socket.write_all(fetched.as_bytes()).await?;
            return Ok(());
        }
        let arrived = Instant::now();
        let request: Value = serde_json::from_slice(&body)?;
        let messages = request["messages"].as_array().context("messages")?;
        let n_results = messages
            .iter()
            .filter(|said| said["role"] == "tool")
            .count();
        let user = messages.iter().find(|said| said["role"] == "user");
        let user = user
            .and_then(|said| said["content"].as_str())
            .context("a user")?;
        if let Some(ended) = lock(&self.ended).remove(user) {
            lock(&self.between).push(arrived - ended);
        }
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
        socket.write_all(head.as_bytes()).await?;
        let token = json!({"choices": [{"index": 0, "delta": {"content": "word "}}]});
        let token = format!("data: {token}\n\n");
        if pace.is_zero() {
            socket.write_all(token.as_bytes()).await?;
        } else {
            let mut pace = interval(pace);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for _ in 0..TOKENS {
                pace.tick().await;
                socket.write_all(token.as_bytes()).await?;
            }
        }
        let is_last = n_results + 1 >= STEPS;
        let args = json!({ "url": format!("http://127.0.0.1:{port}/page") }).to_string();
        let function = json!({ "name": "http_fetch", "arguments": args });
        let call = json!({ "index": 0, "id": "call", "function": function });
        let (delta, reason) = if is_last {
            (json!({}), "stop")
        } else {
            (json!({ "tool_calls": [call] }), "tool_calls")
        };
        let end = json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]});
        let end = format!("data: {end}\n\ndata: [DONE]\n\n");
        // Known before the other side can answer.
        if !is_last {
            lock(&self.ended).insert(user.to_owned(), Instant::now());
        }
        socket.write_all(end.as_bytes()).await?;
        socket.shutdown().await?;
        Ok(())
    }
}

async fn read(socket: &mut TcpStream) -> anyhow::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let n = socket.read(&mut buffer).await?;
        anyhow::ensure!(n > 0, "the client hung up");
        bytes.extend_from_slice(&buffer[..n]);
        let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length
                .then(|| value.trim().parse::<usize>().ok())
                .flatten()
        });
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return Ok((head, bytes.split_off(end + 4)));
        }
    }
}
