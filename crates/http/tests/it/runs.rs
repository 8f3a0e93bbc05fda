//! Starting, stopping, steering and ending runs.

use reqwest::Method;
use run::{RequestId, Timestamp};
use serde_json::{Value, json};
use store::Options;

use crate::server::{Answer, PATIENCE, Server, Stream};
use crate::work::{Attempt, perform};

async fn start_with_key(server: &Server, key: &str, body: &str) -> Answer {
    let request = server
        .request(Method::POST, "/v1/runs")
        .header("content-type", "application/json")
        .header("idempotency-key", key)
        .body(body.to_owned());
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_run_is_what_was_asked_for() {
    let server = Server::open().await;
    let body = json!({
        "agent": "writer", "thread_id": "chat/ä 1", "input": {"parts": "Hi", "variables": {"n": 1}}, "trigger": "user",
        "settings": {"model": "local/large"}, "metadata": {"card": 7}, "budget": {"tokens": 10},
    });
    let answer = server.post("/v1/runs", body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let id = answer.text("id").to_owned();
    assert_eq!(answer.header("location"), format!("/v1/runs/{id}"));
    assert_eq!(answer.header("x-run-id"), id);
    assert_eq!(answer.body["model"], "local/large");
    assert_eq!(answer.body["metadata"], json!({"card": 7}));
    assert_eq!(answer.body["trigger"], "user");
    assert_eq!(answer.body["status"], "queued");

    let shown = server.get(&format!("/v1/runs/{id}")).await;
    assert_eq!(shown.status, 200);
    assert_eq!(
        shown.body["snapshot"]["input"]["variables"],
        json!({"n": 1})
    );
    assert_eq!(shown.body["thread_id"], "chat/ä 1");

    let thread = server.get("/v1/threads/chat%2F%C3%A4%201").await;
    assert_eq!(
        (thread.status, thread.text("current_run_id")),
        (200, id.as_str())
    );
}

#[tokio::test]
async fn the_longest_and_deepest_input_reads_back() {
    let server = Server::open().await;
    let text = "x".repeat(1_000_000);
    let depth = run::MAX_VALUE_DEPTH - 3;
    let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    let input = json!({"parts": text, "variables": {"deep": deep}});
    let body = json!({"agent": "demo", "input": input});
    let answer = server.post("/v1/runs", body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let id = answer.text("id");
    let shown = server.get(&format!("/v1/runs/{id}")).await;
    let kept = &shown.body["snapshot"]["input"];
    assert_eq!(kept["parts"][0]["text"], text);
    assert_eq!(kept["variables"]["deep"], deep);
    let page = server.get(&format!("/v1/runs/{id}/events")).await;
    assert_eq!(&page.body["events"][0]["data"]["input"], kept);
    let mut stream = server.stream(&format!("/v1/runs/{id}/events"), None).await;
    let created = stream.next().await.unwrap();
    let envelope: run::Envelope = serde_json::from_str(&created.data).unwrap();
    assert!(matches!(envelope.event, run::Event::RunCreated(_)));
}

#[tokio::test]
async fn a_start_under_a_used_key_gives_the_same_run() {
    let server = Server::open().await;
    let body = r#"{"agent":"demo","thread_id":"a","input":"Hi"}"#;
    let first = start_with_key(&server, "k1", body).await;
    // The same request in other words, and while the run is still current: no conflict.
    let again = start_with_key(
        &server,
        "k1",
        r#"{ "input": {"parts": [{"type": "text", "text": "Hi"}]}, "thread_id": "a", "agent": "demo" }"#,
    )
    .await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.text("id"), again.text("id"));

    let other = start_with_key(
        &server,
        "k1",
        r#"{"agent":"demo","thread_id":"a","input":"Ho"}"#,
    )
    .await;
    assert_eq!(
        (other.status, other.text("code")),
        (409, "idempotency_key_reused")
    );
    assert_eq!(other.text("run_id"), first.text("id"));
}

#[tokio::test]
async fn a_start_streams_in_the_same_call() {
    let server = Server::open().await;
    let start = |body: Value| {
        server
            .request(Method::POST, "/v1/runs")
            .header("accept", "text/event-stream")
            .json(&body)
            .send()
    };
    let body = json!({"agent": "demo", "thread_id": "a", "input": "Hi"});
    let mut stream = Stream::of(start(body.clone()).await.unwrap());
    assert_eq!(stream.status(), 201);
    let id = stream.response.headers()["x-run-id"]
        .to_str()
        .unwrap()
        .to_owned();

    // A refused start answers its error all the same.
    let refused = Answer::of(start(body).await.unwrap()).await;
    assert_eq!(
        (refused.status, refused.text("code")),
        (409, "run_already_active")
    );
    assert_eq!(refused.header("content-type"), "application/problem+json");

    assert_eq!(perform(&server.store).await.to_string(), id);
    let lines = stream.rest().await;
    assert_eq!(lines.first().unwrap(), "1 run.created");
    assert_eq!(
        lines.last().unwrap().split(' ').nth(1),
        Some("run.finished")
    );
}

#[tokio::test]
async fn a_busy_thread_refuses_queues_supersedes_or_steers() {
    let server = Server::open().await;
    let first = server.start("a").await;
    let start = |extra: Value| {
        let mut body = json!({"agent": "demo", "thread_id": "a", "input": "Ho"});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        server.post("/v1/runs", body)
    };
    let refused = start(json!({})).await;
    assert_eq!(
        (refused.status, refused.text("run_id")),
        (409, first.as_str())
    );

    let enqueued = start(json!({"on_conflict": "enqueue"})).await;
    assert_eq!(
        (enqueued.status, &enqueued.body["is_current"]),
        (201, &json!(false))
    );

    let steered = start(json!({"on_conflict": "steer"})).await;
    assert_eq!((steered.status, steered.text("input")), (202, "i1"));
    assert_eq!(steered.body["run"]["id"], first);

    let mismatch = start(json!({"supersedes": enqueued.text("id")})).await;
    assert_eq!(
        (mismatch.status, mismatch.text("code")),
        (409, "supersede_mismatch")
    );
    assert_eq!(mismatch.text("run_id"), first);

    let superseding = start(json!({"supersedes": first})).await;
    assert_eq!(
        (superseding.status, &superseding.body["is_current"]),
        (201, &json!(true))
    );
    let old = server.get(&format!("/v1/runs/{first}")).await;
    assert_eq!(
        (old.text("status"), old.text("reason")),
        ("aborted", "superseded")
    );
}

#[tokio::test]
async fn a_stop_names_a_run_and_leaves_an_ended_one_alone() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    let path = format!("/v1/runs/{run}/stop");
    let stopped = server.post(&path, json!({"why": "enough"})).await;
    assert_eq!(
        (stopped.status, &stopped.body["stopped"]),
        (200, &json!(true))
    );
    assert_eq!(stopped.body["run"]["status"], "running");
    let again = server.post(&path, json!({})).await;
    assert_eq!(again.body["stopped"], json!(true));
    attempt.finish().await;

    // Without a body, too.
    let late = server.request(Method::POST, &path).send().await.unwrap();
    let late = Answer::of(late).await;
    assert_eq!((late.status, &late.body["stopped"]), (200, &json!(false)));
    assert_eq!(late.body["run"]["reason"], "completed");
}

#[tokio::test]
async fn an_approval_is_answered_once() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let request = RequestId::nth(1);
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.ask(&request, None).await;

    let path = format!("/v1/runs/{run}/requests/q1");
    let unfit = server.post(&path, json!({"decision": "cancel"})).await;
    assert_eq!((unfit.status, unfit.text("code")), (422, "answer_unfit"));
    let answered = server
        .post(&path, json!({"decision": "allow", "note": "go"}))
        .await;
    assert_eq!((answered.status, answered.text("status")), (200, "queued"));
    let late = server.post(&path, json!({"decision": "deny"})).await;
    assert_eq!((late.status, late.text("code")), (409, "request_answered"));
    let unknown = server
        .post(
            &format!("/v1/runs/{run}/requests/q9"),
            json!({"decision": "deny"}),
        )
        .await;
    assert_eq!(
        (unknown.status, unknown.text("code")),
        (404, "request_unknown")
    );
}

