//! The wire to an AG-UI agent: one request, its stream, and the word that a run is stopped.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use run::{ErrorInfo, MAX_WHY_BYTES, Outcome, Reason, bounded_text};
use serde_json::{Value, json};
use tool::{Guard, Refused};
use wire::faces::agui::decode::{Heard, decode};
use wire::sse::Decoder;

use crate::fault::source_chain;
use crate::limits::{UPSTREAM_ERROR_BYTES, UPSTREAM_GARBAGE, UPSTREAM_KEEPALIVE, UPSTREAM_STOP};

/// Speaks to agents.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    http: Client,
    guard: Guard,
}

/// Why there is no stream.
#[derive(Debug)]
pub(super) enum NoStream {
    /// It may be there another time.
    Later {
        why: String,
        /// How long the agent wants to be left alone.
        after: Option<Duration>,
        /// How the run ends if it is not.
        outcome: Outcome,
    },
    /// It will not.
    Never(Outcome),
}

fn failed(reason: Reason, code: &str, why: impl Into<String>) -> Outcome {
    let why = bounded_text(why.into(), MAX_WHY_BYTES);
    Outcome::failed(reason, ErrorInfo::new(code, why))
}

impl Endpoint {
    /// Reaches public addresses and these hosts.
    pub(super) fn new(hosts: &[String]) -> Result<Self, String> {
        let guard = Guard::new(hosts).map_err(|error| error.to_string())?;
        let http = guard
            .client_builder()
            .tcp_keepalive(UPSTREAM_KEEPALIVE)
            .build()
            .map_err(|error| format!("failed to make an HTTP client: {error}"))?;
        Ok(Self { http, guard })
    }

    /// Asks an agent to run.
    pub(super) async fn open(
        &self,
        url: &str,
        headers: HeaderMap,
        body: &Value,
    ) -> Result<Stream, NoStream> {
        let refused = |error: &Refused| {
            NoStream::Never(failed(Reason::Rejected, error.code(), error.to_string()))
        };
        let url = Url::parse(url).map_err(|error| {
            let why = format!("the agent's url cannot be read: {error}");
            NoStream::Never(failed(Reason::Error, "url_refused", why))
        })?;
        self.guard.check(&url).map_err(|error| refused(&error))?;
        let request = self
            .http
            .post(url)
            .headers(headers)
            .header(ACCEPT, "text/event-stream")
            .json(body);
        let response = request.send().await.map_err(|error| {
            if let Some(error) = Refused::behind(&error) {
                return refused(error);
            }
            let why = format!(
                "the agent cannot be reached: {}",
                source_chain(&error.without_url())
            );
            NoStream::Later {
                outcome: failed(Reason::Error, "upstream_unreachable", &*why),
                why,
                after: None,
            }
        })?;
        let status = response.status();
        if !status.is_success() {
            return Err(no_stream(status, response).await);
        }
        let media_type = response.headers().get(CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default();
        if !media_type.starts_with("text/event-stream") {
            let why = format!(
                "the agent does not speak AG-UI: it answered {status} with {media_type:?} instead of an event stream"
            );
            let outcome = failed(Reason::Rejected, "upstream_not_agui", why);
            return Err(NoStream::Never(outcome));
        }
        Ok(Stream {
            response,
            decoder: Decoder::new(),
            ready: VecDeque::new(),
            n_garbage: 0,
        })
    }

    /// Tells an agent that a run is stopped; what it says to that is only logged.
    pub(super) async fn stop(&self, url: &str, headers: HeaderMap, thread: &str, run: &str) {
        let Ok(url) = Url::parse(url) else { return };
        if let Err(error) = self.guard.check(&url) {
            tracing::warn!("an agent could not be told to stop: {error}");
            return;
        }
        let request = self
            .http
            .post(url)
            .headers(headers)
            .timeout(UPSTREAM_STOP)
            .json(&json!({ "threadId": thread, "runId": run }));
        match request.send().await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => {
                tracing::warn!(
                    "an agent that was told to stop answered {}",
                    response.status()
                );
            }
            Err(error) => {
                let why = source_chain(&error.without_url());
                tracing::warn!("an agent could not be told to stop: {why}");
            }
        }
    }
}

