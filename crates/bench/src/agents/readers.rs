//! Readers that know the age of each word when it came: a word is `@` and the nanoseconds of the wall clock in 20 digits.

use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::TcpStream;

use crate::child::now_ns;

/// How old words were.
pub(super) type Ages = Vec<Duration>;

/// Reads the events of a run until so many words have come.
pub(super) async fn follow(stream: TcpStream, n_words: usize) -> anyhow::Result<Ages> {
    read(stream, b"\n\n", b"event: text.delta", n_words).await
}

/// Reads the frames of an agent until so many words have come.
pub(super) async fn lines(pipe: impl AsyncRead + Unpin, n_words: usize) -> anyhow::Result<Ages> {
    read(pipe, b"\n", b"\"text_delta\"", n_words).await
}

/// Reads pieces that end with `end`; those that hold `says` have words.
async fn read(
    mut from: impl AsyncRead + Unpin,
    end: &[u8],
    says: &[u8],
    n_words: usize,
) -> anyhow::Result<Ages> {
    let mut ages = Vec::new();
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    while ages.len() < n_words {
        let n = from.read(&mut buffer).await?;
        let n_came = ages.len();
        anyhow::ensure!(n > 0, "the stream ended after {n_came} of {n_words} words");
        let now = now_ns();
        bytes.extend_from_slice(&buffer[..n]);
        let mut begin = 0;
        while let Some(at) = memmem::find(&bytes[begin..], end) {
            let piece = &bytes[begin..begin + at];
            begin += at + end.len();
            if memmem::find(piece, says).is_some() {
                let words = stamps(piece);
                ages.extend(words.map(|sent| Duration::from_nanos(now.saturating_sub(sent))));
            }
        }
        bytes.drain(..begin);
    }
    Ok(ages)
}

fn stamps(piece: &[u8]) -> impl Iterator<Item = u64> {
    memchr::memchr_iter(b'@', piece).filter_map(|at| {
        let digits = piece.get(at + 1..at + 21)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}
