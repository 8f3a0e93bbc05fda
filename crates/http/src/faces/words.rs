//! Errors in the words of the face that is spoken.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use wire::faces::aisdk::error_text;
use wire::faces::openai::ErrorBody;
use wire::{Code, Problem};

/// Read by OpenAI's clients, which would otherwise send some requests again by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Says the error of an address of a face as its clients read it, wherever in the server it comes from.
pub(crate) async fn in_own_words(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let face = FACES.iter().find(|(prefix, _)| path.starts_with(prefix));
    let method = request.method().clone();
    let response = next.run(request).await;
    match face {
        Some((_, say)) => say(response, &method),
        None => response,
    }
}

/// How a response is said to the clients of a face.
type Say = fn(Response, &Method) -> Response;

const FACES: &[(&str, Say)] = &[("/openai/", openai), ("/aisdk/", aisdk), ("/agui/", agui)];

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
fn agui(mut response: Response, _: &Method) -> Response {
    if response.extensions().get::<Box<Problem>>().is_some() {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// A client of the AI SDK shows the body of an error to the person as it is.
fn aisdk(mut response: Response, _: &Method) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Box<Problem>>() else {
        return response;
    };
    *response.body_mut() = Body::from(error_text(&problem.detail, &problem.code));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
