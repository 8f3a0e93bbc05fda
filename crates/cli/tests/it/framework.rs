//! A framework's server, as its users run it: agents of pydantic-ai that speak AG-UI.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::house::Running;

/// The framework's server.
pub(crate) struct Framework {
    port: u16,
    _server: Running,
}

/// A script in an environment of ours for Python.
#[expect(
    clippy::disallowed_methods,
    reason = "clients and agents run as their users run them"
)]
pub(crate) fn python(environment: &str, script: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = root
        .join("target/python")
        .join(environment)
        .join("bin/python");
    assert!(program.exists(), "it is not there: cargo xtask setup");
    let mut command = Command::new(program);
    command.arg(root.join(script)).stdin(Stdio::null());
    command
}

impl Framework {
    pub(crate) fn start() -> Self {
        let mut server = Running::new(python(
            "pydantic_ai",
            "tests/upstream/pydantic_ai/server.py",
        ));
        Self {
            port: server.line().parse().unwrap(),
            _server: server,
        }
    }

    /// One of its agents, under a name of ours.
    pub(crate) fn section(&self, name: &str, theirs: &str) -> String {
        let port = self.port;
        format!(
            "\n[agents.{name}]\ndriver = \"agui\"\nurl = \"http://127.0.0.1:{port}/{theirs}\"\n"
        )
    }

    /// Lets the agent that waits say the rest.
    pub(crate) fn go(&self) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket
            .write_all(
                b"POST /go HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            )
            .unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }
}
