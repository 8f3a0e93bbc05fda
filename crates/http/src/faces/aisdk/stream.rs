//! A stretch of a run as a UI message stream.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, stream};
use run::{Seq, frame};
use serde::Deserialize;
use store::{FollowError, Follower, Ready, RunRecord};
use wire::faces::aisdk::{Begin, DONE, Dialect, Discarded, Lines, Translator, View};

use super::name::Stretch;
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::runs::RUN_ID;
use crate::sse::{self, Chunk, Manner};

/// What a client of this protocol looks for.
const PROTOCOL: HeaderName = HeaderName::from_static("x-vercel-ai-ui-message-stream");
/// What the workflow transport comes back with.
const STRETCH: HeaderName = HeaderName::from_static("x-workflow-run-id");
/// The number of the last chunk that there is, for a client that asks for the last so many.
const TAIL_INDEX: HeaderName = HeaderName::from_static("x-workflow-stream-tail-index");

/// `?ui=`: what the client's version understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Ui {
    #[default]
    #[serde(rename = "6")]
    V6,
    #[serde(rename = "7")]
    V7,
}

impl Ui {
    fn dialect(self) -> Dialect {
        match self {
            Self::V6 => Dialect::V6,
            Self::V7 => Dialect::V7,
        }
    }
}

/// What of a run is streamed, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) begin: Begin,
    pub(super) discarded: Discarded,
    pub(super) ui: Ui,
    /// Chunks that the client has; negative for so many from the end.
    pub(super) start_index: i64,
}

/// Streams a stretch of a run to its end.
pub(super) async fn streamed(
    app: &App,
    caller: &Caller,
    run: &RunRecord,
    asked: Asked,
) -> Result<Response, Error> {
    let opening = caller.open_stream(app)?;
    let view = View::new(
        (run.id, run.thread.clone(), run.agent.clone()),
        &run.control,
        &run.input,
        asked.begin,
        asked.discarded,
        asked.ui.dialect(),
    );
    let mut from = 0;
    let mut tail_index = None;
    if asked.start_index != 0 {
        let n_chunks = count(app, caller, run, view.clone()).await?;
        from = match u64::try_from(asked.start_index) {
            Ok(from) => from,
            Err(_) => n_chunks.saturating_sub(asked.start_index.unsigned_abs()),
        };
        if from > n_chunks {
            return Err(Error::cursor_unknown(
                format!("startIndex: the stream has {n_chunks} chunks so far"),
                Some(n_chunks),
            ));
        }
        tail_index = n_chunks.checked_sub(1);
    }
    let follower = app.store.follow(&caller.scope, run.id, Seq::ZERO).await?;
    let live = Live {
        follower,
        translator: Translator::new(view),
        lines: Lines::from(from),
        is_done: false,
    };
    let source = live.chunks();
    let mut response = sse::stream_in(Manner::Face, app, StatusCode::OK, source, opening);
    let headers = response.headers_mut();
    headers.insert(PROTOCOL, HeaderValue::from_static("v1"));
    let stretch = Stretch {
        run: run.id,
        begin: asked.begin,
    };
    if let (Ok(id), Ok(stretch)) = (
        HeaderValue::try_from(run.id.to_string()),
        HeaderValue::try_from(stretch.to_string()),
    ) {
        headers.insert(RUN_ID, id);
        headers.insert(STRETCH, stretch);
    }
    if let Some(tail_index) = tail_index {
        headers.insert(TAIL_INDEX, HeaderValue::from(tail_index));
    }
    Ok(response)
}

/// How many chunks there are now.
async fn count(app: &App, caller: &Caller, run: &RunRecord, view: View) -> Result<u64, Error> {
    let mut follower = app.store.follow(&caller.scope, run.id, Seq::ZERO).await?;
    let mut translator = Translator::new(view);
    // Counted and never printed.
    let mut lines = Lines::from(u64::MAX);
    while let Ready::Frames(frames) = follower.ready().await? {
        for frame in frame::split(&frames) {
            translator.take(frame, &mut lines);
        }
    }
    Ok(lines.n_chunks())
}

struct Live {
    follower: Follower,
    translator: Translator,
    lines: Lines,
    is_done: bool,
}

impl Live {
    fn chunks(self) -> impl Stream<Item = Chunk> + Send + Unpin + 'static {
        Box::pin(stream::unfold(self, |mut live| async {
            if live.is_done {
                return None;
            }
            let given = live.next().await;
            live.is_done |= given.is_err();
            Some((given.transpose()?, live))
        }))
    }

    /// The chunks of what was written last; nothing behind the end.
    async fn next(&mut self) -> Result<Option<Bytes>, FollowError> {
        loop {
            let Some(frames) = self.follower.next().await? else {
                return Ok(None);
            };
            for frame in frame::split(&frames) {
                self.translator.take(frame, &mut self.lines);
            }
            let mut out = self.lines.take();
            if self.translator.is_over() {
                self.is_done = true;
                out.extend_from_slice(DONE);
            }
            if !out.is_empty() {
                return Ok(Some(out.into()));
            }
        }
    }
}
