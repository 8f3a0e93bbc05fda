//! `http_fetch`: what is behind an address, as text.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use reqwest::{Response, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{charset, html};
use crate::definition::{check_text, read};
use crate::{BadArgs, Definition, GuardedClient, Refused, ToolOutput, limits};

/// What a model asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpFetchArgs {
    /// The address.
    pub url: String,
    /// `GET` unless it says otherwise.
    #[serde(default)]
    pub method: Method,
}

/// How to ask. Neither changes anything at an honest server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// For the content.
    #[default]
    Get,
    /// For the status and the headers alone.
    Head,
}

/// Why nothing was fetched. The text is for the model; an error status of the server is no such error but a
/// [`ToolOutput`] with `is_error`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The guard refuses the address.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The address cannot be read.
    #[error("{url:?} is no address that can be fetched: {why}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// No answer came.
    #[error("could not fetch from {host}: {why}")]
    Failed {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
    /// It took too long.
    #[error("no whole answer within {} ms", after.as_millis())]
    Timeout {
        /// How long was waited.
        after: Duration,
    },
}

impl FetchError {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code(),
            Self::Url { .. } => "url_invalid",
            Self::Failed { .. } => "fetch_failed",
            Self::Timeout { .. } => "tool_timeout",
        }
    }
}

impl HttpFetchArgs {
    /// The name of the tool.
    pub const NAME: &'static str = "http_fetch";

    /// What a model is told.
    pub fn definition() -> Definition {
        Definition {
            name: Self::NAME.to_owned(),
            description: "Fetches a web address and returns its status, its final address, its content type and its \
                          content as text; HTML becomes readable text with links. Only public http and https \
                          addresses, only text, and at most 1 MiB of it."
                .to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "url": {"type": "string", "description": "An absolute http or https address."},
                    "method": {
                        "type": "string",
                        "enum": ["GET", "HEAD"],
                        "description": "HEAD for status and headers alone; GET if it is left out.",
                    },
                },
                "required": ["url"],
                "additionalProperties": false,
            }),
        }
    }

    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// What is wrong with them, for the model.
    pub fn read(args: &Value) -> Result<Self, BadArgs> {
        let read: Self = read(Self::NAME, args)?;
        check_text(Self::NAME, "url", &read.url, limits::URL_BYTES)?;
        Ok(read)
    }
}

/// What is asked for: what a model reads best, and then anything.
const WANTED: &str = "text/markdown, text/html, application/json, text/*;q=0.9, */*;q=0.5";

/// Performs `http_fetch`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpFetch {
    client: GuardedClient,
}

impl HttpFetch {
    /// Fetches through this client. It sends no credentials, so redirects lead anywhere that the guard lets them.
    pub fn new(client: GuardedClient) -> Self {
        Self { client }
    }

    /// Fetches within `limit`.
    ///
    /// # Errors
    /// What [`FetchError`] says. Dropping the call closes the connection.
    pub async fn fetch(
        &self,
        args: &HttpFetchArgs,
        limit: Duration,
    ) -> Result<ToolOutput, FetchError> {
        timeout(limit, self.follow(args))
            .await
            .unwrap_or(Err(FetchError::Timeout { after: limit }))
    }

    async fn follow(&self, args: &HttpFetchArgs) -> Result<ToolOutput, FetchError> {
        let bad = |why: String| {
            let url = args.url.clone();
            FetchError::Url { url, why }
        };
        let mut url = Url::parse(args.url.trim()).map_err(|error| bad(error.to_string()))?;
        for _ in 0..=limits::REDIRECTS {
            self.client.guard.check(&url)?;
            let method = match args.method {
                Method::Get => reqwest::Method::GET,
                Method::Head => reqwest::Method::HEAD,
            };
            let request = self.client.http.request(method, url.clone());
            let request = request.header(ACCEPT, WANTED);
            let response = request.send().await.map_err(|error| failed(&url, error))?;
            // The client follows within an origin; to another one it is a new request, which carries nothing over.
            let Some(next) = target(&response) else {
                return Answer::read(response, args.method).await;
            };
            url = next;
        }
        Err(Refused::Redirects.into())
    }
}

/// Where a redirect leads.
fn target(response: &Response) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    let location = String::from_utf8_lossy(location.as_bytes());
    response.url().join(&location).ok()
}

