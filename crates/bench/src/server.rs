//! The real binary: how soon a started run speaks, and what idle runs and followers cost in memory.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::report::{Latencies, Report};
use crate::{child, clients};

const CONFIG: &str = r#"
[limits]
queued_runs = 100000
streams_per_credential = 10000
[worker]
slots = 256
[agents.quick]
driver = "scripted"
script = [{ text = "hello" }]
[agents.patient]
driver = "scripted"
script = [{ approval = "wait" }]
"#;

/// The real binary, serving.
pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    async fn start(dir: &Path) -> anyhow::Result<Self> {
        Self::start_with(dir, CONFIG).await
    }

    pub(crate) async fn start_with(dir: &Path, config: &str) -> anyhow::Result<Self> {
        Self::start_where(dir, config, &[]).await
    }

    /// With more variables in its environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "the real binary is what is measured"
    )]
    pub(crate) async fn start_where(
        dir: &Path,
        config: &str,
        variables: &[(&str, PathBuf)],
    ) -> anyhow::Result<Self> {
        std::fs::write(dir.join("outlive.toml"), config)?;
        let binary = std::env::current_exe()?.with_file_name("outlive");
        anyhow::ensure!(
            binary.exists(),
            "build the server first: cargo build --release"
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let process = Command::new(binary)
            .current_dir(dir)
            .env("XDG_DATA_HOME", dir)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .args([
                "serve",
                "--store",
                "sqlite://bench.db",
                "--listen",
                &format!("127.0.0.1:{port}"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(dir.join("log"))?)
            .kill_on_drop(true)
            .spawn()?;
        let server = Self { process, port };
        for _ in 0..500 {
            if server.call("GET", "/healthz", "").await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::bail!(
            "the server did not start: {}",
            std::fs::read_to_string(dir.join("log"))?
        )
    }

    /// One request on a connection of its own; the whole answer.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: &str,
    ) -> anyhow::Result<String> {
        let mut stream = self.send(method, path, "application/json", body).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        accept: &str,
        body: &str,
    ) -> anyhow::Result<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\naccept: {accept}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        Ok(stream)
    }

    /// Resident memory of the server, bytes.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        Ok(self.status("VmRSS:")? * 1024)
    }

    /// Processor time of the server, user and system.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let pid = self.process.id().context("the server runs")?;
        child::cpu_of(&pid.to_string())
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Threads of the server.
    pub(crate) fn threads(&self) -> anyhow::Result<u64> {
        self.status("Threads:")
    }

    fn status(&self, name: &str) -> anyhow::Result<u64> {
        let pid = self.process.id().context("the server runs")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .with_context(|| format!("a line {name}"))?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Waits until no run is performed or due.
    pub(crate) async fn wait_until_idle(&self) -> anyhow::Result<()> {
        loop {
            let open = self
                .call("GET", "/v1/runs?status=queued,running&limit=1", "")
                .await?;
            if !open.contains("\"status\"") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The same, and until what waits has left the memory: events of idle runs move into chunks after two seconds, and
    /// their memory goes a little later.
    pub(crate) async fn wait_until_quiet(&self) -> anyhow::Result<()> {
        self.wait_until_idle().await?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(())
    }
}

/// From the request that starts a run to its first events on the same connection.
pub(crate) async fn start(report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let server = Server::start(dir.path()).await?;
    let (mut first, mut spoken, mut ended) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..300 {
        let begin = Instant::now();
        let body = r#"{"agent":"quick","input":"x"}"#;
        let mut stream = server
            .send("POST", "/v1/runs", "text/event-stream", body)
            .await?;
        let mut all = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        let (mut first_at, mut spoken_at) = (None, None);
        while !contains(&all, b"event: run.finished") {
            let n = stream.read(&mut buffer).await?;
            anyhow::ensure!(
                n > 0,
                "the stream ended early: {}",
                String::from_utf8_lossy(&all)
            );
            all.extend_from_slice(&buffer[..n]);
            if contains(&all, b"event: run.created") {
                first_at.get_or_insert_with(|| begin.elapsed());
            }
            if contains(&all, b"event: text.delta") {
                spoken_at.get_or_insert_with(|| begin.elapsed());
            }
        }
        ended.push(begin.elapsed());
        first.extend(first_at);
        spoken.extend(spoken_at);
    }
    for (what, times, target) in [
        (
            "start to first event at the client (p50 / p99 / max)",
            first,
            "p50 ≤ 3 ms, p99 ≤ 25 ms",
        ),
        ("start to first text", spoken, ""),
        ("start to the final event", ended, ""),
    ] {
        report.row(
            what,
            Latencies::new(times).summary(),
            String::new(),
            None,
            target,
        );
    }
    Ok(())
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

/// Idle, with idle open runs, with idle followers.
pub(crate) async fn memory(report: &mut Report) -> anyhow::Result<()> {
    const RUNS: u64 = 5_000;
    const FOLLOWERS: u64 = 5_000;
    let dir = tempfile::tempdir_in("target")?;
    let server = Server::start(dir.path()).await?;
    let idle = server.memory()?;
    report.row("memory, idle", mib(idle), String::new(), None, "≤ 20 MiB");

    // One batch first, so that what is allocated once and kept is not counted as the runs' share.
    let first = park(&server, RUNS).await?;
    let before = server.memory()?;
    park(&server, RUNS).await?;
    let after = server.memory()?;
    let per_run = format!("{:.2} KiB", kib(after.saturating_sub(before), RUNS));
    report.row(
        "memory per idle open run",
        per_run,
        String::new(),
        None,
        "≤ 2 KiB",
    );

    let before = server.memory()?;
    let mut streams = Vec::new();
    for n in 0..FOLLOWERS {
        let mut stream =
            clients::connect(server.port, &first[usize::try_from(n)? % first.len()]).await?;
        let mut buffer = [0; 4096];
        anyhow::ensure!(
            stream.read(&mut buffer).await? > 0,
            "a follower was turned away"
        );
        streams.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = server.memory()?;
    let per_follower = format!("{:.1} KiB", kib(after.saturating_sub(before), FOLLOWERS));
    report.row(
        "memory per follower, 5,000 of them",
        per_follower,
        String::new(),
        None,
        "≤ 25 KiB",
    );
    Ok(())
}

/// Starts runs that wait for an approval, and waits until all of them do.
async fn park(server: &Server, n: u64) -> anyhow::Result<Vec<String>> {
    let mut runs = Vec::new();
    for _ in 0..n {
        let answer = server
            .call("POST", "/v1/runs", r#"{"agent":"patient","input":"x"}"#)
            .await?;
        let id = answer
            .split("\"id\":\"")
            .nth(1)
            .and_then(|rest| rest.get(..36))
            .with_context(|| answer.clone())?;
        runs.push(id.to_owned());
    }
    server.wait_until_quiet().await?;
    Ok(runs)
}

#[expect(clippy::cast_precision_loss, reason = "bytes for people")]
fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "bytes for people")]
fn kib(bytes: u64, n: u64) -> f64 {
    bytes as f64 / 1024.0 / n as f64
}
