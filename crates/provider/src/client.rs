//! Sends requests to vendors and reads how they answer.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response, Url};
use tokio::time::timeout;

use crate::dialect::Dialect;
use crate::fault::Fault;
use crate::models::models;
use crate::reply::{Form, Reply};
use crate::retry_after::retry_after;
use crate::secret::Redactor;
use crate::{Error, EventStream, Request, Vendor, Wire, anthropic, gemini, limits, ollama, openai};

/// Speaks to vendors over one HTTP client, which comes from outside: outgoing addresses are guarded there. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    /// What this crate wants of the HTTP client, to be built on: a bound on connecting, no bound on a whole answer, and
    /// no redirects, because a vendor's own headers would go along to another host.
    pub fn builder() -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
    }

    /// Uses `http` for everything.
    pub fn new(http: reqwest::Client) -> Self {
        Self { http }
    }

    /// Makes a model call. Gives the stream as soon as the vendor has accepted the request.
    ///
    /// # Errors
    /// Everything that [`Error`] knows. Dropping the call closes the connection.
    pub async fn stream(&self, vendor: &Vendor, request: &Request) -> Result<EventStream, Error> {
        let redactor = vendor.redactor();
        let Outgoing { url, body, dialect } = outgoing(vendor, request)?;
        let settings = &request.settings;
        let call = self.http.post(url).headers(headers(vendor)?).body(body);
        let response = send(call, settings.header_timeout).await?;
        if !response.status().is_success() {
            return Err(refusal(response, &request.model, &redactor).await);
        }
        let form = if is_json(response.headers()) {
            Form::Whole
        } else {
            Form::Stream
        };
        let reply = Reply::new(dialect, &request.model, form, redactor);
        Ok(EventStream::new(response, reply, settings.stall_timeout))
    }

    /// The names of the models that a vendor serves, within [`limits::MODELS_TIMEOUT`]: the way to find out whether a
    /// local vendor is there at all ([`Error::Connect`] if not).
    ///
    /// # Errors
    /// Everything that [`Error`] knows.
    pub async fn models(&self, vendor: &Vendor) -> Result<Vec<String>, Error> {
        let after = limits::MODELS_TIMEOUT;
        match timeout(after, self.list(vendor)).await {
            Ok(models) => models,
            Err(_) => Err(Error::Stalled { after }),
        }
    }

    async fn list(&self, vendor: &Vendor) -> Result<Vec<String>, Error> {
        let redactor = vendor.redactor();
        let call = self.http.get(models_url(vendor)?).headers(headers(vendor)?);
        let mut response = send(call, limits::MODELS_TIMEOUT).await?;
        if !response.status().is_success() {
            return Err(refusal(response, "", &redactor).await);
        }
        let mut bytes = Vec::new();
        let garbage = |detail: String| Error::Garbage {
            detail: redactor.clean_and_cut(&detail, limits::SNIPPET_BYTES),
        };
        let broken = |error| Error::from_http(error, limits::MODELS_TIMEOUT);
        while let Some(more) = response.chunk().await.map_err(broken)? {
            if bytes.len() + more.len() > limits::MODELS_BYTES {
                return Err(garbage(format!(
                    "a list of models of more than {} bytes",
                    limits::MODELS_BYTES
                )));
            }
            bytes.extend_from_slice(&more);
        }
        let text = String::from_utf8_lossy(&bytes);
        let document =
            serde_json::from_str(&text).map_err(|error| garbage(format!("{error} in {text}")))?;
        models(&document).ok_or_else(|| garbage(format!("not a list of models: {text}")))
    }
}

/// A request on its way out, and the reader of what it will be answered.
struct Outgoing {
    url: Url,
    body: Vec<u8>,
    dialect: Dialect,
}

fn outgoing(vendor: &Vendor, request: &Request) -> Result<Outgoing, Error> {
    let (url, body, dialect) = match vendor.wire {
        Wire::OpenAi => {
            let url = vendor.url("chat/completions")?;
            let body = openai::body(request, url.host_str().unwrap_or_default())?;
            (url, body, Dialect::OpenAi(Box::default()))
        }
        Wire::Anthropic => {
            let url = vendor.url("messages")?;
            let body = anthropic::body(request)?;
            (url, body, Dialect::Anthropic(anthropic::Reading::default()))
        }
        Wire::Gemini => {
            let mut url = vendor.url(&gemini::path(request)?)?;
            url.query_pairs_mut().append_pair("alt", "sse");
            let body = gemini::body(request)?;
            (url, body, Dialect::Gemini(gemini::Reading::default()))
        }
        Wire::Ollama => {
            let url = vendor.url("chat")?;
            let body = ollama::body(request)?;
            (url, body, Dialect::Ollama(ollama::Reading::default()))
        }
    };
    Ok(Outgoing { url, body, dialect })
}

