//! What the server writes about requests.

use std::io;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::json;
use store::Right;

use crate::server::Server;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_request_is_one_line_without_its_secrets() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // The server's tasks run on this thread.
    let _guard = tracing::subscriber::set_default(subscriber);
    let server = Server::keyed().await;
    let key = server.key("t", None, &Right::ALL, None).await;
    let body = json!({"agent": "demo", "thread_id": "a", "input": "Hi"});
    let run = server
        .call(&key, Method::POST, "/v1/runs", Some(body))
        .await;
    let run = run.text("id").to_owned();
    let body = json!({"run_id": run, "rights": ["read"]});
    let token = server
        .call(&key, Method::POST, "/v1/tokens", Some(body))
        .await;
    let token = token.text("token").to_owned();
    let page = server
        .get(&format!("/v1/runs/{run}/events?token={token}"))
        .await;
    assert_eq!(page.status, 200);

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("outlive") || line.contains("http::"))
        .collect();
    let line = ours
        .iter()
        .find(|line| line.contains("GET /v1/runs/{run}/events 200"))
        .unwrap_or_else(|| panic!("no line of the request in {log}"));
    for part in [
        &format!("run.id={run}"),
        "http.status=200",
        "duration_ms=",
        "request.id=",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(line.contains(&format!("request.id={}", page.header("x-request-id"))));
    for secret in [&key, &token] {
        let told: Vec<&&str> = ours
            .iter()
            .filter(|line| line.contains(secret.as_str()))
            .collect();
        assert!(told.is_empty(), "{told:?}");
    }
}
