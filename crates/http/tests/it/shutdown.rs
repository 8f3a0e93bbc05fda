//! How a server ends.

use std::time::Duration;

use http::{App, Catalogue, ServeError, Settings, serve};
use store::{Location, Options, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::{PATIENCE, Server};

#[tokio::test]
async fn streams_are_told_to_come_back() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let mut stream = server.stream(&format!("/v1/runs/{run}/events"), None).await;
    assert_eq!(stream.take(1).await, ["1 run.created"]);
    let poll = server.request(
        reqwest::Method::GET,
        &format!("/v1/runs/{run}/events?after=1&wait=60s"),
    );
    let poll = tokio::spawn(poll.send());
    server.shutdown.cancel();
    let last = stream.any().await.unwrap();
    assert_eq!(
        (last.event.as_str(), last.id, last.last_id.as_str()),
        ("reconnect", None, "1")
    );
    assert_eq!(stream.any().await, None);
    let ended = tokio::time::timeout(PATIENCE, server.task).await.unwrap();
    ended.unwrap().unwrap();
    // A poll that was under way was answered, unless it came too late to be accepted.
    if let Ok(answer) = poll.await.unwrap() {
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut() {
    let settings = Settings {
        limits: http::Limits {
            drain: Duration::from_millis(50),
            ..http::Limits::default()
        },
        ..Settings::default()
    };
    let server = Server::with(settings, Options::default()).await;
    // A body that never comes keeps its request open.
    let (sender, body) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    sender.send(Ok(b"{".to_vec())).await.unwrap();
    let body = futures_util::stream::unfold(body, |mut body| async {
        body.recv().await.map(|chunk| (chunk, body))
    });
    let request = server
        .request(reqwest::Method::POST, "/v1/runs")
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(body));
    let request = tokio::spawn(request.send());
    // Its connection is there once another one behind it was served.
    assert_eq!(server.get("/healthz").await.status, 200);
    server.shutdown.cancel();
    let ended = tokio::time::timeout(PATIENCE, server.task).await.unwrap();
    ended.unwrap().unwrap();
    assert!(request.await.unwrap().is_err());
    drop(sender);
}

#[tokio::test]
async fn an_open_server_listens_to_this_machine_only() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(directory.path().join("outlive.db"));
    let store = Store::open(&location, Options::default()).await.unwrap();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let app = App::new(store, Catalogue::default(), Settings::default(), None);
    let refused = serve(listener, app, CancellationToken::new()).await;
    assert!(matches!(refused, Err(ServeError::OpenToOthers(_))));
}
