//! The bounds of connections and requests.

use std::time::Duration;

use http::{Limits, Settings};
use store::Options;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{PATIENCE, Server};

async fn with(limits: Limits) -> Server {
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    Server::with(settings, Options::default()).await
}

/// Sends bytes and reads all that comes back.
async fn exchange(server: &Server, bytes: &str) -> String {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("the server keeps silent")
        .unwrap();
    answer
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = with(Limits {
        body_timeout: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let head = "POST /v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 20\r\nconnection: close\r\n\r\n{";
    let answer = exchange(&server, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn a_head_that_does_not_arrive_ends_the_connection() {
    let server = with(Limits {
        header_timeout: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let answer = exchange(&server, "GET /healthz HTTP/1.1\r\nhost:").await;
    assert!(!answer.contains(" 200 "), "{answer}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let server = with(Limits {
        request_timeout: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let run = server.start("a").await;
    let late = server
        .get(&format!("/v1/runs/{run}/events?after=1&wait=20s"))
        .await;
    assert_eq!((late.status, late.text("code")), (408, "request_timeout"));
    // A stream has begun to answer, so it may last.
    let mut stream = server.stream(&format!("/v1/runs/{run}/events"), None).await;
    assert_eq!(stream.take(1).await, ["1 run.created"]);
}

#[tokio::test]
async fn a_connection_too_many_is_told_so() {
    let server = with(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let feed = server.stream("/v1/feed", None).await;
    assert_eq!(feed.status(), 200);
    let refused = server.get("/healthz").await;
    assert_eq!(
        (refused.status, refused.text("code")),
        (503, "too_many_connections")
    );
    assert_eq!(refused.header("retry-after"), "2");
}
