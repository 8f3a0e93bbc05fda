//! Sends requests to vendors and reads how they answer.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{RequestBuilder, Response};
use tokio::time::timeout;

use crate::openai::{self, Fault, Form, Reply};
use crate::retry_after::retry_after;
use crate::secret::Redactor;
use crate::{Error, EventStream, Request, Vendor, Wire, limits};

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
        match vendor.wire {
            Wire::OpenAi => self.openai(vendor, request).await,
        }
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
        let url = match vendor.wire {
            Wire::OpenAi => vendor.url("models")?,
        };
        let call = self.http.get(url).headers(headers(vendor)?);
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
        openai::models(&document).ok_or_else(|| garbage(format!("not a list of models: {text}")))
    }

    async fn openai(&self, vendor: &Vendor, request: &Request) -> Result<EventStream, Error> {
        let redactor = vendor.redactor();
        let url = vendor.url("chat/completions")?;
        let body = openai::body(request, url.host_str().unwrap_or_default())?;
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
        let reply = Reply::new(&request.model, form, redactor);
        Ok(EventStream::new(response, reply, settings.stall_timeout))
    }
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
        HeaderValue::from_static("text/event-stream, application/json"),
    );
    if let Some(key) = &vendor.key {
        headers.insert(
            AUTHORIZATION,
            secret(format!("Bearer {}", key.reveal()), "the vendor's key")?,
        );
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
