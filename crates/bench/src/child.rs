//! The measured side, in a process of its own so that its processor time can be told from the clients': a server with a
//! load inside, or a raw TCP writer that does the same without a store and without HTTP.
//!
//! It prints `port N` and, line by line, what its clients are to ask for; then it waits for `go` on its standard input,
//! and prints `cpu N` (milliseconds) when the load is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::{Args, ValueEnum};
use run::Event;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::load::{self, Writing};

/// What a child does.
#[derive(Args, Clone)]
pub(crate) struct Child {
    /// A whole server, or raw sockets.
    #[arg(long, value_enum)]
    pub(crate) kind: Kind,
    /// Where the store is.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// Runs that are written to.
    #[arg(long)]
    pub(crate) runs: u32,
    /// Clients that come.
    #[arg(long)]
    pub(crate) clients: usize,
    /// Events a second, over all runs.
    #[arg(long)]
    pub(crate) per_second: u64,
    /// Events of one append.
    #[arg(long)]
    pub(crate) batch: u64,
    /// For so long.
    #[arg(long)]
    pub(crate) seconds: u64,
}

/// What serves.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Store and HTTP.
    Server,
    /// Nothing but sockets.
    Raw,
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub(crate) async fn serve(child: Child) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    match child.kind {
        Kind::Server => server(child, listener).await,
        Kind::Raw => raw(child, listener).await,
    }
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn server(child: Child, listener: TcpListener) -> anyhow::Result<()> {
    let store = load::open(&child.dir, load::options()).await?;
    let mut runs = load::runs(&store, 0, child.runs).await?;
    for one in &runs {
        println!("get {}", one.run);
    }
    println!("ready");
    let limits = http::Limits {
        connections: 10_000,
        streams_per_credential: 10_000,
        ..http::Limits::default()
    };
    let settings = http::Settings {
        limits,
        ..http::Settings::default()
    };
    let catalogue = http::Catalogue::new(Arc::default());
    let app = http::App::new(store.clone(), catalogue, settings, None);
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(http::serve(listener, app, shutdown.clone()));
    wait_for_go().await?;
    let before = cpu_ms()?;
    write(&store, &mut runs, &child).await?;
    println!("cpu {}", cpu_ms()? - before);
    load::finish(&store, &runs).await?;
    wait_for_go().await.ok();
    shutdown.cancel();
    serving.await??;
    store.close().await;
    Ok(())
}

/// Hands `batch` events at once to one run after the other, at the rate. Each event says when it was handed over. A run
/// has one append in flight; what comes meanwhile goes along with the next, as in an attempt's outbox.
async fn write(store: &store::Store, runs: &mut [Writing], child: &Child) -> anyhow::Result<()> {
    let mut queues = Vec::new();
    let mut attempts = tokio::task::JoinSet::new();
    for (n, mut one) in runs.iter().copied().enumerate() {
        let (send, mut receive) = tokio::sync::mpsc::channel::<Event>(4_096);
        let store = store.clone();
        queues.push(send);
        attempts.spawn(async move {
            let mut events = Vec::new();
            while receive.recv_many(&mut events, 256).await > 0 {
                store
                    .append(one.append(std::mem::take(&mut events)))
                    .await?;
            }
            anyhow::Ok((n, one))
        });
    }
    let begin = Instant::now();
    let time = Duration::from_secs(child.seconds);
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let (mut sent, mut at) = (0, 0);
    while begin.elapsed() < time {
        tick.tick().await;
        let due = load::due(begin.elapsed(), child.per_second);
        while sent + child.batch <= due {
            at = (at + 1) % queues.len();
            for _ in 0..child.batch {
                queues[at].send(stamped()).await?;
            }
            sent += child.batch;
        }
    }
    drop(queues);
    while let Some(attempt) = attempts.join_next().await {
        let (n, one) = attempt??;
        runs[n] = one;
    }
    Ok(())
}

/// An event whose text is the time.
fn stamped() -> Event {
    load::text(&format!("{:020}", now_ns()))
}

