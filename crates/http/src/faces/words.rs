//! Errors in the words of the face that is spoken.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use wire::faces::openai::ErrorBody;
use wire::{Code, Problem};

/// Read by OpenAI's clients, which would otherwise send some requests again by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Says the error of an address of a face as its clients read it, wherever in the server it comes from.
pub(crate) async fn in_own_words(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (is_openai, is_agui) = (path.starts_with("/openai/"), path.starts_with("/agui/"));
    let method = request.method().clone();
    let response = next.run(request).await;
    if is_openai {
        openai(response, &method)
    } else if is_agui {
        agui(response)
    } else {
        response
    }
}

fn openai(mut response: Response, method: &Method) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Box<Problem>>() else {
        return response;
    };
    let body = serde_json::to_vec(&ErrorBody::of(&problem)).unwrap_or_default();
    *response.body_mut() = Body::from(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !may_be_repeated(&problem, method) {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}

/// Whether a client may send the request again by itself. What may have started a run may not, and a conflict does not go
/// away in a second.
fn may_be_repeated(problem: &Problem, method: &Method) -> bool {
    match problem.known_code() {
        // Nothing has happened.
        Some(
            Code::QueueFull | Code::TooManyStreams | Code::TooManyConnections | Code::ShuttingDown,
        ) => true,
        Some(code) => code.is_transient() && method != Method::POST,
        None => false,
    }
}

/// AG-UI's client reads the body of an error only where it is called plain JSON; then it gives it out as `payload`.
fn agui(mut response: Response) -> Response {
    if response.extensions().get::<Box<Problem>>().is_some() {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}
