//! A real server process on one address and one store, killed and started again.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// What the runs do: words at a rate that leaves room for all the kills, a tool call, more words.
const LOAD_AGENT: &str = r#"
[agents.load]
driver = "scripted"
max_lost_attempts = 100
script = [
    { tokens = 250, per_second = 10 },
    { tool = "look", args = {}, result = "ok", delay_ms = 20 },
    { tokens = 100, per_second = 10 },
    { text = "Done." },
]
"#;

pub(crate) struct Server {
    child: Child,
    dir: tempfile::TempDir,
    address: String,
    client: reqwest::Client,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("outlive.toml"), LOAD_AGENT).unwrap();
        let address = free_address();
        let child = spawn(&dir, &address);
        let mut server = Self {
            child,
            dir,
            address,
            client: reqwest::Client::new(),
        };
        server.wait_until_ready().await;
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn wait_until_ready(&mut self) {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        loop {
            every.tick().await;
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
                panic!("the server ended ({status}):\n{log}");
            }
            let answer = self.client.get(self.url("/healthz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
        }
    }

    pub(crate) async fn kill_and_restart(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(&self.dir, &self.address);
        self.wait_until_ready().await;
    }

    pub(crate) async fn start_runs(&self, n: usize) -> Vec<String> {
        let mut runs = Vec::new();
        for _ in 0..n {
            runs.push(self.start_run().await);
        }
        runs
    }

    async fn start_run(&self) -> String {
        let body = json!({ "agent": "load", "input": "go" });
        let answer = self
            .client
            .post(self.url("/v1/runs"))
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
        let run: Value = answer.json().await.unwrap();
        run["id"].as_str().unwrap().to_owned()
    }

    /// Waits until no run is open.
    pub(crate) async fn wait_until_idle(&self) {
        let mut every = tokio::time::interval(Duration::from_millis(100));
        loop {
            every.tick().await;
            let mut n_open = 0;
            for status in ["queued", "running", "waiting"] {
                let answer = self
                    .client
                    .get(self.url(&format!("/v1/runs?status={status}")))
                    .send()
                    .await
                    .unwrap();
                let page: Value = answer.json().await.unwrap();
                n_open += page["runs"].as_array().unwrap().len();
            }
            if n_open == 0 {
                return;
            }
        }
    }

    /// The whole log of a run, as frames.
    pub(crate) async fn log(&self, run: &str) -> Vec<u8> {
        let request = self.client.get(self.url(&format!("/v1/runs/{run}/events")));
        let answer = request
            .header("accept", "text/event-stream")
            .send()
            .await
            .unwrap();
        let body = answer.bytes().await.unwrap();
        let mut log = Vec::new();
        for block in run::frame::split(&body) {
            if block.starts_with(b"id: ") {
                log.extend_from_slice(block);
            }
        }
        log
    }

    /// The log of a run that nobody disturbs.
    pub(crate) async fn log_of_a_run_alone(&self) -> Vec<u8> {
        let run = self.start_run().await;
        self.wait_until_idle().await;
        self.log(&run).await
    }
}

/// An address that is free for the moment; every start of the server takes it again, so that clients come back to it.
/// Its port is none of those that the system gives out: a client that tries to connect while the server is down would
/// now and then get that very port for itself, find itself at the other end, and keep it.
fn free_address() -> String {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let mut addresses = (first..32_768).map(|port| format!("127.0.0.1:{port}"));
    addresses
        .find(|address| TcpListener::bind(address).is_ok())
        .unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the real binary is what is tested"
)]
fn spawn(dir: &tempfile::TempDir, address: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_outlive"))
        .current_dir(dir)
        .env("XDG_DATA_HOME", dir.path())
        .env("XDG_CONFIG_HOME", dir.path())
        .args(["serve", "--listen", address, "--store", "sqlite://kill.db"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(
            std::fs::File::options()
                .create(true)
                .append(true)
                .open(dir.path().join("log"))
                .unwrap(),
        )
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
