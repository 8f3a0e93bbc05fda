//! The routes with what surrounds all of them.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HeaderName, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, Method};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use wire::Code;

use crate::access_log::access_log;
use crate::error::Error;
use crate::{App, auth, faces, routes};

/// How long a browser remembers what it may send.
const PREFLIGHT_AGE: Duration = Duration::from_mins(10);

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    // From the inside out: a layer that is added later sees a request earlier.
    routes::all()
        .method_not_allowed_fallback(async || {
            Error::new(
                Code::MethodNotAllowed,
                "the address exists for the methods that the Allow header lists",
            )
        })
        .fallback(async || {
            Error::new(
                Code::RouteUnknown,
                "there is no such address; GET /openapi.json lists all",
            )
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), within_time))
        .layer(cors(&app))
        .layer(middleware::from_fn_with_state(app.clone(), auth::guard))
        .layer(middleware::from_fn(faces::in_own_words))
        .layer(middleware::from_fn(access_log))
        .with_state(app)
}

/// Ends a request that takes too long. A stream has begun to answer long before.
async fn within_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = app.settings.limits.request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::new(
            Code::RequestTimeout,
            format!(
                "there was no answer within {} s; it is not known whether the request took effect",
                limit.as_secs()
            ),
        )
        .into_response(),
    }
}

/// A handler panicked. What it said is in the log and not in the answer.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the layer asks for"
)]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!("a request panicked: {what}");
    Error::internal().into_response()
}

/// Lets the pages of allowed origins in. A page of another origin gets no header that would let it read the answer.
fn cors(app: &App) -> CorsLayer {
    let app = app.clone();
    let allowed = move |origin: &HeaderValue, _: &_| {
        origin
            .to_str()
            .is_ok_and(|origin| app.settings.allows_origin(origin))
    };
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(allowed))
        .allow_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        // Clients of other protocols send headers of their own; the origin is what decides.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            LOCATION,
            RETRY_AFTER,
            HeaderName::from_static("x-run-id"),
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-should-retry"),
            HeaderName::from_static("x-workflow-run-id"),
            HeaderName::from_static("x-workflow-stream-tail-index"),
        ])
        .max_age(PREFLIGHT_AGE)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use store::{Location, Options, Store};
    use tower::ServiceExt;
    use wire::Problem;

    use super::*;
    use crate::{Catalogue, Settings};

    #[track_caller]
    fn request(path: &str) -> Request {
        Request::builder()
            .uri(path)
            .header("host", "localhost")
            .body(Body::empty())
            .unwrap()
    }

    async fn code(response: Response) -> String {
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.status, status);
        assert!(!problem.detail.contains("secret"), "{}", problem.detail);
        problem.code
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_without_its_words() {
        async fn fail() -> Response {
            panic!("a secret")
        }
        let router: Router = Router::new()
            .route("/", get(fail))
            .layer(CatchPanicLayer::custom(panicked));
        let response = router.oneshot(request("/")).await.unwrap();
        assert_eq!(code(response).await, "internal");
    }

    #[tokio::test]
    async fn a_server_that_goes_down_opens_no_streams() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("outlive.db"));
        let store = Store::open(&location, Options::default()).await.unwrap();
        let app = App::new(store, Catalogue::default(), Settings::default(), None);
        app.closing.cancel();
        for path in ["/v1/feed", "/readyz"] {
            let response = router(app.clone()).oneshot(request(path)).await.unwrap();
            assert_eq!(response.headers()["retry-after"], "2");
            assert_eq!(code(response).await, "shutting_down");
        }
        let response = router(app).oneshot(request("/metrics")).await.unwrap();
        assert_eq!(code(response).await, "route_unknown");
    }
}
