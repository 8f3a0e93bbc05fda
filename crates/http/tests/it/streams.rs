//! The contract of the streams.

use std::time::Duration;

use http::{Limits, Settings};
use serde_json::{Value, json};
use store::Options;

use crate::server::{Server, Stream};
use crate::work::{Attempt, perform};

async fn restless() -> Server {
    let settings = Settings {
        limits: Limits {
            heartbeat: Duration::from_millis(20),
            ..Limits::default()
        },
        ..Settings::default()
    };
    Server::with(settings, Options::default()).await
}

#[tokio::test]
async fn a_stream_replays_follows_and_ends_with_the_run() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let path = format!("/v1/runs/{run}/events");
    let mut stream = server.stream(&path, None).await;
    let header = |name: &str| stream.response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-cache");
    assert_eq!(header("x-accel-buffering"), "no");
    assert_eq!(stream.take(1).await, ["1 run.created"]);

    let mut attempt = Attempt::claim(&server.store).await;
    assert_eq!(stream.take(1).await, ["2 attempt.started"]);
    attempt.begin().await;
    assert_eq!(
        stream.take(2).await,
        ["3 turn.started", "4 message.started"]
    );
    attempt.say("Hel").await;
    let delta = stream.next().await.unwrap();
    let envelope: Value = serde_json::from_str(&delta.data).unwrap();
    assert_eq!(envelope["seq"], 5);
    assert_eq!(envelope["type"], "text.delta");
    assert_eq!(
        envelope["data"],
        json!({"message": "m1", "part": 0, "text": "Hel"})
    );

    // A client that comes late gets the same events under the same numbers.
    let mut late = server.stream(&format!("{path}?after=2"), Some("4")).await;
    assert_eq!(late.take(1).await, ["5 text.delta"]);
    attempt.complete("Hello").await;
    attempt.finish().await;
    let end = ["6 message.completed", "7 turn.completed", "8 run.finished"];
    assert_eq!(stream.rest().await, end);
    assert_eq!(late.rest().await, end);
    assert_eq!(stream.retry_ms(), Some(1_000));

    // Behind the end: nothing, and the one answer that stops a browser.
    let seen = server.stream(&path, Some("8")).await;
    assert_eq!(seen.status(), 204);
    let whole = server.stream(&path, Some("-1")).await.rest().await;
    assert_eq!(whole.len(), 8);
    assert_eq!(server.stream(&path, Some("0")).await.rest().await, whole);
    assert_eq!(server.stream(&path, Some("9")).await.status(), 400);
}

#[tokio::test]
async fn a_silent_stream_gives_signs_of_life_without_an_id() {
    let server = restless().await;
    let run = server.start("a").await;
    let mut stream = server.stream(&format!("/v1/runs/{run}/events"), None).await;
    assert_eq!(stream.any().await.unwrap().event, "run.created");
    for _ in 0..3 {
        let beat = stream.any().await.unwrap();
        assert_eq!((beat.event.as_str(), beat.id), ("heartbeat", None));
        // The cursor of the client has not moved.
        assert_eq!(beat.last_id, "1");
    }
}

#[tokio::test]
async fn a_client_that_leaves_changes_nothing() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let path = format!("/v1/runs/{run}/events");
    let mut attempt = Attempt::claim(&server.store).await;
    let mut stream = server.stream(&path, None).await;
    assert_eq!(stream.take(2).await.len(), 2);
    drop(stream);
    attempt.begin().await;
    attempt.say("Hello").await;
    attempt.complete("Hello").await;
    attempt.finish().await;
    let shown = server.get(&format!("/v1/runs/{run}")).await;
    assert_eq!(
        (shown.text("status"), shown.text("reason")),
        ("succeeded", "completed")
    );
    assert_eq!(server.stream(&path, Some("2")).await.rest().await.len(), 6);
}