/// Where a vendor lists its models. The pages of the lists are asked for in their largest size; a list of more models
/// than fit on one is cut there.
fn models_url(vendor: &Vendor) -> Result<Url, Error> {
    let path = match vendor.wire {
        Wire::OpenAi | Wire::Anthropic | Wire::Gemini => "models",
        Wire::Ollama => "tags",
    };
    let mut url = vendor.url(path)?;
    match vendor.wire {
        Wire::OpenAi | Wire::Ollama => {}
        Wire::Anthropic => {
            url.query_pairs_mut().append_pair("limit", "1000");
        }
        Wire::Gemini => {
            url.query_pairs_mut().append_pair("pageSize", "1000");
        }
    }
    Ok(url)
}

async fn send(call: RequestBuilder, limit: Duration) -> Result<Response, Error> {
    match timeout(limit, call.send()).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(Error::from_http(error, limit)),
        Err(_) => Err(Error::Stalled { after: limit }),
    }
}

/// What an answer with an error status means. Its body is read as far as it comes within the bounds.
async fn refusal(mut response: Response, model: &str, redactor: &Redactor) -> Error {
    let status = response.status();
    let wait = retry_after(response.headers(), Timestamp::now());
    let mut body = Vec::new();
    let read = async {
        while let Some(more) = response.chunk().await.ok()? {
            let room = limits::ERROR_BODY_BYTES - body.len();
            body.extend_from_slice(&more[..room.min(more.len())]);
            if more.len() > room {
                return None;
            }
        }
        Some(())
    };
    let is_whole = matches!(
        timeout(limits::ERROR_BODY_TIMEOUT, read).await,
        Ok(Some(()))
    );
    if !is_whole {
        // The cut may have gone through a secret, of which the first half would not be recognised.
        body.truncate(body.len().saturating_sub(redactor.reach()));
    }
    Fault::of_answer(status, &String::from_utf8_lossy(&body), redactor).into_error(model, wait)
}

fn is_json(headers: &HeaderMap) -> bool {
    let text = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    text.is_some_and(|text| {
        text.trim_start()
            .to_ascii_lowercase()
            .starts_with("application/json")
    })
}

fn headers(vendor: &Vendor) -> Result<HeaderMap, Error> {
    let secret = |text: String, what: &str| {
        let mut value = HeaderValue::try_from(text).map_err(|_| {
            Error::Invalid(format!("{what} has a character that no header may have"))
        })?;
        value.set_sensitive(true);
        Ok::<_, Error>(value)
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        ACCEPT,
        HeaderValue::from_static(match vendor.wire {
            Wire::OpenAi | Wire::Anthropic | Wire::Gemini => "text/event-stream, application/json",
            Wire::Ollama => "application/x-ndjson, application/json",
        }),
    );
    if vendor.wire == Wire::Anthropic {
        let (name, version) = anthropic::VERSION;
        headers.insert(name, HeaderValue::from_static(version));
    }
    if let Some(key) = &vendor.key {
        let (name, text) = match vendor.wire {
            Wire::OpenAi | Wire::Ollama => (AUTHORIZATION, format!("Bearer {}", key.reveal())),
            Wire::Anthropic => (
                HeaderName::from_static("x-api-key"),
                key.reveal().to_owned(),
            ),
            Wire::Gemini => (
                HeaderName::from_static("x-goog-api-key"),
                key.reveal().to_owned(),
            ),
        };
        headers.insert(name, secret(text, "the vendor's key")?);
    }
    for (name, value) in &vendor.headers {
        let known = HeaderName::try_from(name.as_str())
            .map_err(|_| Error::Invalid(format!("{name:?} cannot be the name of a header")))?;
        headers.insert(
            known,
            secret(value.reveal().to_owned(), &format!("the header {name}"))?,
        );
    }
    Ok(headers)
}
