//! A stretch of a run as a stream.

use std::collections::BTreeSet;

use axum::http::header::{HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use run::Seq;
use serde_json::Value;
use store::{FollowError, Follower, Ready, RunRecord};
use wire::faces::agui::{ClientTools, Cursor, Extent, Flow, Reading, View};

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::runs::RUN_ID;
use crate::sse::{self, Chunk, Manner};

/// What a client attaches to, and what it has of it.
pub(super) struct Attached {
    /// The client's name of it.
    pub(super) run_id: String,
    pub(super) extent: Extent,
    pub(super) cursor: Cursor,
    pub(super) client_tools: ClientTools,
    pub(super) answered: BTreeSet<String>,
    pub(super) messages: Vec<Value>,
}

/// Where a client is in a stream. `Last-Event-ID` wins, because a browser that comes back sends the URL it first had.
pub(super) fn cursor(headers: &HeaderMap, query: Option<&str>) -> Result<Cursor, Error> {
    match sse::last_event_id(headers)?.or(query) {
        None => Ok(Cursor::default()),
        Some(id) => Cursor::parse(id).ok_or_else(|| {
            Error::cursor_unknown(format!("no stream gave the cursor {id:?}"), None)
        }),
    }
}

/// Streams a stretch of a run to its end; 204 when the client has seen that.
pub(super) async fn attach(
    app: &App,
    caller: &Caller,
    run: RunRecord,
    attached: Attached,
) -> Result<Response, Error> {
    let opening = caller.open_stream(app)?;
    let last = run.control.last_seq;
    if attached.cursor.after > last {
        let text = format!(
            "the log has no event {}; its last is {last}",
            attached.cursor.after
        );
        return Err(Error::cursor_unknown(text, Some(last.0)));
    }
    let id = run.id;
    let follower = app.store.follow(&caller.scope, id, Seq::ZERO).await?;
    let mut live = Live {
        follower,
        reading: Reading::new(View {
            run: id,
            agent: run.agent,
            thread_id: run.thread.to_string(),
            run_id: attached.run_id,
            extent: attached.extent,
            cursor: attached.cursor,
            discarded: run.control.discarded.clone(),
            client_tools: attached.client_tools,
            answered: attached.answered,
            messages: attached.messages,
        }),
        out: Vec::new(),
        is_over: false,
    };
    live.begin().await?;
    if live.is_over && live.out.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let source = live.chunks();
    let mut response = sse::stream_in(Manner::Face, app, StatusCode::OK, source, opening);
    named(&mut response, &LOCATION, &format!("/v1/runs/{id}"));
    named(&mut response, &RUN_ID, &id.to_string());
    Ok(response)
}

fn named(response: &mut Response, header: &HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(header, value);
    }
}

struct Live {
    follower: Follower,
    reading: Reading,
    /// Printed and not yet given.
    out: Vec<u8>,
    is_over: bool,
}

impl Live {
    /// Reads what is not told.
    async fn begin(&mut self) -> Result<(), FollowError> {
        while !self.is_over && self.follower.cursor() < self.reading.start() {
            match self.follower.ready().await? {
                Ready::Frames(frames) => self.take(&frames),
                Ready::Nothing | Ready::Ended => break,
            }
        }
        if !self.is_over {
            self.reading.begin(&mut self.out);
        }
        Ok(())
    }

    fn take(&mut self, frames: &[u8]) {
        match self.reading.take(frames, &mut self.out) {
            Flow::GoOn => {}
            Flow::Ended => self.is_over = true,
        }
    }

    fn chunks(self) -> impl Stream<Item = Chunk> + Send + Unpin + 'static {
        Box::pin(stream::unfold(self, |mut live| async {
            let chunk = live.next().await.transpose()?;
            Some((chunk, live))
        }))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, FollowError> {
        loop {
            if !self.out.is_empty() {
                return Ok(Some(std::mem::take(&mut self.out).into()));
            }
            if self.is_over {
                return Ok(None);
            }
            match self.follower.next().await {
                Ok(Some(frames)) => self.take(&frames),
                Ok(None) => self.is_over = true,
                Err(error) => {
                    self.is_over = true;
                    return Err(error);
                }
            }
        }
    }
}