fn failed(url: &Url, error: reqwest::Error) -> FetchError {
    if let Some(refused) = Refused::behind(&error) {
        return refused.clone().into();
    }
    // The address may hold a key, and the model knows it anyway.
    let error = error.without_url();
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        why = format!("{why}: {inner}");
        cause = inner.source();
    }
    FetchError::Failed {
        host: url.host_str().unwrap_or_default().to_owned(),
        why,
    }
}

struct Answer {
    status: reqwest::StatusCode,
    url: String,
    content_type: String,
}

impl Answer {
    async fn read(mut response: Response, method: Method) -> Result<ToolOutput, FetchError> {
        let header = |headers: &HeaderMap, name: HeaderName| {
            let value = headers
                .get(name)
                .map(reqwest::header::HeaderValue::as_bytes);
            String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
        };
        let answer = Self {
            status: response.status(),
            url: response.url().to_string(),
            content_type: header(response.headers(), CONTENT_TYPE).to_ascii_lowercase(),
        };
        let encoding = header(response.headers(), CONTENT_ENCODING);
        let length = response.content_length();
        let size = || length.map_or_else(String::new, |bytes| format!(", {bytes} bytes"));
        if method == Method::Head {
            let headers = response.headers().iter();
            let lines: Vec<_> = headers
                .filter(|(name, _)| *name != reqwest::header::SET_COOKIE)
                .map(|(name, value)| {
                    format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
                })
                .collect();
            return Ok(answer.output(&lines.join("\n"), false));
        }
        if !matches!(&*encoding, "" | "identity") {
            let note = format!("(the content is compressed with {encoding} and was not read)");
            return Ok(answer.output(&note, false));
        }
        let form = Form::of(&answer.content_type);
        if form == Form::Binary {
            let note = format!("(binary content{}; not shown)", size());
            return Ok(answer.output(&note, false));
        }
        let mut body: Vec<u8> = Vec::new();
        let mut is_cut = false;
        let url = response.url().clone();
        while let Some(more) = response
            .chunk()
            .await
            .map_err(|error| failed(&url, error))?
        {
            let room = limits::FETCH_BYTES - body.len();
            body.extend_from_slice(&more[..room.min(more.len())]);
            if more.len() > room {
                is_cut = true;
                break;
            }
        }
        if form == Form::Unknown && (body.contains(&0) || !is_utf8(&body)) {
            let note = format!("(binary content{}; not shown)", size());
            return Ok(answer.output(&note, false));
        }
        let mut text = charset::decode(&body, &answer.content_type);
        if form == Form::Html {
            text = html::to_text(&text, &url);
        }
        if is_cut {
            let read = limits::FETCH_BYTES;
            text = format!("{text}\n… cut: only the first {read} bytes were read …");
        }
        Ok(answer.output(&text, is_cut))
    }

    fn output(&self, content: &str, is_cut: bool) -> ToolOutput {
        let Self {
            status,
            url,
            content_type,
        } = self;
        let shown = if content_type.is_empty() {
            "unknown"
        } else {
            content_type
        };
        ToolOutput {
            text: format!("Status: {status}\nURL: {url}\nContent-Type: {shown}\n\n{content}"),
            structured: Some(json!({
                "status": status.as_u16(),
                "url": url,
                "content_type": content_type,
                "is_cut": is_cut,
            })),
            is_error: !status.is_success(),
            media: Vec::new(),
        }
    }
}

/// Whether it is UTF-8, up to a character that the bound has cut.
fn is_utf8(body: &[u8]) -> bool {
    std::str::from_utf8(body).map_or_else(|error| error.error_len().is_none(), |_| true)
}

#[derive(PartialEq, Eq)]
enum Form {
    Html,
    Text,
    Binary,
    Unknown,
}

impl Form {
    fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence {
            "" => Self::Unknown,
            "text/html" | "application/xhtml+xml" => Self::Html,
            "application/json"
            | "application/xml"
            | "application/javascript"
            | "application/ecmascript"
            | "application/x-javascript"
            | "application/x-ndjson"
            | "application/jsonl"
            | "application/yaml"
            | "application/x-yaml"
            | "application/toml"
            | "application/sql"
            | "application/graphql"
            | "application/x-sh"
            | "application/x-www-form-urlencoded" => Self::Text,
            // An event stream has no end.
            "text/event-stream" => Self::Binary,
            _ if essence.starts_with("text/")
                || essence.ends_with("+json")
                || essence.ends_with("+xml")
                || essence.ends_with("+yaml") =>
            {
                Self::Text
            }
            _ => Self::Binary,
        }
    }
}

#[cfg(test)]
#[path = "http_fetch_tests.rs"]
mod tests;
