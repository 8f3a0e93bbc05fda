//! A response as one answer, when it has ended.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use store::Follower;
use tokio::time::Instant;
use wire::faces::openai::Translation;

use super::log::known;
use super::named::Named;
use super::stream::to_end;
use crate::App;
use crate::auth::{Caller, Opening};
use crate::error::Error;
use crate::limits::RESPONSE_WAIT;

/// Answers when the response has ended, or as it stands when that takes too long or the server goes down: then the client
/// asks for it by its id. Spaces before the JSON keep the connection alive meanwhile. A client that leaves ends nothing.
pub(super) async fn waited(app: &App, caller: &Caller, named: &Named) -> Result<Response, Error> {
    let opening = caller.open_stream(app)?;
    let (translation, follower) = known(app, caller, named).await?;
    let waiting = Waiting {
        app: app.clone(),
        translation,
        follower,
        until: Instant::now() + RESPONSE_WAIT,
        is_over: false,
        _opening: opening,
    };
    let chunks = stream::unfold(waiting, |mut waiting| async {
        let chunk = waiting.next().await?;
        Some((Ok::<_, Infallible>(chunk), waiting))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

struct Waiting {
    app: App,
    translation: Translation,
    follower: Follower,
    until: Instant,
    is_over: bool,
    _opening: Opening,
}

impl Waiting {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let beat = self.app.settings.limits.heartbeat;
        tokio::select! {
            biased;
            read = to_end(&mut self.translation, &mut self.follower) => if let Err(error) = read {
                // The run goes on; an error here would make the client start another one.
                tracing::warn!("failed to wait for a response: {error}");
            },
            () = self.app.closing.cancelled() => {}
            () = tokio::time::sleep_until(self.until) => {}
            () = tokio::time::sleep(beat) => return Some(Bytes::from_static(b" ")),
        }
        self.is_over = true;
        Some(self.translation.response().to_string().into())
    }
}
