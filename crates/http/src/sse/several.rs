//! One stream over several runs: browsers allow six connections to a server, and a board shows more runs.

use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, SelectAll, Stream, StreamExt};
use run::{RunId, Seq, frame};
use store::Follower;

use super::live::{Chunk, one_run};
use crate::limits::CHUNKS_PER_WRITE;

/// A run's place in `?runs=`, and what its log gives next.
type Placed = (usize, Chunk);

struct Several {
    runs: Vec<RunId>,
    /// Per run the number of the last event that went out.
    cursors: Vec<Seq>,
    sources: SelectAll<Pin<Box<dyn Stream<Item = Placed> + Send>>>,
}

/// The frames of several runs until all have ended. `followers` stand behind the frames that they gave already,
/// each with its place in `runs`; a run whose end was seen has none.
pub(crate) fn several_runs(
    runs: Vec<RunId>,
    cursors: Vec<Seq>,
    followers: Vec<(usize, Bytes, Follower)>,
) -> impl Stream<Item = Chunk> + Send + Unpin + 'static {
    let sources = followers.into_iter().map(|(n, first, follower)| {
        let source = one_run(first, follower).map(move |chunk| (n, chunk));
        Box::pin(source) as Pin<Box<dyn Stream<Item = Placed> + Send>>
    });
    Several {
        runs,
        cursors,
        sources: stream::select_all(sources),
    }
}

impl Stream for Several {
    type Item = Chunk;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Chunk>> {
        let several = self.get_mut();
        let mut out = Vec::new();
        for _ in 0..CHUNKS_PER_WRITE {
            match several.sources.poll_next_unpin(context) {
                Poll::Ready(Some((n, Ok(frames)))) => several.print(&mut out, n, &frames),
                // What was gathered is lost with the stream and read again from its cursor.
                Poll::Ready(Some((_, Err(error)))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) if out.is_empty() => return Poll::Ready(None),
                Poll::Pending if out.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Poll::Ready(Some(Ok(Bytes::from(out))))
    }
}

impl Several {
    /// Prints frames of one run with the cursor over all, and the run's id in front of the envelope's members.
    fn print(&mut self, out: &mut Vec<u8>, n: usize, frames: &[u8]) {
        for frame in frame::split(frames) {
            let (Some(seq), Some(envelope)) = (frame::seq(frame), frame::envelope(frame)) else {
                continue;
            };
            self.cursors[n] = seq;
            out.extend_from_slice(b"id: ");
            for (n, cursor) in self.cursors.iter().enumerate() {
                let comma = if n == 0 { "" } else { "," };
                write!(out, "{comma}{cursor}").expect("a Vec takes all bytes");
            }
            let event = frame.split(|byte| *byte == b'\n').nth(1);
            out.push(b'\n');
            out.extend_from_slice(event.unwrap_or_default());
            write!(out, "\ndata: {{\"run_id\":\"{}\",", self.runs[n])
                .expect("a Vec takes all bytes");
            out.extend_from_slice(envelope.strip_prefix(b"{").unwrap_or(envelope));
            out.extend_from_slice(b"\n\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use run::Timestamp;
    use run::event::{Event, Raw};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_frame_gets_the_cursor_over_all_and_its_runs_id() {
        let runs = vec![
            RunId::new(Timestamp::from_ms(1), [1; 10]),
            RunId::new(Timestamp::from_ms(2), [2; 10]),
        ];
        let event: Event = Raw {
            source: "x".into(),
            payload: json!({"a": "{\n\n}"}),
        }
        .into();
        let mut frames = Vec::new();
        frame::print(&mut frames, Seq(8), "2026-11-20T10:00:00.000Z", 1, &event);
        frame::print(&mut frames, Seq(9), "2026-11-20T10:00:00.000Z", 1, &event);
        let mut several = Several {
            runs: runs.clone(),
            cursors: vec![Seq(3), Seq(7)],
            sources: SelectAll::new(),
        };
        let mut out = Vec::new();
        several.print(&mut out, 1, &frames);
        let expected = [8, 9].map(|seq| {
            format!(
                "id: 3,{seq}\nevent: raw\ndata: {{\"run_id\":\"{}\",\"seq\":{seq},\"at\":\"2026-11-20T10:00:00.000Z\",\
                 \"attempt\":1,\"type\":\"raw\",\"data\":{{\"source\":\"x\",\"payload\":{{\"a\":\"{{\\n\\n}}\"}}}}}}\n\n",
                runs[1]
            )
        });
        assert_eq!(String::from_utf8(out).unwrap(), expected.concat());
    }
}
