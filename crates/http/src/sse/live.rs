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
    let live = Live::new(
        source,
        notices(app.store.health(), app.closing.clone()),
        app.settings.limits.heartbeat,
        opening,
    );
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
    fn new(
        source: impl Stream<Item = Chunk> + Send + 'static,
        notices: impl Stream<Item = Notice> + Send + 'static,
        heartbeat: Duration,
        opening: Opening,
    ) -> Self {
        Self {
            opened: false,
            source: Some(Box::pin(source)),
            notices: Box::pin(notices),
            silence: Box::pin(tokio::time::sleep(heartbeat)),
            heard_at: Instant::now(),
            heartbeat,
            _opening: opening,
        }
    }

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
    let changes = stream::unfold(Some((health, closing)), |state| async {
        let (mut health, closing) = state?;
        tokio::select! {
            () = closing.cancelled() => Some((Notice::Closing, None)),
            Ok(()) = health.changed() => {
                let now = health.borrow_and_update().clone();
                Some((Notice::Store(now), Some((health, closing))))
            }
        }
    });
    changes.fuse()
}

#[cfg(test)]
mod tests {
    use store::Unavailable;
    use tokio::sync::mpsc;

    use super::*;
    use crate::auth::Openings;
    use crate::limits::HEARTBEAT;

    /// A stream whose source, store and server the test plays.
    struct Played {
        live: Live,
        source: mpsc::UnboundedSender<Chunk>,
        health: watch::Sender<Health>,
        closing: CancellationToken,
    }

    impl Played {
        fn new(health: Health) -> Self {
            let (source, receiver) = mpsc::unbounded_channel();
            let frames = stream::unfold(receiver, |mut receiver| async {
                receiver.recv().await.map(|chunk| (chunk, receiver))
            });
            let health = watch::Sender::new(health);
            let closing = CancellationToken::new();
            let notices = notices(health.subscribe(), closing.clone());
            let opening = Openings::default().open(None, 1).unwrap();
            Self {
                live: Live::new(frames, notices, HEARTBEAT, opening),
                source,
                health,
                closing,
            }
        }

        async fn next(&mut self) -> Option<String> {
            let bytes = self.live.next().await?.unwrap();
            Some(String::from_utf8(bytes.to_vec()).unwrap())
        }

        #[track_caller]
        fn send(&self, frame: &'static str) {
            self.source
                .send(Ok(Bytes::from_static(frame.as_bytes())))
                .unwrap();
        }
    }

    fn failing() -> Health {
        Health::Failing(Unavailable {
            code: "disk_full",
            message: "/var/lib/x: no space".to_owned(),
        })
    }

    const OPENING: &str = "retry: 1000\n\n";
    const BEAT: &str = ": hb\nevent: heartbeat\ndata: {}\n\n";

    #[tokio::test(start_paused = true)]
    async fn silence_is_never_longer_than_the_heartbeat() {
        let mut played = Played::new(Health::Ok);
        let begun = Instant::now();
        assert_eq!(played.next().await.unwrap(), OPENING);
        assert_eq!(played.next().await.unwrap(), BEAT);
        assert_eq!(begun.elapsed().as_secs(), 15);
        tokio::time::advance(Duration::from_secs(10)).await;
        played.send("id: 1\n\n");
        assert_eq!(played.next().await.unwrap(), "id: 1\n\n");
        // Counted from what was heard last, not from the beat before.
        assert_eq!(played.next().await.unwrap(), BEAT);
        assert_eq!(begun.elapsed().as_secs(), 40);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_is_told_and_a_store_that_works_again_too() {
        let mut played = Played::new(failing());
        assert_eq!(played.next().await.unwrap(), OPENING);
        let notice = played.next().await.unwrap();
        assert!(
            notice.starts_with("event: store\ndata: {\"code\":\"disk_full\""),
            "{notice}"
        );
        assert!(!notice.contains("/var/lib"), "{notice}");
        played.health.send(Health::Ok).unwrap();
        let notice = played.next().await.unwrap();
        assert!(
            notice.starts_with("event: store\ndata: {\"code\":\"ok\""),
            "{notice}"
        );
        played
            .source
            .send(Err(FollowError::Unavailable(Unavailable {
                code: "io",
                message: String::new(),
            })))
            .unwrap();
        assert!(played.next().await.unwrap().contains("\"code\":\"io\""));
        assert_eq!(played.next().await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stored_goes_out_before_the_server_goes_down() {
        let mut played = Played::new(Health::Ok);
        assert_eq!(played.next().await.unwrap(), OPENING);
        played.closing.cancel();
        played.send("id: 1\n\n");
        assert_eq!(played.next().await.unwrap(), "id: 1\n\n");
        let last = played.next().await.unwrap();
        assert_eq!(
            last,
            "retry: 1000\nevent: reconnect\ndata: {\"retry_ms\":1000}\n\n"
        );
        assert_eq!(played.next().await, None);
    }
}
