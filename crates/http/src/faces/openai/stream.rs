//! A response as a stream.

use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, stream};
use run::Seq;
use store::{FollowError, Follower, Ready, Scope, Store};
use wire::faces::openai::{NUMBERS_PER_EVENT, Numbered, Phase, Translation};

use super::log::{feed, is_over, whole};
use super::named::{Named, unknown};
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::sse::{self, Chunk, Manner};

/// Streams a response behind the number that the client has, to its end.
pub(super) async fn streamed(
    app: &App,
    caller: &Caller,
    named: Named,
    after: Option<u64>,
) -> Result<Response, Error> {
    let opening = caller.open_stream(app)?;
    let last = named
        .run
        .control
        .last_seq
        .0
        .saturating_sub(named.id.first.0);
    if let Some(after) = after.filter(|after| after / NUMBERS_PER_EVENT > last) {
        return Err(Error::cursor_unknown(
            format!("the response cannot have given the sequence_number {after}"),
            None,
        ));
    }
    let translation = if named.run.control.is_final() {
        Translation::replay(named.about(), named.id.first, after)
    } else {
        Translation::new(named.about(), named.id.first, after)
    };
    let follower = app.store.follow(&caller.scope, named.id.run, Seq::ZERO);
    let mut live = Live {
        store: app.store.clone(),
        scope: caller.scope.clone(),
        follower: follower.await?,
        translation,
        named,
        out: Vec::new(),
        is_over: false,
    };
    live.begin().await?;
    let source = live.chunks();
    Ok(sse::stream_in(
        Manner::Face,
        app,
        StatusCode::OK,
        source,
        opening,
    ))
}

struct Live {
    store: Store,
    scope: Scope,
    named: Named,
    follower: Follower,
    translation: Translation,
    /// Printed and not yet given.
    out: Vec<u8>,
    is_over: bool,
}

impl Live {
    /// Reads up to where the response begins: an id that names no segment of its run is unknown.
    async fn begin(&mut self) -> Result<(), Error> {
        while self.translation.phase() == Phase::Before {
            match self.follower.ready().await? {
                Ready::Frames(frames) => self.take(&frames),
                Ready::Nothing | Ready::Ended => break,
            }
        }
        match self.translation.phase() {
            Phase::Within | Phase::Over => Ok(()),
            Phase::Before | Phase::Missed => Err(unknown()),
        }
    }

    fn take(&mut self, frames: &[u8]) {
        feed(&mut self.translation, frames, &mut self.out);
    }

    fn chunks(self) -> impl Stream<Item = Chunk> + Send + Unpin + 'static {
        Box::pin(stream::unfold(self, |mut live| async {
            let chunk = live.next().await?;
            Some((chunk, live))
        }))
    }

    async fn next(&mut self) -> Option<Chunk> {
        if self.is_over {
            return None;
        }
        let given = self.given().await;
        self.is_over |= given.is_err();
        given.transpose()
    }

    async fn given(&mut self) -> Result<Option<Bytes>, FollowError> {
        loop {
            if is_over(&self.translation) {
                self.is_over = true;
                if let Some(end) = self.end().await? {
                    end.print(&mut self.out);
                }
                let last = std::mem::take(&mut self.out);
                return Ok((!last.is_empty()).then(|| last.into()));
            }
            if !self.out.is_empty() {
                return Ok(Some(std::mem::take(&mut self.out).into()));
            }
            match self.follower.next().await? {
                Some(frames) => self.take(&frames),
                None => return Ok(None),
            }
        }
    }

    /// The last event, which has all of the output: as it was kept along, else read again.
    async fn end(&self) -> Result<Option<Numbered>, FollowError> {
        match self.translation.end() {
            None => Ok(None),
            Some(Some(end)) => Ok(Some(end)),
            Some(None) => {
                let (translation, _) = whole(&self.store, &self.scope, &self.named).await?;
                Ok(translation.last())
            }
        }
    }
}

/// Reads a response on until it has ended.
pub(super) async fn to_end(
    translation: &mut Translation,
    follower: &mut Follower,
) -> Result<(), FollowError> {
    while !is_over(translation) {
        match follower.next().await? {
            Some(frames) => feed(translation, &frames, &mut Vec::new()),
            None => break,
        }
    }
    Ok(())
}
