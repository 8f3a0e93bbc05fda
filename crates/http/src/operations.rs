//! For those who operate the server.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use store::{Health, Right};
use wire::Code;

use crate::auth::Caller;
use crate::error::Error;
use crate::{App, reference};

/// `GET /healthz`: the process answers.
pub(crate) async fn healthz() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /readyz`: requests can be served.
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Value>, Error> {
    if app.closing.is_cancelled() {
        return Err(Error::new(Code::ShuttingDown, "the server is going down"));
    }
    let health = app.store.health().borrow().clone();
    match health {
        Health::Ok => Ok(Json(json!({"status": "ready"}))),
        Health::Failing(why) => Err(why.into()),
    }
}

/// `GET /metrics`, in Prometheus' text format.
pub(crate) async fn metrics(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    caller.may(Right::Manage)?;
    caller.is_general()?;
    let Some(render) = &app.metrics else {
        return Err(Error::new(
            Code::RouteUnknown,
            "this server keeps no metrics",
        ));
    };
    let counts = app.store.counts().await?;
    for (status, n) in [
        ("queued", counts.queued),
        ("running", counts.running),
        ("waiting", counts.waiting),
    ] {
        // A count of runs is far below the numbers that a float cannot hold.
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        metrics::gauge!("outlive_runs", "status" => status).set(n as f64);
    }
    let mut response = (StatusCode::OK, render()).into_response();
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4"),
    );
    Ok(response)
}

/// `GET /openapi.json`
pub(crate) async fn openapi(State(app): State<App>) -> Json<Value> {
    let mut document = reference::openapi();
    if let Some(url) = &app.settings.public_url {
        document["servers"] = json!([{"url": url}]);
    }
    Json(document)
}
