//! Taking in a JSON body, within its bounds.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, header::CONTENT_LENGTH};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use run::MAX_EVENT_BYTES;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::Code;

use crate::App;
use crate::error::Error;
use crate::limits::{CHAT_BODY_FACTOR, DISCARD_BYTES};

/// A body that must be there.
pub(crate) struct Body<T>(pub(crate) T);

/// A body with a whole conversation. A client of the AI SDK says of its JSON that it is text, so the type is not asked for.
pub(crate) struct ChatBody<T>(pub(crate) T);

/// A body that may be missing.
pub(crate) struct OptionalBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let is_json = is_json(request.headers());
        let bytes = collect(request, app).await?;
        if !is_json {
            return Err(Error::new(
                Code::UnsupportedMediaType,
                "the body must be JSON with `content-type: application/json`",
            ));
        }
        Ok(Self(wire::read(&bytes)?))
    }
}

impl<T: DeserializeOwned> FromRequest<App> for ChatBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let max_bytes = app.settings.limits.body_bytes;
        let max_bytes = max_bytes.saturating_mul(CHAT_BODY_FACTOR);
        let bytes = collect_within(request, app, max_bytes).await?;
        Ok(Self(wire::read(&bytes)?))
    }
}

impl<T: DeserializeOwned + Default> FromRequest<App> for OptionalBody<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let is_json = is_json(request.headers());
        let bytes = collect(request, app).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(Error::new(
                Code::UnsupportedMediaType,
                "a body must be JSON with `content-type: application/json`",
            ));
        }
        Ok(Self(wire::read(&bytes)?))
    }
}

/// The body as it will be stored, within the bound of an event: numbers and escapes may print longer than they came.
pub(crate) fn printed(app: &App, body: &impl Serialize) -> Result<Vec<u8>, Error> {
    let max_bytes = app.settings.limits.body_bytes.min(MAX_EVENT_BYTES);
    let printed = serde_json::to_vec(body).map_err(|error| {
        tracing::error!("failed to print a body: {error}");
        Error::internal()
    })?;
    if printed.len() > max_bytes {
        return Err(Error::body_too_large(max_bytes));
    }
    Ok(printed)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

async fn collect(request: Request, app: &App) -> Result<Bytes, Error> {
    collect_within(request, app, app.settings.limits.body_bytes).await
}

async fn collect_within(request: Request, app: &App, max_bytes: usize) -> Result<Bytes, Error> {
    let limits = &app.settings.limits;
    match tokio::time::timeout(limits.body_timeout, read(request, max_bytes)).await {
        Ok(read) => read,
        Err(_) => Err(Error::new(
            Code::RequestTimeout,
            format!(
                "the body did not arrive within {} s",
                limits.body_timeout.as_secs()
            ),
        )),
    }
}

async fn read(request: Request, max_bytes: usize) -> Result<Bytes, Error> {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > max_bytes.saturating_add(DISCARD_BYTES)) {
        return Err(Error::body_too_large(max_bytes));
    }
    let mut body = request.into_body();
    let mut bytes = BytesMut::new();
    let mut n_bytes = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Error::new(Code::InvalidRequest, format!("the body broke off: {error}"))
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        n_bytes += data.len();
        if n_bytes <= max_bytes {
            bytes.extend_from_slice(&data);
        } else if n_bytes > max_bytes.saturating_add(DISCARD_BYTES) {
            break;
        }
    }
    if n_bytes > max_bytes {
        return Err(Error::body_too_large(max_bytes));
    }
    Ok(bytes.freeze())
}
