//! `http_fetch` against a real server on this machine.

use std::future::ready;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, Uri};
use serde_json::json;
use tokio::net::TcpListener;

use super::{FetchError, HttpFetch, HttpFetchArgs, Method};
use crate::{Guard, ToolOutput, limits};

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for &(name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body.into()).unwrap()
}

fn page(uri: &Uri, address: SocketAddr) -> Response<Body> {
    let text = |kind, body: &str| answer(200, &[("content-type", kind)], body.to_owned());
    let elsewhere = format!("http://localhost:{}/plain", address.port());
    match uri.path() {
        "/plain" => text("text/plain", "hello"),
        "/html" => text(
            "text/html; charset=utf-8",
            "<h1>T</h1><a href=/x>go</a><script>no</script>",
        ),
        "/json" => text("application/problem+json", "{\"a\":1}"),
        "/latin" => answer(
            200,
            &[("content-type", "text/plain; charset=latin1")],
            vec![0xe4],
        ),
        "/missing" => answer(404, &[("content-type", "text/plain")], "no such page"),
        "/binary" => answer(200, &[("content-type", "image/png")], vec![0; 9]),
        "/unknown-text" => answer(200, &[], "words"),
        "/unknown-binary" => answer(200, &[], vec![0, 1, 2]),
        "/gzip" => answer(
            200,
            &[("content-type", "text/plain"), ("content-encoding", "gzip")],
            vec![1],
        ),
        "/long" => answer(
            200,
            &[("content-type", "text/plain")],
            "é".repeat(limits::FETCH_BYTES),
        ),
        "/hop" => answer(302, &[("location", "/plain")], ""),
        "/elsewhere" => answer(302, &[("location", &*elsewhere)], ""),
        "/private" => answer(302, &[("location", "http://10.0.0.1/")], ""),
        "/scheme" => answer(302, &[("location", "file:///etc/passwd")], ""),
        "/round" => {
            let to = format!("http://localhost:{}/round", address.port());
            let to = if uri.query() == Some("b") {
                to
            } else {
                format!("http://{address}/round?b")
            };
            answer(302, &[("location", &*to)], "")
        }
        "/stuck" => {
            let never = futures_util::stream::pending::<Result<&[u8], std::io::Error>>();
            answer(
                200,
                &[("content-type", "text/plain")],
                Body::from_stream(never),
            )
        }
        other => panic!("nobody asks for {other}"),
    }
}

async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(move |uri: Uri| ready(page(&uri, address)));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn fetcher(allow: &[&str]) -> HttpFetch {
    HttpFetch::new(Guard::new(allow).unwrap().client().unwrap())
}

async fn fetch(path: &str, method: Method) -> Result<ToolOutput, FetchError> {
    let address = server().await;
    let url = format!("http://{address}{path}");
    let fetched = fetcher(&["127.0.0.1", "localhost"]);
    let args = HttpFetchArgs { url, method };
    let mut output = fetched.fetch(&args, limits::FETCH_TIMEOUT).await?;
    output.text = output.text.replace(&address.port().to_string(), "PORT");
    Ok(output)
}

async fn check(path: &str, expected: &str) -> ToolOutput {
    let output = fetch(path, Method::Get).await.unwrap();
    assert_eq!(output.text, expected);
    output
}

#[tokio::test]
async fn text_comes_with_its_status_address_and_type() {
    let output = check(
        "/plain",
        "Status: 200 OK\nURL: http://127.0.0.1:PORT/plain\nContent-Type: text/plain\n\nhello",
    )
    .await;
    assert!(!output.is_error);
    assert_eq!(output.structured.unwrap()["status"], 200);
    check(
        "/html",
        "Status: 200 OK\nURL: http://127.0.0.1:PORT/html\nContent-Type: text/html; charset=utf-8\n\n# T\ngo \
         (http://127.0.0.1:PORT/x)",
    )
    .await;
    check("/json", "Status: 200 OK\nURL: http://127.0.0.1:PORT/json\nContent-Type: application/problem+json\n\n{\"a\":1}").await;
    check("/latin", "Status: 200 OK\nURL: http://127.0.0.1:PORT/latin\nContent-Type: text/plain; charset=latin1\n\nä").await;
    check(
        "/unknown-text",
        "Status: 200 OK\nURL: http://127.0.0.1:PORT/unknown-text\nContent-Type: unknown\n\nwords",
    )
    .await;
}

