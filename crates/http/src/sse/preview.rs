//! The frames of one run with previews of its output between them. The frames themselves are copied as they are.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use run::{Seq, Snapshot, frame};
use serde_json::Value;
use wire::structured::LivePreview;

use super::frames;
use super::live::{Chunk, OneRun};

/// One run with previews.
pub(crate) struct Previewed {
    run: OneRun,
    live: LivePreview,
    /// The number of the last event that went out.
    cursor: Seq,
}

/// Adds previews to the frames of a run. What `snapshot` has of the output is shown once the reader has its events.
pub(crate) fn previewed(run: OneRun, schema: &Value, snapshot: &Snapshot, after: Seq) -> Previewed {
    Previewed {
        run,
        live: LivePreview::new(schema, snapshot),
        cursor: after,
    }
}

impl Stream for Previewed {
    type Item = Chunk;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Chunk>> {
        let stream = self.get_mut();
        match stream.run.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(frames))) => Poll::Ready(Some(Ok(stream.add(frames)))),
            // The reader has all that the snapshot has: nothing else may come for a while.
            Poll::Pending => match stream.due() {
                Some(preview) => Poll::Ready(Some(Ok(preview))),
                None => Poll::Pending,
            },
            ended @ Poll::Ready(_) => ended,
        }
    }
}

impl Previewed {
    /// The frames, and behind them what they changed; the end of the run stays the last frame.
    fn add(&mut self, frames: Bytes) -> Bytes {
        let mut end = None;
        let mut at = 0;
        for frame in frame::split(&frames) {
            if let Some(seq) = frame::seq(frame) {
                self.take(seq, frame);
                if kind(frame) == Some("run.finished") {
                    end = Some(at);
                }
            }
            at += frame.len();
        }
        let Some(preview) = self.due() else {
            return frames;
        };
        let at = end.unwrap_or(frames.len());
        let mut all = BytesMut::with_capacity(frames.len() + preview.len());
        all.put_slice(&frames[..at]);
        all.put_slice(&preview);
        all.put_slice(&frames[at..]);
        all.freeze()
    }

    fn take(&mut self, seq: Seq, frame: &[u8]) {
        self.cursor = seq;
        if seq <= self.live.seq() {
            return;
        }
        let wanted = kind(frame).is_some_and(LivePreview::wants);
        match wanted.then(|| frame::parse(frame)).flatten() {
            Some(envelope) => self.live.apply(&envelope),
            None => self.live.pass(seq),
        }
    }

    /// What is to be shown, unless it is ahead of the reader.
    fn due(&mut self) -> Option<Bytes> {
        if self.live.seq() > self.cursor {
            return None;
        }
        self.live.take().map(|preview| frames::preview(&preview))
    }
}

/// The type of a frame.
fn kind(frame: &[u8]) -> Option<&str> {
    let line = frame.split(|byte| *byte == b'\n').nth(1)?;
    std::str::from_utf8(line.strip_prefix(b"event: ")?).ok()
}
