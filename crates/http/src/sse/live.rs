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
use hyper::body::{self, Frame};
use store::{FollowError, Follower, Health};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, ReusableBoxFuture};

use super::frames;
use crate::App;
use crate::auth::Opening;
use crate::bell::Bell;

/// What a source gives: frames that are ready, or why there are no more.
pub(crate) type Chunk = Result<Bytes, FollowError>;

/// The frames of one run, to its end: those that the follower gave already, then what it gives.
pub(crate) fn one_run(first: Bytes, follower: Follower) -> OneRun {
    OneRun {
        first: (!first.is_empty()).then_some(first),
        next: Some(ReusableBoxFuture::new(next(follower))),
    }
}

/// What a follower gives, one wait after the other in the same place.
pub(crate) struct OneRun {
    first: Option<Bytes>,
    /// Gone behind the end.
    next: Option<ReusableBoxFuture<'static, (Follower, Given)>>,
}

/// See [`Follower::next`].
type Given = Result<Option<Bytes>, FollowError>;

async fn next(mut follower: Follower) -> (Follower, Given) {
    let given = follower.next().await;
    (follower, given)
}

impl Stream for OneRun {
    type Item = Chunk;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Chunk>> {
        let run = self.get_mut();
        if let Some(first) = run.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(waiting) = &mut run.next else {
            return Poll::Ready(None);
        };
        let (follower, given) = ready!(waiting.poll(context));
        if let Ok(Some(_)) = given {
            waiting.set(next(follower));
        } else {
            run.next = None;
        }
        Poll::Ready(given.transpose())
    }
}

/// What a stream says beside its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Events of our own without an id.
    Native,
    /// Comments alone: clients of other protocols take every event for one of theirs.
    Face,
}

/// The answer that streams a source.
pub(crate) fn stream(
    app: &App,
    status: StatusCode,
    source: impl Stream<Item = Chunk> + Send + Unpin + 'static,
    opening: Opening,
) -> Response {
    stream_in(Manner::Native, app, status, source, opening)
}