/// An answer that is no stream, in the agent's words.
async fn no_stream(status: StatusCode, mut response: Response) -> NoStream {
    let after = response.headers().get(RETRY_AFTER);
    let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = Vec::new();
    while body.len() < UPSTREAM_ERROR_BYTES
        && let Ok(Some(bytes)) = response.chunk().await
    {
        body.extend_from_slice(&bytes);
    }
    let text = String::from_utf8_lossy(&body);
    let text = bounded_text(text.trim().to_owned(), UPSTREAM_ERROR_BYTES);
    let why = if text.is_empty() {
        format!("the agent answered {status}")
    } else {
        format!("the agent answered {status}: {text}")
    };
    let is_transient = status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        );
    if is_transient {
        return NoStream::Later {
            outcome: failed(Reason::Error, "upstream_failed", &*why),
            why,
            after: after.map(Duration::from_secs),
        };
    }
    let code = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "upstream_unauthorized",
        _ => "upstream_rejected",
    };
    NoStream::Never(failed(Reason::Rejected, code, why))
}

/// What an agent says in one run of the protocol. Dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Stream {
    response: Response,
    decoder: Decoder,
    ready: VecDeque<Heard>,
    n_garbage: u32,
}

/// Why a stream is over.
#[derive(Debug)]
pub(super) enum Over {
    /// The connection ended without the end of the run.
    Lost(String),
    /// What comes is no AG-UI.
    Garbage(Outcome),
}

impl Stream {
    /// What the agent says next.
    pub(super) async fn next(&mut self) -> Result<Heard, Over> {
        loop {
            if let Some(heard) = self.ready.pop_front() {
                return Ok(heard);
            }
            let bytes = match self.response.chunk().await {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    let why = "the agent closed the connection before the end of its run";
                    return Err(Over::Lost(why.to_owned()));
                }
                Err(error) => {
                    let error = source_chain(&error.without_url());
                    let why = format!("the connection to the agent broke: {error}");
                    return Err(Over::Lost(why));
                }
            };
            let events = self.decoder.push(&bytes).map_err(|error| {
                Over::Garbage(failed(Reason::Error, "upstream_garbage", error.to_string()))
            })?;
            for event in events {
                match serde_json::from_str(&event.data) {
                    Ok(event) => self.ready.push_back(decode(event)),
                    Err(error) => self.garbage(&error)?,
                }
            }
        }
    }

    /// Some proxies and frameworks put words of their own into a stream; nothing but such words is no AG-UI.
    fn garbage(&mut self, error: &serde_json::Error) -> Result<(), Over> {
        self.n_garbage += 1;
        if self.n_garbage <= UPSTREAM_GARBAGE {
            tracing::debug!("an agent sent an event that is no JSON: {error}");
            return Ok(());
        }
        let why = format!(
            "the agent sent more than {UPSTREAM_GARBAGE} events that are no JSON; the last: {error}"
        );
        Err(Over::Garbage(failed(
            Reason::Error,
            "upstream_garbage",
            why,
        )))
    }
}

/// The headers of an agent, from the environment. An error is the run's.
pub(super) fn headers(
    names: &BTreeMap<String, String>,
    environment: &[(OsString, OsString)],
) -> Result<HeaderMap, ErrorInfo> {
    let mut headers = HeaderMap::new();
    for (name, variable) in names {
        let found = environment
            .iter()
            .find(|(known, _)| known == variable.as_str());
        let value = found.and_then(|(_, value)| value.to_str());
        let Some(value) = value else {
            let why = format!("the header {name} is to come from {variable}, which is not set");
            return Err(ErrorInfo::new("upstream_header", why));
        };
        let unfit = || {
            let why = format!("{variable} cannot be the value of the header {name}");
            ErrorInfo::new("upstream_header", why)
        };
        let mut value = HeaderValue::from_str(value).map_err(|_| unfit())?;
        value.set_sensitive(true);
        let name = HeaderName::try_from(name.as_str()).map_err(|_| unfit())?;
        headers.insert(name, value);
    }
    Ok(headers)
}