#[tokio::test]
async fn an_answer_that_comes_too_late_says_so() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt
        .ask(&RequestId::nth(1), Some(Timestamp::from_ms(1)))
        .await;
    server.store.sweep().await.unwrap();
    let path = format!("/v1/runs/{run}/requests/q1");
    let late = server.post(&path, json!({"decision": "allow"})).await;
    assert_eq!((late.status, late.text("code")), (410, "request_expired"));
}

#[tokio::test]
async fn events_that_were_deleted_by_age_are_gone_and_the_run_is_not() {
    let options = Options {
        retain_ms: Some(0),
        ..Options::default()
    };
    let server = Server::with(http::Settings::default(), options).await;
    let run = server.start("a").await;
    perform(&server.store).await;
    let path = format!("/v1/runs/{run}/events");
    let gone = tokio::time::timeout(PATIENCE, async {
        loop {
            let page = server.get(&path).await;
            if page.status != 200 {
                return page;
            }
            tokio::task::yield_now().await;
        }
    });
    let gone = gone.await.unwrap();
    assert_eq!((gone.status, gone.text("code")), (410, "log_expired"));
    assert_eq!(server.stream(&path, None).await.status(), 410);
    let shown = server.get(&format!("/v1/runs/{run}")).await;
    assert_eq!(
        (shown.status, &shown.body["log_expired"]),
        (200, &json!(true))
    );
}