/// The same in the manner of a face.
pub(crate) fn stream_in(
    manner: Manner,
    app: &App,
    status: StatusCode,
    source: impl Stream<Item = Chunk> + Send + Unpin + 'static,
    opening: Opening,
) -> Response {
    let live = Live::new(
        manner,
        source,
        notices(app.store.health(), app.closing.clone()),
        app.settings.limits.heartbeat,
        opening,
    );
    let mut response = Response::new(Body::new(live));
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

/// The body of a stream.
struct Live<S> {
    manner: Manner,
    opened: bool,
    /// Gone behind its end.
    source: Option<S>,
    source_bell: Bell,
    /// What is no event. It calls rarely, and one event to a thousand streams should not ask for it a thousand times.
    aside: Aside,
    aside_bell: Bell,
    heard_at: Instant,
    _opening: Opening,
}

/// What a stream waits for beside its source.
struct Aside {
    notices: Pin<Box<dyn Stream<Item = Notice> + Send>>,
    /// Fires at the earliest time at which a sign of life may be due. Moving it with every write would cost more than
    /// looking at the clock when it fires.
    silence: Pin<Box<Sleep>>,
    heartbeat: Duration,
}

/// What came beside the source.
enum Said {
    Notice(Notice),
    /// Nothing was heard for a heartbeat's time.
    Silence,
}

impl Aside {
    fn poll(&mut self, heard_at: Instant, context: &mut Context<'_>) -> Poll<Said> {
        if let Poll::Ready(Some(notice)) = self.notices.as_mut().poll_next(context) {
            return Poll::Ready(Said::Notice(notice));
        }
        loop {
            ready!(self.silence.as_mut().poll(context));
            let (due, now) = (heard_at + self.heartbeat, Instant::now());
            if due <= now {
                self.silence.as_mut().reset(now + self.heartbeat);
                return Poll::Ready(Said::Silence);
            }
            self.silence.as_mut().reset(due);
        }
    }
}

impl<S: Stream<Item = Chunk> + Unpin> body::Body for Live<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = ready!(self.get_mut().poll_bytes(context));
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

impl<S: Stream<Item = Chunk> + Unpin> Live<S> {
    fn new(
        manner: Manner,
        source: S,
        notices: impl Stream<Item = Notice> + Send + 'static,
        heartbeat: Duration,
        opening: Opening,
    ) -> Self {
        Self {
            manner,
            opened: false,
            source: Some(source),
            source_bell: Bell::default(),
            aside: Aside {
                notices: Box::pin(notices),
                silence: Box::pin(tokio::time::sleep(heartbeat)),
                heartbeat,
            },
            aside_bell: Bell::default(),
            heard_at: Instant::now(),
            _opening: opening,
        }
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !self.opened {
            self.opened = true;
            return Poll::Ready(Some(match self.manner {
                Manner::Native => frames::opening(),
                Manner::Face => frames::COMMENT,
            }));
        }
        let Some(source) = &mut self.source else {
            return Poll::Ready(None);
        };
        // The source is asked first, so that what is stored goes out before a notice that ends the stream.
        match self
            .source_bell
            .poll(context, |context| source.poll_next_unpin(context))
        {
            Poll::Ready(Some(Ok(frames))) => {
                self.heard_at = Instant::now();
                return Poll::Ready(Some(frames));
            }
            Poll::Ready(Some(Err(error))) => return Poll::Ready(self.broken(&error)),
            Poll::Ready(None) => {
                self.source = None;
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        let said = self
            .aside_bell
            .poll(context, |context| self.aside.poll(self.heard_at, context));
        let said = ready!(said);
        if matches!(said, Said::Notice(Notice::Closing)) {
            self.source = None;
        }
        Poll::Ready(match (self.manner, said) {
            (Manner::Native, Said::Notice(Notice::Store(health))) => {
                Some(frames::store_notice(&health))
            }
            (Manner::Native, Said::Notice(Notice::Closing)) => Some(frames::reconnect()),
            // A stream without the mark of its end is one to come back to.
            (Manner::Face, Said::Notice(Notice::Closing)) => None,
            (Manner::Face, Said::Notice(Notice::Store(_))) => Some(frames::COMMENT),
            (manner, Said::Silence) => {
                self.heard_at = Instant::now();
                Some(match manner {
                    Manner::Native => frames::HEARTBEAT,
                    Manner::Face => frames::COMMENT,
                })
            }
        })
    }

    /// The source failed in the middle. Ending without the final event makes the client come back, and then it reads
    /// the error as an answer.
    fn broken(&mut self, error: &FollowError) -> Option<Bytes> {
        self.source = None;
        match error {
            FollowError::Unavailable(why) => {
                tracing::warn!("a stream ended because the store is unavailable: {why}");
                match self.manner {
                    Manner::Native => Some(frames::store_notice(&Health::Failing(why.clone()))),
                    Manner::Face => None,
                }
            }
            FollowError::Unknown | FollowError::CursorUnknown { .. } | FollowError::LogExpired => {
                tracing::info!("a stream ended because its log is gone: {error}");
                None
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
    use std::future::poll_fn;

    use store::Unavailable;
    use tokio::sync::mpsc;

    use super::*;
    use crate::auth::Openings;
    use crate::limits::HEARTBEAT;

    /// A stream whose source, store and server the test plays.
    struct Played {
        live: Live<Pin<Box<dyn Stream<Item = Chunk>>>>,
        source: mpsc::UnboundedSender<Chunk>,
        health: watch::Sender<Health>,
        closing: CancellationToken,
    }

    impl Played {
        fn new(health: Health) -> Self {
            Self::in_manner(Manner::Native, health)
        }

        fn in_manner(manner: Manner, health: Health) -> Self {
            let (source, receiver) = mpsc::unbounded_channel();
            let frames = Box::pin(stream::unfold(receiver, |mut receiver| async {
                receiver.recv().await.map(|chunk| (chunk, receiver))
            }));
            let health = watch::Sender::new(health);
            let closing = CancellationToken::new();
            let notices = notices(health.subscribe(), closing.clone());
            let opening = Openings::default().open(None, 1).unwrap();
            Self {
                live: Live::new(manner, frames, notices, HEARTBEAT, opening),
                source,
                health,
                closing,
            }
        }

        async fn next(&mut self) -> Option<String> {
            let bytes = poll_fn(|context| self.live.poll_bytes(context)).await?;
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
    #[tokio::test(start_paused = true)]
    async fn a_face_hears_comments_alone_and_is_cut_when_the_server_goes_down() {
        let mut played = Played::in_manner(Manner::Face, failing());
        for _ in 0..3 {
            let said = played.next().await.unwrap();
            assert_eq!(said, ": hb\n\n");
        }
        played.closing.cancel();
        played.send("event: a\ndata: {}\n\n");
        assert_eq!(played.next().await.unwrap(), "event: a\ndata: {}\n\n");
        assert_eq!(played.next().await, None);
    }
}
