//! A child process as a pair of pipes: what an MCP server over stdio is to its client.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent::{Exit, Marker, Process, SpawnError, Spec, Stdin, StopSteps, Stopper, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinSet;
use tool::Redactor;

use crate::limits::{COMPLAINT_BYTES, LAST_WORDS_BYTES, SERVER_PIPE_BYTES};

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
        let kept: &[u8] = kept.make_contiguous();
        // The first line may have lost its beginning, and with it half of a secret that would not be known as one.
        let whole = match kept.iter().position(|byte| *byte == b'\n') {
            Some(end) if kept.len() == LAST_WORDS_BYTES => &kept[end + 1..],
            _ if kept.len() == LAST_WORDS_BYTES => &[],
            _ => kept,
        };
        String::from_utf8_lossy(whole).into_owned()
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
    /// Starts it. What it says on its standard error goes to the server's own log line by line, at the level of details
    /// and without the secrets that it was given.
    pub(crate) async fn start(
        name: &str,
        spec: Spec,
        redactor: Redactor,
    ) -> Result<(Self, Pipes), SpawnError> {
        let stdin = Stdin::Pipe;
        let process = Process::spawn(Spec { stdin, ..spec }).await?;
        let stopper = process.stopper();
        let (read, output) = duplex(SERVER_PIPE_BYTES);
        let (write, input) = duplex(SERVER_PIPE_BYTES);
        let last_words = LastWords::default();
        let mut pump = JoinSet::new();
        let complaints = Complaints::new(name, redactor);
        let heard = last_words.clone();
        pump.spawn(carry(complaints, process, (output, input), heard));
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
    mut complaints: Complaints,
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
                    complaints.hear(&said.bytes);
                }
            }
        }
        complaints.tell_rest();
        // Whoever reads sees the end.
        drop(output);
    };
    tokio::join!(write, read);
    process.finish().await.exit
}

/// What a child says on its standard error. Whole lines, so that no secret is cut in two and missed.
struct Complaints {
    name: String,
    redactor: Redactor,
    line: Vec<u8>,
}

impl Complaints {
    fn new(name: &str, redactor: Redactor) -> Self {
        Self {
            name: name.to_owned(),
            redactor,
            line: Vec::new(),
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        for line in self.lines(bytes) {
            tracing::debug!(mcp.server = self.name, "{line}");
        }
    }

    /// The lines that are complete with these bytes. A longer line than the log takes is left out.
    fn lines(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = COMPLAINT_BYTES.saturating_sub(self.line.len());
            self.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                lines.extend(self.rest());
            }
        }
        lines
    }

    fn rest(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if line.len() >= COMPLAINT_BYTES {
            return Some("(a longer line than the log takes)".to_owned());
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        (!line.is_empty()).then(|| self.redactor.clean(line))
    }

    fn tell_rest(&mut self) {
        if let Some(line) = self.rest() {
            tracing::debug!(mcp.server = self.name, "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use tool::Secret;

    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], expected: &[&str]) {
        let redactor = Redactor::new([&Secret::new("s3cret-token")].into_iter());
        let mut complaints = Complaints::new("files", redactor);
        let mut lines = Vec::new();
        for piece in pieces {
            lines.extend(complaints.lines(piece.as_bytes()));
        }
        lines.extend(complaints.rest());
        assert_eq!(lines, expected);
    }

    #[test]
    fn complaints_are_lines_without_secrets_however_they_come() {
        check(&["one\ntw", "o\r\n\nthree"], &["one", "two", "three"]);
        check(&["with s3cr", "et-token, no\n"], &["with ***, no"]);
        let long = format!("{}s3cret-token\nshort", "x".repeat(COMPLAINT_BYTES - 6));
        check(&[&long], &["(a longer line than the log takes)", "short"]);
    }
}
