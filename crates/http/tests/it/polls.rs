//! Reading without streams.

use serde_json::{Value, json};

use crate::server::Server;
use crate::work::{Attempt, perform};

#[tokio::test]
async fn pages_go_on_where_they_ended_and_say_when_all_is_read() {
    let server = Server::open().await;
    let run = server.start("a").await;
    perform(&server.store).await;
    let mut after = 0;
    let mut numbers = Vec::new();
    loop {
        let page = server
            .get(&format!("/v1/runs/{run}/events?after={after}&limit=3"))
            .await;
        assert_eq!(page.header("content-type"), "application/json");
        let page: wire::EventsPage = serde_json::from_value(page.body).unwrap();
        numbers.extend(page.events.iter().map(|event| event.seq.0));
        after = page.next.0;
        if page.is_final {
            break;
        }
    }
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    let behind = server
        .get(&format!("/v1/runs/{run}/events?after=8&wait=20s"))
        .await;
    assert_eq!(behind.body, json!({"events": [], "next": 8, "final": true}));
}

#[tokio::test]
async fn a_poll_waits_for_something_new() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let path = format!("/v1/runs/{run}/events");
    let nothing = server.get(&format!("{path}?after=1&wait=30ms")).await;
    assert_eq!(
        nothing.body,
        json!({"events": [], "next": 1, "final": false})
    );

    let waiting = format!("{path}?after=1&wait=20s");
    let (page, mut attempt) = tokio::join!(server.get(&waiting), Attempt::claim(&server.store));
    assert_eq!(page.body["events"][0]["type"], "attempt.started");
    assert_eq!(page.body["next"], 2);

    let shown = format!("/v1/runs/{run}?wait=20s&after=2");
    let (shown, ()) = tokio::join!(server.get(&shown), attempt.begin());
    assert_eq!(shown.status, 200);
    assert!(
        shown.body["last_seq"].as_u64().unwrap() > 2,
        "{:?}",
        shown.body
    );
    // What is new already is not waited for, nor is anything after the end.
    let at_once = server
        .get(&format!("/v1/runs/{run}?wait=60s&after=2"))
        .await;
    assert_eq!(at_once.body["last_seq"], 4);
    attempt.complete("Hello").await;
    attempt.finish().await;
    let ended = server.get(&format!("/v1/runs/{run}?wait=60s")).await;
    assert_eq!(ended.body["status"], "succeeded");
    assert_eq!(
        ended.body["snapshot"]["messages"][0]["parts"][0]["text"],
        "Hello"
    );
}

#[tokio::test]
async fn a_snapshot_and_its_cursor_miss_nothing() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("Hel").await;
    let shown = server.get(&format!("/v1/runs/{run}")).await;
    let snapshot = &shown.body["snapshot"];
    assert_eq!(snapshot["messages"][0]["parts"][0]["text"], "Hel");
    let cursor = snapshot["last_seq"].to_string();
    attempt.say("lo").await;
    let mut stream = server
        .stream(&format!("/v1/runs/{run}/events"), Some(&cursor))
        .await;
    let next = stream.next().await.unwrap();
    let envelope: Value = serde_json::from_str(&next.data).unwrap();
    assert_eq!(envelope["data"]["text"], "lo");
}
