//! Threads.

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Answer, Server};
use crate::work::{Attempt, perform};

async fn send(server: &Server, method: Method, path: &str, body: Value) -> Answer {
    let request = server.request(method, path).json(&body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_thread_is_made_changed_listed_and_deleted() {
    let server = Server::open().await;
    let body = json!({"id": "card", "title": "Card", "labels": ["x"], "column": "todo", "position": 1.5, "metadata": {"a": 1}});
    let made = server.post("/v1/threads", body.clone()).await;
    assert_eq!((made.status, made.text("title")), (201, "Card"));
    let twice = server.post("/v1/threads", body).await;
    assert_eq!((twice.status, twice.text("code")), (409, "thread_exists"));
    let unnamed = server
        .post("/v1/threads", json!({"parent_id": "card"}))
        .await;
    assert_eq!((unnamed.status, unnamed.text("parent_id")), (201, "card"));

    let patch = json!({"title": null, "column": "done", "archived": true});
    let patched = send(&server, Method::PATCH, "/v1/threads/card", patch).await;
    assert_eq!(patched.status, 200, "{:?}", patched.body);
    assert_eq!(patched.body["title"], Value::Null);
    assert_eq!(patched.body["column"], "done");
    assert_eq!(patched.body["labels"], json!(["x"]));
    assert!(patched.body["archived_at"].is_string());

    // What is below a thread is listed there, unless it is a card.
    for (query, n) in [("", 0), ("?parent_id=card", 1)] {
        let listed = server.get(&format!("/v1/threads{query}")).await;
        assert_eq!(listed.body["threads"].as_array().unwrap().len(), n);
    }
    let card = json!({"id": "try", "parent_id": "card", "column": "doing"});
    server.post("/v1/threads", card).await;
    let listed = server.get("/v1/threads").await;
    assert_eq!(listed.body["threads"][0]["id"], "try");
    let all = server.get("/v1/threads?archived=true&label=x").await;
    assert_eq!(all.body["threads"][0]["id"], "card");

    let run = server.start("busy").await;
    let open = server
        .request(Method::DELETE, "/v1/threads/busy")
        .send()
        .await
        .unwrap();
    let open = Answer::of(open).await;
    assert_eq!(
        (open.status, open.text("code"), open.text("run_id")),
        (409, "run_open", run.as_str())
    );
    perform(&server.store).await;
    let gone = server
        .request(Method::DELETE, "/v1/threads/busy")
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(server.get("/v1/threads/busy").await.status, 404);
    assert_eq!(server.get(&format!("/v1/runs/{run}")).await.status, 404);
}

#[tokio::test]
async fn a_thread_shows_its_latest_run_and_message() {
    let server = Server::open().await;
    assert_eq!(
        server.post("/v1/threads", json!({"id": "a"})).await.status,
        201
    );
    let empty = server.get("/v1/threads/a/run").await;
    assert_eq!(
        (empty.status, &empty.body),
        (200, &json!({"run": null, "message": null}))
    );
    let run = server.start("a").await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("Hel").await;
    let live = server.get("/v1/threads/a/run").await;
    assert_eq!(live.body["run"]["id"], run);
    assert_eq!(live.body["message"]["parts"][0]["text"], "Hel");
    assert_eq!(server.get("/v1/threads/nobody/run").await.status, 404);
}

#[tokio::test]
async fn a_stop_of_a_thread_stops_what_is_current() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let stopped = server.post("/v1/threads/a/stop", json!({})).await;
    assert_eq!(
        (stopped.status, &stopped.body["stopped"]),
        (200, &json!(true))
    );
    assert_eq!(stopped.body["run"]["id"], run);
    assert_eq!(stopped.body["run"]["reason"], "stopped");
    let idle = server.post("/v1/threads/a/stop", json!({})).await;
    assert_eq!(
        (idle.status, &idle.body),
        (200, &json!({"stopped": false, "run": null}))
    );
}

#[tokio::test]
async fn a_start_that_names_no_agent_has_that_of_its_thread() {
    let server = Server::open().await;
    let missing = server
        .post("/v1/runs", json!({"thread_id": "card", "input": "go"}))
        .await;
    assert_eq!(
        (missing.status, missing.text("path")),
        (400, "agent"),
        "{:?}",
        missing.body
    );
    let card = json!({"id": "card", "column": "todo", "agent": "nobody"});
    assert_eq!(
        server.post("/v1/threads", card).await.text("agent"),
        "nobody"
    );
    let start = json!({"thread_id": "card", "input": "go"});
    let unknown = server.post("/v1/runs", start.clone()).await;
    assert_eq!(
        (unknown.status, unknown.text("code")),
        (422, "agent_unknown")
    );
    let patch = json!({"agent": "demo"});
    let patched = send(&server, Method::PATCH, "/v1/threads/card", patch).await;
    assert_eq!(patched.text("agent"), "demo");
    let started = server.post("/v1/runs", start).await;
    assert_eq!((started.status, started.text("agent")), (201, "demo"));
}
