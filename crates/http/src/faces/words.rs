//! Errors in the words of the face that is spoken.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use wire::Problem;

/// Says the error of an address of a face as its clients read it, wherever in the server it comes from.
pub(crate) async fn in_own_words(request: Request, next: Next) -> Response {
    let is_agui = request.uri().path().starts_with("/agui/");
    let response = next.run(request).await;
    if is_agui { agui(response) } else { response }
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
