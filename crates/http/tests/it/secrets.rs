//! Secrets of a tenant and credentials of runs: kept encrypted, never given back.

use std::io;
use std::sync::{Arc, Mutex};

use http::{Mode, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use store::{Options, Right};
use wire::{Belongs, SealKeys};

use crate::server::{Answer, Server};

const SEAL: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const VALUE: &str = "sk-very-secret-value";

fn settings(mode: Mode, seal: Option<&str>) -> Settings {
    Settings {
        mode,
        seal: seal.map(|key| SealKeys::parse(key).unwrap()),
        ..Settings::default()
    }
}

async fn server(seal: Option<&str>) -> Server {
    Server::with(settings(Mode::Open, seal), Options::default()).await
}

async fn put(server: &Server, name: &str, value: Value) -> Answer {
    let request = server.request(Method::PUT, &format!("/v1/secrets/{name}"));
    let request = request.json(&json!({ "value": value }));
    Answer::of(request.send().await.unwrap()).await
}

fn start() -> Value {
    json!({
        "agent": "demo", "thread_id": "t", "input": "Hi", "metadata": {"a": 1},
        "credentials": {"vendors": {"openai": VALUE}, "mcp": {"files": {"Authorization": VALUE}}},
    })
}

#[tokio::test]
async fn a_secret_is_kept_listed_without_its_value_and_deleted() {
    let server = server(Some(SEAL)).await;
    assert_eq!(put(&server, "openai", json!(VALUE)).await.status, 204);
    assert_eq!(put(&server, "a.b-c_1", json!("x")).await.status, 204);
    assert_eq!(put(&server, "openai", json!(VALUE)).await.status, 204);
    let listed = server.get("/v1/secrets").await;
    let secrets = listed.body["secrets"].as_array().unwrap();
    let names: Vec<&Value> = secrets.iter().map(|secret| &secret["name"]).collect();
    assert_eq!(names, ["a.b-c_1", "openai"]);
    assert!(secrets.iter().all(|secret| secret["readable"] == true));
    assert!(!listed.body.to_string().contains(VALUE));
    // It is there, and opens where it belongs.
    let tenant = store::Scope::local().tenant;
    let kept = server.store.secret(&tenant, "openai").await.unwrap();
    let kept = kept.unwrap();
    let keys = SealKeys::parse(SEAL).unwrap();
    let belongs = Belongs::Secret(&tenant, "openai");
    let opened = keys.open(belongs, &kept.key_id, &kept.bytes).unwrap();
    assert_eq!(&opened[..], VALUE.as_bytes());

    let delete = async || {
        let request = server.request(Method::DELETE, "/v1/secrets/openai");
        Answer::of(request.send().await.unwrap()).await.status
    };
    assert_eq!(delete().await, 204);
    assert_eq!(delete().await, 404);
}

#[tokio::test]
async fn what_is_no_secret_is_refused_without_repeating_it() {
    let server = server(Some(SEAL)).await;
    let long = "x".repeat(wire::SECRET_BYTES + 1);
    for (name, value, code, path) in [
        ("a%2Fb", json!(VALUE), "invalid_id", None),
        (&*"n".repeat(129), json!(VALUE), "invalid_id", None),
        ("n", json!({"key": VALUE}), "invalid_request", Some("value")),
        ("n", json!(""), "invalid_request", Some("value")),
        ("n", json!(" \n"), "invalid_request", Some("value")),
        ("n", json!(long), "invalid_request", Some("value")),
    ] {
        let answer = put(&server, name, value).await;
        assert_eq!((answer.status, answer.text("code")), (400, code), "{name}");
        assert_eq!(answer.body["path"].as_str(), path);
        assert!(!answer.body.to_string().contains(VALUE));
    }
    assert_eq!(server.get("/v1/secrets").await.body["secrets"], json!([]));
}

#[tokio::test]
async fn without_a_key_secrets_are_refused_and_all_else_works() {
    let server = server(None).await;
    let refused = put(&server, "openai", json!(VALUE)).await;
    assert_eq!(
        (refused.status, refused.text("code")),
        (422, "secrets_disabled")
    );
    assert!(refused.text("detail").contains("OUTLIVE_SECRET_KEY"));
    let refused = server.post("/v1/runs", start()).await;
    assert_eq!(
        (refused.status, refused.text("code")),
        (422, "secrets_disabled")
    );
    let mut plain = start();
    plain["credentials"] = json!({});
    assert_eq!(server.post("/v1/runs", plain).await.status, 201);
    assert_eq!(server.get("/v1/secrets").await.status, 200);
}

#[tokio::test]
async fn credentials_are_sealed_and_never_given_back() {
    let server = server(Some(SEAL)).await;
    let started = server.post("/v1/runs", start()).await;
    assert_eq!(started.status, 201, "{:?}", started.body);
    let id = started.text("id").to_owned();
    let shown = server.get(&format!("/v1/runs/{id}")).await;
    let events = server.get(&format!("/v1/runs/{id}/events")).await;
    let listed = server.get("/v1/runs").await;
    for answer in [&started, &shown, &events, &listed] {
        let text = answer.body.to_string();
        assert!(!text.contains(VALUE) && !text.contains("credentials"));
    }
    let run = run::RunId::parse(&id).unwrap();
    let tenant = store::Scope::local().tenant;
    let kept = server.store.run_credentials(run).await.unwrap().unwrap();
    let keys = SealKeys::parse(SEAL).unwrap();
    let opened = keys
        .open(Belongs::Run(&tenant, run), &kept.key_id, &kept.bytes)
        .unwrap();
    let opened: Value = serde_json::from_slice(&opened).unwrap();
    assert_eq!(opened, start()["credentials"]);

    // A stop ends it, and its credentials; a retry does not bring them back.
    let stopped = server.post(&format!("/v1/runs/{id}/stop"), json!({})).await;
    assert_eq!(stopped.body["stopped"], true);
    assert_eq!(server.store.run_credentials(run).await, Ok(None));
    let again = server
        .post(&format!("/v1/runs/{id}/retry"), json!({}))
        .await;
    assert_eq!(again.status, 201);
    let again = run::RunId::parse(again.text("id")).unwrap();
    assert_eq!(server.store.run_credentials(again).await, Ok(None));
}

#[tokio::test]
async fn unfit_credentials_are_refused_without_repeating_them() {
    let server = server(Some(SEAL)).await;
    for credentials in [
        json!(VALUE),
        json!({"vendors": VALUE}),
        json!({"vendors": {"openai": [VALUE]}}),
        json!({"openai": VALUE}),
        json!({"vendors": {"openai": VALUE.repeat(1000)}}),
    ] {
        let mut body = start();
        body["credentials"] = credentials;
        let refused = server.post("/v1/runs", body).await;
        assert_eq!(
            (refused.status, refused.text("code")),
            (400, "invalid_request")
        );
        assert!(!refused.body.to_string().contains(VALUE));
    }
}

#[tokio::test]
async fn a_repeated_start_with_other_credentials_is_another_request() {
    let server = server(Some(SEAL)).await;
    let send = async |body: &Value| {
        let request = server.request(Method::POST, "/v1/runs");
        let request = request.header("idempotency-key", "k").json(body);
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(send(&start()).await.status, 201);
    assert_eq!(send(&start()).await.status, 200);
    let mut other = start();
    other["credentials"]["vendors"]["openai"] = json!("another");
    let refused = send(&other).await;
    assert_eq!(refused.text("code"), "idempotency_key_reused");
}

#[tokio::test]
async fn secrets_are_the_tenants_and_need_the_right_to_manage() {
    let settings = settings(Mode::Keys, Some(SEAL));
    let server = Server::with(settings, Options::default()).await;
    let whole = server.key("t", None, &Right::ALL, None).await;
    let user = server.key("t", Some("ann"), &Right::ALL, None).await;
    let reader = server.key("t", None, &[Right::Read], None).await;
    let other = server.key("u", None, &Right::ALL, None).await;
    let calls = || {
        [
            (Method::PUT, "/v1/secrets/x", Some(json!({"value": VALUE}))),
            (Method::GET, "/v1/secrets", None),
            (Method::DELETE, "/v1/secrets/x", None),
        ]
    };
    for secret in [&user, &reader] {
        for (method, path, body) in calls() {
            let refused = server.call(secret, method, path, body).await;
            assert_eq!((refused.status, refused.text("code")), (403, "not_allowed"));
        }
    }
    let [put, list, delete] = calls();
    let made = server.call(&whole, put.0, put.1, put.2).await;
    assert_eq!(made.status, 204);
    let listed = server.call(&other, list.0, list.1, None).await;
    assert_eq!(listed.body["secrets"], json!([]));
    let gone = server.call(&other, delete.0, delete.1, None).await;
    assert_eq!(gone.status, 404);
}

/// What is traced, as bytes.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Vec<u8>>>);

impl io::Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_sent_is_in_no_trace_and_not_in_the_files() {
    let traced = Traced::default();
    let writer = traced.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Of all threads, those of the store too. Another test of this binary has one of its own thread, which comes first there.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = server(Some(SEAL)).await;
    let metadata = json!({"visible": "seen-in-the-file"});
    let mut body = start();
    body["metadata"] = metadata;
    assert_eq!(server.post("/v1/runs", body).await.status, 201);
    assert_eq!(put(&server, "openai", json!(VALUE)).await.status, 204);
    assert_eq!(put(&server, "openai", json!([VALUE])).await.status, 400);
    let mut unfit = start();
    unfit["credentials"]["vendors"] = json!(VALUE);
    assert_eq!(server.post("/v1/runs", unfit).await.status, 400);
    server.shutdown.cancel();
    server.store.close().await;
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(server.directory.path()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let has = |bytes: &[u8], text: &str| {
        let mut windows = bytes.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    };
    let traced = traced.0.lock().unwrap().clone();
    assert!(has(&bytes, "seen-in-the-file") && has(&traced, "/v1/secrets"));
    assert!(!has(&bytes, VALUE) && !has(&traced, VALUE));
}
