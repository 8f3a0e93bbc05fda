//! A stream that lives as long as its source: frames, signs of life between them, and the server's own notices.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use store::{FollowError, Follower, Health};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use super::frames;
use crate::App;
use crate::auth::Opening;

/// What a source gives: frames that are ready, or why there are no more.
pub(crate) type Chunk = Result<Bytes, FollowError>;

/// The frames of one run, to its end: those that the follower gave already, then what it gives.
pub(crate) fn one_run(
    first: Bytes,
    follower: Follower,
) -> impl Stream<Item = Chunk> + Send + 'static {
    let first = (!first.is_empty()).then_some(Ok(first));
    let rest = stream::unfold(Some(follower), |follower| async {
        let mut follower = follower?;
        match follower.next().await {
            Ok(Some(frames)) => Some((Ok(frames), Some(follower))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    stream::iter(first).chain(rest)
}

/// The answer that streams a source.
pub(crate) fn stream(
    app: &App,
    status: StatusCode,
    source: impl Stream<Item = Chunk> + Send + 'static,
    opening: Opening,
) -> Response {
    let heartbeat = app.settings.limits.heartbeat;
    let live = Live {
        opened: false,
        source: Some(Box::pin(source)),
        notices: Box::pin(notices(app.store.health(), app.closing.clone())),
        silence: Box::pin(tokio::time::sleep(heartbeat)),
        heard_at: Instant::now(),
        heartbeat,
        _opening: opening,
    };
    let mut response = Response::new(Body::from_stream(live));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that follow nginx's convention would otherwise gather the stream before they pass it on.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

/// A notice that is not part of any log.
enum Notice {
    Store(Health),
    Closing,
}

struct Live {
    opened: bool,
    /// Gone behind its end.
    source: Option<Pin<Box<dyn Stream<Item = Chunk> + Send>>>,
    notices: Pin<Box<dyn Stream<Item = Notice> + Send>>,
    /// Fires at the earliest time at which a sign of life may be due. Moving it with every write would cost more than
    /// looking at the clock when it fires.
    silence: Pin<Box<Sleep>>,
    heard_at: Instant,
    heartbeat: Duration,
    _opening: Opening,
}

impl Stream for Live {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let live = self.get_mut();
        if !live.opened {
            live.opened = true;
            return Poll::Ready(Some(Ok(frames::opening())));
        }
        let Some(source) = &mut live.source else {
            return Poll::Ready(None);
        };
        // The source is asked first, so that what is stored goes out before a notice that ends the stream.
        match source.as_mut().poll_next(context) {
            Poll::Ready(Some(Ok(frames))) => {
                live.heard_at = Instant::now();
                return Poll::Ready(Some(Ok(frames)));
            }
            Poll::Ready(Some(Err(error))) => return live.broken(&error),
            Poll::Ready(None) => {
                live.source = None;
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        match live.notices.as_mut().poll_next(context) {
            Poll::Ready(Some(Notice::Store(health))) => {
                return Poll::Ready(Some(Ok(frames::store_notice(&health))));
            }
            Poll::Ready(Some(Notice::Closing)) => {
                live.source = None;
                return Poll::Ready(Some(Ok(frames::reconnect())));
            }
            Poll::Ready(None) | Poll::Pending => {}
        }
        loop {
            ready!(live.silence.as_mut().poll(context));
            let due = live.heard_at + live.heartbeat;
            if due <= Instant::now() {
                live.heard_at = Instant::now();
                live.silence.as_mut().reset(live.heard_at + live.heartbeat);
                return Poll::Ready(Some(Ok(frames::HEARTBEAT)));
            }
            live.silence.as_mut().reset(due);
        }
    }
}

impl Live {
    /// The source failed in the middle. Ending without the final event makes the client come back, and then it reads
    /// the error as an answer.
    fn broken(&mut self, error: &FollowError) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.source = None;
        match error {
            FollowError::Unavailable(why) => {
                tracing::warn!("a stream ended because the store is unavailable: {why}");
                let notice = frames::store_notice(&Health::Failing(why.clone()));
                Poll::Ready(Some(Ok(notice)))
            }
            FollowError::Unknown | FollowError::CursorUnknown { .. } | FollowError::LogExpired => {
                tracing::info!("a stream ended because its log is gone: {error}");
                Poll::Ready(None)
            }
        }
    }
}

/// Changes of the store's health, the present state first if it is bad, and the end of the server.
fn notices(
    mut health: watch::Receiver<Health>,
    closing: CancellationToken,
) -> impl Stream<Item = Notice> + Send + 'static {
    let is_ok = matches!(*health.borrow_and_update(), Health::Ok);
    if !is_ok {
        health.mark_changed();
    }
    stream::unfold((health, closing), |(mut health, closing)| async {
        if closing.is_cancelled() {
            return None;
        }
        let notice = tokio::select! {
            () = closing.cancelled() => Notice::Closing,
            Ok(()) = health.changed() => Notice::Store(health.borrow_and_update().clone()),
        };
        Some((notice, (health, closing)))
    })
}
