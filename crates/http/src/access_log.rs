//! One span and one line per request. The query is in neither: it may hold a token.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::fresh;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Logs a request and names it in its answer.
pub(crate) async fn access_log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = fresh::random::<8>().map_or(String::new(), |bytes| fresh::hex(&bytes));
    let method = request.method().clone();
    // The pattern and not the path, so that a metric has few values and a log no ids that its span does not name.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        request.id = %id,
        http.method = %method,
        http.route = %route,
        run.id = tracing::field::Empty,
    );
    let mut response = next.run(request).instrument(span.clone()).await;
    let duration = started.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| {
        tracing::info!(
            http.status = status,
            duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            "{method} {route} {status}"
        );
    });
    metrics::counter!(
        "outlive_http_requests_total",
        "method" => method.to_string(), "route" => route.clone(), "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!("outlive_http_request_seconds", "route" => route)
        .record(duration.as_secs_f64());
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
