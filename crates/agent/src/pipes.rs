//! What a child says.

use std::os::fd::AsFd;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::keeper::Progress;
use crate::limits::{DRAIN, READ_BYTES};

/// Where a child said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Its standard output.
    Stdout,
    /// Its standard error.
    Stderr,
}

/// What a child said, in the pieces in which it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Where. The order between the two streams is not known.
    pub stream: Stream,
    /// At least one byte, at most [`READ_BYTES`]. A character may be cut: see [`Utf8Decoder`](crate::Utf8Decoder).
    pub bytes: Vec<u8>,
}

/// The reading ends of both pipes. Nothing is read before it is asked for, so a slow reader makes the child wait and
/// the pipes' own size is the whole buffer.
#[derive(Debug)]
pub(crate) struct Pipes {
    stdout: Pipe<ChildStdout>,
    stderr: Pipe<ChildStderr>,
    /// Set once the child has ended: until when its own children are listened to.
    drain: Option<Instant>,
}

#[derive(Debug)]
struct Pipe<R> {
    /// None after its end.
    end: Option<R>,
    buffer: Vec<u8>,
    /// Bytes that were in the pipe when the child had ended, and with them all that it ever wrote.
    owed: u64,
}

impl Pipes {
    pub(crate) fn new(stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> Self {
        Self {
            stdout: Pipe::new(stdout),
            stderr: Pipe::new(stderr),
            drain: None,
        }
    }

    /// The next piece; none when both pipes have ended, or the child has, its last byte was given and the time for its
    /// own children is over: they may hold the pipes open for ever. Cancelling it loses nothing.
    pub(crate) async fn next(
        &mut self,
        progress: &mut watch::Receiver<Progress>,
    ) -> Option<Output> {
        while self.stdout.end.is_some() || self.stderr.end.is_some() {
            if self.drain.is_none() && progress.borrow().exit.is_some() {
                self.stdout.look();
                self.stderr.look();
                self.drain = Some(Instant::now() + DRAIN);
            }
            let owed = self.stdout.owed > 0 || self.stderr.owed > 0;
            let over = async {
                match self.drain {
                    Some(end) if !owed => sleep_until(end).await,
                    Some(_) => std::future::pending().await,
                    None => {
                        let _ = progress.wait_for(|progress| progress.exit.is_some()).await;
                    }
                }
            };
            let (stream, read) = tokio::select! {
                read = self.stdout.read() => (Stream::Stdout, read),
                read = self.stderr.read() => (Stream::Stderr, read),
                () = over => {
                    if self.drain.is_some() {
                        self.stdout.end = None;
                        self.stderr.end = None;
                    }
                    continue;
                }
            };
            let bytes = match stream {
                Stream::Stdout => self.stdout.took(read),
                Stream::Stderr => self.stderr.took(read),
            };
            if let Some(bytes) = bytes {
                return Some(Output { stream, bytes });
            }
        }
        None
    }
}

impl<R: AsyncRead + AsFd + Unpin> Pipe<R> {
    fn new(end: Option<R>) -> Self {
        Self {
            end,
            buffer: vec![0; READ_BYTES],
            owed: 0,
        }
    }

    /// How much there was; nothing at the pipe's end, after which this never completes.
    async fn read(&mut self) -> usize {
        match &mut self.end {
            // Reading a pipe does not fail; if it does, nothing more can come.
            Some(end) => end.read(&mut self.buffer).await.unwrap_or(0),
            None => std::future::pending().await,
        }
    }

    /// What a read gave; none at the end.
    fn took(&mut self, length: usize) -> Option<Vec<u8>> {
        self.owed = self.owed.saturating_sub(length as u64);
        if length == 0 {
            self.end = None;
            self.owed = 0;
            return None;
        }
        Some(self.buffer[..length].to_vec())
    }

    /// Looks how much the child has left in the pipe.
    fn look(&mut self) {
        let left = self.end.as_ref().map(rustix::io::ioctl_fionread);
        self.owed = left.and_then(Result::ok).unwrap_or(0);
    }
}
