//! Errors in the words of the face that is spoken.

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use wire::Problem;
use wire::faces::aisdk::error_text;

/// Says the error of an address of a face as its clients read it, wherever in the server it comes from.
pub(crate) async fn in_own_words(request: Request, next: Next) -> Response {
    let is_aisdk = request.uri().path().starts_with("/aisdk/");
    let response = next.run(request).await;
    if is_aisdk { aisdk(response) } else { response }
}

/// A client of the AI SDK shows the body of an error to the person as it is.
fn aisdk(mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Box<Problem>>() else {
        return response;
    };
    *response.body_mut() = Body::from(error_text(&problem.detail, &problem.code));
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
