//! A child process as a pair of pipes: what an MCP server over stdio is to its client.

use std::time::Duration;

use agent::{Marker, Process, SpawnError, Spec, Stdin, StopSteps, Stopper, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinSet;

use crate::limits::SERVER_PIPE_BYTES;

/// The marker of one of several children of a run. An id that cannot stand in an environment shares that of the run.
pub(crate) fn part_of(run: &Marker, part: &str) -> Marker {
    run.part(part).unwrap_or_else(|_| run.clone())
}

/// A child whose output is read and whose input is written through pipes in memory. Dropping it kills the child and all
/// that it started.
#[derive(Debug)]
pub(crate) struct Child {
    pump: JoinSet<()>,
    stopper: Stopper,
}

/// A server that reads the end of its input has a moment to end by itself; most do so at once.
const GOODBYE: StopSteps = StopSteps {
    interrupt: None,
    terminate: Duration::from_secs(1),
    kill: Duration::from_secs(2),
};

/// The pipes of a child.
pub(crate) struct Pipes {
    /// Its output.
    pub(crate) read: DuplexStream,
    /// Its input.
    pub(crate) write: DuplexStream,
}

impl Child {
    /// Starts it. What it says on its standard error goes to the server's log as it is, at the level of details.
    pub(crate) async fn start(name: &str, spec: Spec) -> Result<(Self, Pipes), SpawnError> {
        let stdin = Stdin::Pipe;
        let process = Process::spawn(Spec { stdin, ..spec }).await?;
        let stopper = process.stopper();
        let (read, output) = duplex(SERVER_PIPE_BYTES);
        let (write, input) = duplex(SERVER_PIPE_BYTES);
        let mut pump = JoinSet::new();
        pump.spawn(carry(name.to_owned(), process, output, input));
        Ok((Self { pump, stopper }, Pipes { read, write }))
    }

    /// Ends it in good order and waits until nothing of it is left. The client has hung up before.
    pub(crate) async fn end(mut self) {
        self.stopper.stop(GOODBYE);
        while self.pump.join_next().await.is_some() {}
    }
}

async fn carry(
    name: String,
    mut process: Process,
    mut output: DuplexStream,
    mut input: DuplexStream,
) {
    let Some(mut stdin) = process.take_input() else {
        return;
    };
    let write = async {
        let mut buffer = vec![0; SERVER_PIPE_BYTES];
        while let Ok(n @ 1..) = input.read(&mut buffer).await {
            if stdin.write(&buffer[..n]).await.is_err() {
                return;
            }
        }
        // The client hangs up: the child sees the end of its input.
        drop(stdin);
    };
    let read = async {
        while let Some(said) = process.next_output().await {
            match said.stream {
                Stream::Stdout => {
                    if output.write_all(&said.bytes).await.is_err() {
                        break;
                    }
                }
                Stream::Stderr => {
                    tracing::debug!(
                        mcp.server = name,
                        "{}",
                        String::from_utf8_lossy(&said.bytes)
                    );
                }
            }
        }
        // Whoever reads sees the end.
        drop(output);
    };
    tokio::join!(write, read);
    process.finish().await;
}
