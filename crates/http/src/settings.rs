//! How the server behaves.

use std::time::Duration;

use crate::limits;

/// Who may use the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Everybody on this machine, and nobody else: only for a loopback address. Host and Origin are checked, so that a
    /// web page cannot reach it.
    #[default]
    Open,
    /// Who has a key or a token.
    Keys,
}

/// How the server behaves.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Who may use it.
    pub mode: Mode,
    /// Host names that are its own beside the loopback ones, for [`Mode::Open`] behind a name of `/etc/hosts`.
    pub allowed_hosts: Vec<String>,
    /// Origins whose web pages may use it, for example `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Where it is reached from outside, for example `https://runs.example.com`: named in the OpenAPI document.
    pub public_url: Option<String>,
    /// What secrets and credentials are encrypted with; without it none are taken.
    pub seal: Option<wire::SealKeys>,
    /// Its bounds.
    pub limits: Limits,
}

/// The bounds that an operator may change.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest body of a request, bytes.
    pub body_bytes: usize,
    /// Connections at once.
    pub connections: usize,
    /// Streams of one credential at once.
    pub streams_per_credential: usize,
    /// For the head of a request to arrive; also how long an idle connection is kept.
    pub header_timeout: Duration,
    /// For the body of a request to arrive.
    pub body_timeout: Duration,
    /// For an answer to begin; a stream lasts as long as its run.
    pub request_timeout: Duration,
    /// Between signs of life in a silent stream.
    pub heartbeat: Duration,
    /// For requests under way to end when the server goes down.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: limits::BODY_BYTES,
            connections: limits::CONNECTIONS,
            streams_per_credential: limits::STREAMS_PER_CREDENTIAL,
            header_timeout: limits::HEADER_TIMEOUT,
            body_timeout: limits::BODY_TIMEOUT,
            request_timeout: limits::REQUEST_TIMEOUT,
            heartbeat: limits::HEARTBEAT,
            drain: limits::DRAIN,
        }
    }
}
