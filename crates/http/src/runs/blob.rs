//! Files that stand beside a run's log: pictures and documents that its tools gave.

use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use store::Right;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::BlobPath;

/// What a tool gave is nobody's to run: a browser saves it and never shows it as a page of this server.
const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_DISPOSITION, "attachment"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
    (CACHE_CONTROL, "private, max-age=31536000, immutable"),
];

/// `GET /v1/runs/{run}/blobs/{blob}`
///
/// Who may read the run may read what its log names.
pub(crate) async fn blob(
    State(app): State<App>,
    caller: Caller,
    BlobPath(id, hash): BlobPath,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    let run = app.store.run(&caller.scope, id).await?;
    if !caller.reaches(&run) {
        return Err(Error::not_found());
    }
    let (media_type, bytes) = app.store.blob(run.id, hash).await?;
    let octets = HeaderValue::from_static("application/octet-stream");
    let media_type = HeaderValue::try_from(media_type).unwrap_or(octets);
    let headers = HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, [(CONTENT_TYPE, media_type)], bytes).into_response())
}