#[tokio::test]
async fn an_error_status_is_an_answer_that_says_so() {
    let output = check("/missing", "Status: 404 Not Found\nURL: http://127.0.0.1:PORT/missing\nContent-Type: text/plain\n\nno such page").await;
    assert!(output.is_error);
}

#[tokio::test]
async fn what_is_no_text_is_named_and_not_shown() {
    let end = |text: String| text.split_once("\n\n").unwrap().1.to_owned();
    for (path, expected) in [
        ("/binary", "(binary content, 9 bytes; not shown)"),
        ("/unknown-binary", "(binary content, 3 bytes; not shown)"),
        (
            "/gzip",
            "(the content is compressed with gzip and was not read)",
        ),
    ] {
        assert_eq!(end(fetch(path, Method::Get).await.unwrap().text), expected);
    }
}

#[tokio::test]
async fn a_long_body_is_cut_and_says_so() {
    let output = fetch("/long", Method::Get).await.unwrap();
    assert!(
        output
            .text
            .ends_with("é\n… cut: only the first 1048576 bytes were read …")
    );
    assert_eq!(output.structured.unwrap()["is_cut"], true);
}

#[tokio::test]
async fn head_gives_the_headers() {
    let output = fetch("/plain", Method::Head).await.unwrap();
    assert!(
        output.text.contains("content-length: 5") && !output.text.contains("hello"),
        "{}",
        output.text
    );
}

#[tokio::test]
async fn redirects_are_followed_to_where_the_guard_lets_them() {
    for path in ["/hop", "/elsewhere"] {
        let output = fetch(path, Method::Get).await.unwrap();
        assert!(output.text.ends_with("hello"), "{}", output.text);
    }
    let refused = |path: &'static str| async move { fetch(path, Method::Get).await.unwrap_err() };
    let private = refused("/private").await;
    assert_eq!(private.code(), "address_refused");
    assert_eq!(
        private.to_string(),
        "address 10.0.0.1 of host 10.0.0.1 is private; an operator can allow it with allow_hosts"
    );
    assert_eq!(
        refused("/scheme").await.to_string(),
        "only http and https can be requested, not file"
    );
    assert_eq!(refused("/round").await.to_string(), "more than 5 redirects");
}

#[tokio::test]
async fn a_stuck_server_costs_its_time_and_no_more() {
    let address = server().await;
    let args = HttpFetchArgs {
        url: format!("http://{address}/stuck"),
        method: Method::Get,
    };
    let after = Duration::from_millis(200);
    let error = fetcher(&["127.0.0.1"])
        .fetch(&args, after)
        .await
        .unwrap_err();
    assert_eq!(error, FetchError::Timeout { after });
}

#[tokio::test]
async fn nobody_listening_and_no_address_are_errors_for_the_model() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let fetch = |url: String| async move {
        let args = HttpFetchArgs::read(&json!({"url": url})).unwrap();
        let error = fetcher(&["127.0.0.1"])
            .fetch(&args, limits::FETCH_TIMEOUT)
            .await;
        error.unwrap_err()
    };
    let closed = fetch(format!("http://{address}/?key=s3cret")).await;
    assert_eq!(closed.code(), "fetch_failed");
    let text = closed.to_string();
    assert!(
        text.contains("refused") && !text.contains("s3cret"),
        "{text}"
    );
    assert_eq!(fetch("example.com".into()).await.code(), "url_invalid");
    assert_eq!(
        fetch("http://10.1.1.1/".into()).await.code(),
        "address_refused"
    );
}

#[test]
fn arguments_are_read() {
    let read = |args| HttpFetchArgs::read(&args).map_err(|error| error.detail);
    let whole = HttpFetchArgs {
        url: "x".into(),
        method: Method::Head,
    };
    assert_eq!(read(json!({"url": "x", "method": "HEAD"})), Ok(whole));
    assert_eq!(read(json!({"url": ""})), Err("url is empty".into()));
    let posted = read(json!({"url": "x", "method": "POST"})).unwrap_err();
    assert_eq!(
        posted,
        "method: unknown variant `POST`, expected `GET` or `HEAD`"
    );
}