#[tokio::test]
async fn inputs_are_accepted_listed_and_taken_back() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let path = format!("/v1/runs/{run}/inputs");
    let sent = server
        .post(&path, json!({"mode": "follow_up", "parts": "and then?"}))
        .await;
    assert_eq!((sent.status, sent.text("input")), (202, "i1"));
    let listed = server.get(&path).await;
    assert_eq!(listed.body["inputs"][0]["state"], json!({"is": "waiting"}));
    assert_eq!(listed.body["inputs"][0]["parts"][0]["text"], "and then?");

    let remove = || async {
        let request = server.request(Method::DELETE, &format!("{path}/i1"));
        Answer::of(request.send().await.unwrap()).await
    };
    assert_eq!(remove().await.status, 200);
    let twice = remove().await;
    assert_eq!(
        (twice.status, twice.text("code")),
        (409, "input_not_pending")
    );
}

#[tokio::test]
async fn a_run_has_room_for_so_many_inputs() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let path = format!("/v1/runs/{run}/inputs");
    let input = json!({"mode": "steer", "parts": "x"});
    for _ in 0..run::MAX_PENDING_INPUTS {
        assert_eq!(server.post(&path, input.clone()).await.status, 202);
    }
    let full = server.post(&path, input).await;
    assert_eq!((full.status, full.text("code")), (429, "too_many_inputs"));
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let options = Options {
        queued_runs: 2,
        ..Options::default()
    };
    let server = Server::with(http::Settings::default(), options).await;
    server.start("a").await;
    server.start("b").await;
    let body = json!({"agent": "demo", "input": "Hi"});
    let full = server.post("/v1/runs", body).await;
    assert_eq!((full.status, full.text("code")), (429, "queue_full"));
    assert_eq!(full.header("retry-after"), "2");
}

#[tokio::test]
async fn a_result_is_applied_once() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let path = format!("/v1/runs/{run}/apply");
    let early = server.post(&path, json!({})).await;
    assert_eq!((early.status, early.text("code")), (409, "not_succeeded"));
    perform(&server.store).await;
    let applied = server
        .post(&path, json!({"by": "ann", "ref": "card 7"}))
        .await;
    assert_eq!((applied.status, applied.text("applied_by")), (200, "ann"));
    let again = server.post(&path, json!({"by": "bob"})).await;
    assert_eq!(again.body["applied_by"], "ann");
    assert_eq!(again.body["applied_at"], applied.body["applied_at"]);
}

#[tokio::test]
async fn the_same_again_and_then_gone() {
    let server = Server::open().await;
    let run = server.start("a").await;
    let path = format!("/v1/runs/{run}");
    let remove = || async {
        let response = server.request(Method::DELETE, &path).send().await.unwrap();
        Answer::of(response).await
    };
    let early = server.post(&format!("{path}/retry"), json!({})).await;
    assert_eq!((early.status, early.text("code")), (409, "run_open"));
    let open = remove().await;
    assert_eq!((open.status, open.text("run_id")), (409, run.as_str()));

    perform(&server.store).await;
    let again = server.post(&format!("{path}/retry"), json!({})).await;
    assert_eq!((again.status, again.text("thread_id")), (201, "a"));
    assert_ne!(again.text("id"), run);
    let shown = server.get(&format!("/v1/runs/{}", again.text("id"))).await;
    assert_eq!(shown.body["snapshot"]["input"]["parts"][0]["text"], "Hi");

    assert_eq!(remove().await.status, 204);
    assert_eq!(remove().await.status, 404);
}

#[tokio::test]
async fn lists_go_on_where_they_ended() {
    let server = Server::open().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.insert(0, server.start(&format!("t{n}")).await);
    }
    let quiet = json!({"agent": "quiet", "input": "Hi"});
    assert_eq!(server.post("/v1/runs", quiet).await.status, 201);
    let mut found = Vec::new();
    let mut path = "/v1/runs?limit=2&status=open".to_owned();
    loop {
        let page = server.get(&path).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        let runs = page.body["runs"].as_array().unwrap();
        assert!(runs.len() <= 2);
        found.extend(
            runs.iter()
                .map(|run| run["id"].as_str().unwrap().to_owned()),
        );
        match page.body["next"].as_str() {
            Some(next) => path = format!("/v1/runs?limit=2&status=open&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, ids);
    let all = server.get("/v1/runs?ephemeral=true").await;
    assert_eq!(all.body["runs"].as_array().unwrap().len(), 6);
    let of_thread = server.get("/v1/runs?thread_id=t3&agent=demo").await;
    assert_eq!(of_thread.body["runs"][0]["id"], ids[1]);
    assert_eq!(of_thread.body["runs"].as_array().unwrap().len(), 1);
    let ended = server.get("/v1/runs?status=succeeded,failed").await;
    assert_eq!(ended.body, json!({"runs": [], "next": null}));
}