#[tokio::test]
async fn one_stream_carries_several_runs() {
    let server = Server::open().await;
    let first = server.start("a").await;
    let second = server.start("b").await;
    let path = format!("/v1/events?runs={first},{second}");
    let mut stream = server.stream(&path, None).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let event = stream.next().await.unwrap();
        assert_eq!(event.event, "run.created");
        let envelope: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(envelope["seq"], 1);
        ids.push(envelope["run_id"].as_str().unwrap().to_owned());
    }
    ids.sort_unstable();
    let mut both = [first.clone(), second.clone()];
    both.sort_unstable();
    assert_eq!(ids, both);
    drop(stream);

    perform(&server.store).await;
    perform(&server.store).await;
    let mut stream = server.stream(&path, Some("1,1")).await;
    let mut seen = [1, 1];
    while let Some(event) = stream.next().await {
        let envelope: Value = serde_json::from_str(&event.data).unwrap();
        let n = usize::from(envelope["run_id"] == second.as_str());
        seen[n] += 1;
        assert_eq!(envelope["seq"], seen[n]);
        assert_eq!(event.id.unwrap(), format!("{},{}", seen[0], seen[1]));
    }
    assert_eq!(seen, [8, 8]);
    // A part of the way: only what is missing.
    let rest = server.stream(&path, Some("8,6")).await.rest().await;
    assert_eq!(rest, ["8,7 turn.completed", "8,8 run.finished"]);
    assert_eq!(server.stream(&path, Some("8,8")).await.status(), 204);
    assert_eq!(
        server
            .stream(&format!("{path}&after=8,8"), None)
            .await
            .status(),
        204
    );
    assert_eq!(server.stream(&path, Some("8")).await.status(), 400);
    assert_eq!(server.stream(&path, Some("8,9")).await.status(), 400);
}

#[tokio::test]
async fn the_feed_says_that_something_changed() {
    let server = Server::open().await;
    let mut feed = server.stream("/v1/feed", None).await;
    assert_eq!(feed.status(), 200);
    let run = server.start("a").await;
    loop {
        let event = feed.next().await.unwrap();
        assert_eq!(event.id, None);
        let change: Value = serde_json::from_str(&event.data).unwrap();
        assert_eq!(change["thread_id"], "a");
        if event.event == "run" {
            assert_eq!(
                (&change["run_id"], &change["status"]),
                (&json!(run), &json!("queued"))
            );
            break;
        }
    }
}

#[tokio::test]
async fn the_feed_tells_of_ephemeral_runs_only_if_asked() {
    let server = Server::open().await;
    let mut asked = server.stream("/v1/feed?ephemeral=true", None).await;
    let mut plain = server.stream("/v1/feed", None).await;
    let quiet = json!({"agent": "quiet", "thread_id": "q", "input": "Hi"});
    let quiet = server.post("/v1/runs", quiet).await.text("id").to_owned();
    let loud = server.start("a").await;
    let first_run = async |feed: &mut Stream| loop {
        let event = feed.next().await.unwrap();
        if event.event == "run" {
            let change: Value = serde_json::from_str(&event.data).unwrap();
            return change["run_id"].as_str().unwrap().to_owned();
        }
    };
    assert_eq!(first_run(&mut asked).await, quiet);
    assert_eq!(first_run(&mut plain).await, loud);
}

#[tokio::test]
async fn a_large_log_comes_whole_and_in_order() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    let path = format!("/v1/runs/{run}/events");
    // Nobody reads this one until everything is written.
    let mut slow = server.stream(&path, None).await;
    let text = "x".repeat(1_000);
    for _ in 0..1_500 {
        attempt.say(&text).await;
    }
    attempt.complete("done").await;
    attempt.finish().await;
    let expected: Vec<u64> = (1..=1_507).collect();
    for stream in [&mut slow, &mut server.stream(&path, None).await] {
        let mut numbers = Vec::new();
        while let Some(event) = stream.next().await {
            numbers.push(event.id.unwrap().parse::<u64>().unwrap());
        }
        assert_eq!(numbers, expected);
    }
}
