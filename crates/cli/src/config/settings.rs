//! The sections of the configuration and their defaults. `outlive.default.toml` says the same for people; a test
//! proves that the two agree.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Deserializer, Serialize, de};

/// `[server]`: where it listens and what it keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port.
    #[serde(deserialize_with = "address")]
    pub(crate) listen: SocketAddr,
    /// Where the data is; a file in the user's data directory if missing.
    pub(crate) store: Option<String>,
    /// The address under which clients reach it, where that is not `listen`.
    pub(crate) public_url: Option<String>,
    /// Origins of web pages that may use it from a browser.
    pub(crate) allowed_origins: Vec<String>,
    /// Host names that are its own beside the loopback ones, while it has no keys.
    pub(crate) allowed_hosts: Vec<String>,
    /// How the log is written.
    pub(crate) log: LogFormat,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4600),
            store: None,
            public_url: None,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            log: LogFormat::Auto,
        }
    }
}

impl Server {
    /// What is wrong with its values, each as a fragment.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
        if let Some(url) = self.public_url.as_deref().filter(|url| !is_url(url)) {
            problems.push(format!(
                "public_url: \"{url}\" does not begin with http:// or https://"
            ));
        }
        for origin in &self.allowed_origins {
            let host = origin
                .split_once("://")
                .map(|(_, host)| host.trim_end_matches('/'));
            if host.is_none_or(|host| host.is_empty() || host.contains('/')) {
                problems.push(format!(
                    "allowed_origins: \"{origin}\" is no origin such as https://app.example.com"
                ));
            }
        }
        for host in &self.allowed_hosts {
            if host.is_empty() || host.contains(['/', ':']) {
                problems.push(format!(
                    "allowed_hosts: \"{host}\" is no host name such as box.lan"
                ));
            }
        }
        problems
    }
}

/// An address with a port; a name is none, for it may mean several.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        de::Error::custom(format!(
            "\"{text}\" is not an address with a port such as 127.0.0.1:4600"
        ))
    })
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// Text, coloured on a terminal.
    Auto,
    /// Text without colour.
    Text,
    /// One JSON object per line.
    Json,
}

/// `[worker]`: how runs are performed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Worker {
    /// Runs that are performed at once.
    pub(crate) slots: usize,
    /// Seconds that attempts have to reach a boundary when the server is told to end.
    pub(crate) drain_s: u64,
    /// Seconds that a worker's lease lasts without being renewed.
    pub(crate) lease_s: u64,
    /// What tools may reach inside of this network: host names, addresses, networks.
    pub(crate) allow_hosts: Vec<String>,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            slots: 256,
            drain_s: 10,
            lease_s: 5,
            allow_hosts: Vec::new(),
        }
    }
}

impl Worker {
    /// What is wrong with its values, each as a fragment.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.slots == 0 {
            problems.push("slots must be at least 1".to_owned());
        }
        if self.lease_s == 0 {
            problems.push("lease_s must be at least 1".to_owned());
        }
        if let Err(problem) = worker::check_hosts(&self.allow_hosts) {
            problems.push(format!("allow_hosts: {problem}"));
        }
        problems
    }
}

/// `[limits]`: what is bounded and how long things are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Queued runs of one tenant.
    pub(crate) queued_runs: u32,
    /// Days after which the log of a finished run is deleted; 0 keeps it for ever.
    pub(crate) retain_days: u32,
    /// Days after which the worktree of a finished run is removed that nobody has touched since; 0 keeps it for ever.
    pub(crate) worktree_days: u32,
    /// Bytes of a request's body.
    pub(crate) body_bytes: usize,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Streams of one key or token at once; of all clients where there are no keys.
    pub(crate) streams_per_credential: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            queued_runs: 10_000,
            retain_days: 0,
            worktree_days: 0,
            body_bytes: 1024 * 1024,
            connections: 10_000,
            streams_per_credential: 1_000,
        }
    }
}
