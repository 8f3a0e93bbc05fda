//! Servers as child processes, as an agent's worker starts them.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};
use tool::Secret;
use tool::mcp::{Error, Server};

/// A child that is killed with its test, and the connection to it.
pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) child: Child,
}

/// Our own server of faults, which cargo builds beside this test.
pub(crate) fn faulty() -> Command {
    let mut program: PathBuf = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    command(program.join("examples/faulty_mcp_server"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the crate takes pipes; here the test is their owner"
)]
pub(crate) fn command(program: PathBuf) -> Command {
    Command::new(program)
}

/// Starts it; gives the child even if it does not say hello.
pub(crate) async fn start(
    mut command: Command,
    secrets: &[Secret],
) -> (Result<Server, Error>, Child) {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = piped
        .kill_on_drop(true)
        .spawn()
        .expect("the program is built");
    let (read, write) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    (Server::over_io("faulty", read, write, secrets).await, child)
}

pub(crate) async fn started(command: Command) -> Running {
    let (server, child) = start(command, &[]).await;
    Running {
        server: server.expect("a hello"),
        child,
    }
}
