//! A child process as a pair of pipes: what an MCP server over stdio is to its client.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent::{Exit, Marker, Process, SpawnError, Spec, Stdin, StopSteps, Stopper, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinSet;

use crate::limits::{LAST_WORDS_BYTES, SERVER_PIPE_BYTES};

/// The marker of one of several children of a run. An id that cannot stand in an environment shares that of the run.
pub(crate) fn part_of(run: &Marker, part: &str) -> Marker {
    run.part(part).unwrap_or_else(|_| run.clone())
}

/// A child whose output is read and whose input is written through pipes in memory. Dropping it kills the child and all
/// that it started.
#[derive(Debug)]
pub(crate) struct Child {
    pump: JoinSet<Exit>,
    stopper: Stopper,
    last_words: LastWords,
}

/// The end of what a child has said on its standard error.
#[derive(Debug, Clone, Default)]
struct LastWords(Arc<Mutex<VecDeque<u8>>>);

impl LastWords {
    fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(bytes);
        let too_many = kept.len().saturating_sub(LAST_WORDS_BYTES);
        kept.drain(..too_many);
    }

    fn text(&self) -> String {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(kept.make_contiguous()).into_owned()
    }
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
        let last_words = LastWords::default();
        let mut pump = JoinSet::new();
        let heard = last_words.clone();
        pump.spawn(carry(name.to_owned(), process, (output, input), heard));
        let child = Self {
            pump,
            stopper,
            last_words,
        };
        Ok((child, Pipes { read, write }))
    }

    /// Ends it in good order and waits until nothing of it is left. The client has hung up before. Gives how it ended and
    /// the end of what it has said on its standard error.
    pub(crate) async fn end(mut self) -> (Exit, String) {
        self.stopper.stop(GOODBYE);
        let mut exit = Exit::Unknown;
        while let Some(ended) = self.pump.join_next().await {
            exit = ended.unwrap_or(Exit::Unknown);
        }
        (exit, self.last_words.text())
    }
}

async fn carry(
    name: String,
    mut process: Process,
    (mut output, mut input): (DuplexStream, DuplexStream),
    last_words: LastWords,
) -> Exit {
    let Some(mut stdin) = process.take_input() else {
        return Exit::Unknown;
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
                    last_words.add(&said.bytes);
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
    process.finish().await.exit
}