/// The wall clock, which both processes share, in nanoseconds.
pub(crate) fn now_ns() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// One `write` per client and event, from a thread's loop over the sockets: what the kernel asks for fan-out.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn raw(child: Child, listener: TcpListener) -> anyhow::Result<()> {
    for _ in 0..child.runs {
        println!("get any");
    }
    println!("ready");
    let mut clients: Vec<TcpStream> = Vec::new();
    while clients.len() < child.clients {
        let (mut client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        let mut request = [0; 512];
        let _ = client.read(&mut request).await?;
        clients.push(client);
    }
    wait_for_go().await?;
    let before = cpu_ms()?;
    let begin = Instant::now();
    let time = Duration::from_secs(child.seconds);
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut sent = 0;
    let mut seq = 0_u64;
    let per_run = child.clients / child.runs as usize;
    while begin.elapsed() < time {
        tick.tick().await;
        let due = load::due(begin.elapsed(), child.per_second);
        while sent + child.batch <= due {
            let mut frames = Vec::new();
            for _ in 0..child.batch {
                seq += 1;
                run::frame::print(
                    &mut frames,
                    run::Seq(seq),
                    "2026-11-20T10:00:00.000Z",
                    1,
                    &stamped(),
                );
            }
            sent += child.batch;
            let first = usize::try_from(sent / child.batch)? % child.runs as usize * per_run;
            for client in &mut clients[first..first + per_run] {
                client.write_all(&frames).await?;
            }
        }
    }
    println!("cpu {}", cpu_ms()? - before);
    wait_for_go().await.ok();
    Ok(())
}

async fn wait_for_go() -> anyhow::Result<()> {
    // One byte at a time would do; a fresh reader must not swallow the next line.
    let mut line = [0; 3];
    tokio::io::stdin()
        .read_exact(&mut line)
        .await
        .context("the parent is gone")?;
    Ok(())
}

/// Processor time of this process, user and system.
fn cpu_ms() -> anyhow::Result<u64> {
    Ok(u64::try_from(cpu_of("self")?.as_millis())?)
}

/// That of another one.
pub(crate) fn cpu_of(pid: &str) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let behind = stat.rsplit_once(") ").context("a stat line")?.1;
    let fields: Vec<&str> = behind.split(' ').collect();
    // Fields 14 and 15 of proc(5), in ticks of 10 ms; two stand before the part that was split off.
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

/// A running child and what it said.
pub(crate) struct Running {
    process: tokio::process::Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    pub(crate) port: u16,
    pub(crate) targets: Vec<String>,
}

impl Running {
    #[expect(clippy::disallowed_methods, reason = "the child is this program")]
    pub(crate) async fn start(child: &Child) -> anyhow::Result<Self> {
        let kind = if child.kind == Kind::Server {
            "server"
        } else {
            "raw"
        };
        let mut process = tokio::process::Command::new(std::env::current_exe()?)
            .args(["child", "--kind", kind, "--dir"])
            .arg(&child.dir)
            .args([
                "--runs",
                &child.runs.to_string(),
                "--clients",
                &child.clients.to_string(),
            ])
            .args([
                "--per-second",
                &child.per_second.to_string(),
                "--batch",
                &child.batch.to_string(),
            ])
            .args(["--seconds", &child.seconds.to_string()])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let lines = BufReader::new(process.stdout.take().context("a pipe")?).lines();
        let mut running = Self {
            process,
            lines,
            port: 0,
            targets: Vec::new(),
        };
        loop {
            let line = running.line().await?;
            match line.split_once(' ') {
                Some(("port", port)) => running.port = port.parse()?,
                Some(("get", target)) => running.targets.push(target.to_owned()),
                _ if line == "ready" => return Ok(running),
                _ => anyhow::bail!("the child said {line:?}"),
            }
        }
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        self.lines.next_line().await?.context("the child ended")
    }

    pub(crate) async fn go(&mut self) -> anyhow::Result<()> {
        self.process
            .stdin
            .as_mut()
            .context("a pipe")?
            .write_all(b"go\n")
            .await?;
        Ok(())
    }

    /// Waits for the end of the load; the processor time it took.
    pub(crate) async fn cpu(&mut self) -> anyhow::Result<Duration> {
        let line = self.line().await?;
        let ms = line
            .strip_prefix("cpu ")
            .with_context(|| format!("the child said {line:?}"))?;
        Ok(Duration::from_millis(ms.parse()?))
    }
}
