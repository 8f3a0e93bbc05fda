//! AG-UI over HTTP: starting, attaching, resuming, following, and what is refused.

use reqwest::Method;
use run::RequestId;
use serde_json::{Value, json};
use store::Right;
use wire::sse::Event;

use crate::server::{Answer, Server, Stream};
use crate::work::Attempt;

fn input(thread: &str, run: &str, messages: &Value) -> Value {
    json!({
        "threadId": thread, "runId": run, "messages": messages, "tools": [], "context": [], "state": {},
        "forwardedProps": {},
    })
}

fn user(id: &str, text: &str) -> Value {
    json!({ "id": id, "role": "user", "content": text })
}

fn data(event: &Event) -> Value {
    serde_json::from_str(&event.data).unwrap()
}

impl Server {
    async fn agui(&self, body: &Value, last_event_id: Option<&str>) -> Stream {
        let mut request = self.request(Method::POST, "/agui/demo").json(body);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        Stream::of(request.send().await.unwrap())
    }
}

impl Stream {
    /// The next events as their types, to one of this type.
    async fn until(&mut self, kind: &str) -> Vec<(Option<String>, Value)> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.expect("the stream has ended");
            let data = data(&event);
            let is_last = data["type"] == kind;
            events.push((event.id, data));
            if is_last {
                return events;
            }
        }
    }
}

fn kinds(events: &[(Option<String>, Value)]) -> Vec<&str> {
    let kinds = events
        .iter()
        .map(|(_, data)| data["type"].as_str().unwrap());
    kinds.filter(|kind| *kind != "CUSTOM").collect()
}

#[tokio::test]
async fn a_run_is_told_in_the_protocols_events_with_our_cursor() {
    let server = Server::open().await;
    let body = input("t", "r1", &json!([user("u1", "Hi")]));
    let mut stream = server.agui(&body, None).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(
        stream.response.headers()["content-type"],
        "text/event-stream"
    );
    let run = stream.response.headers()["x-run-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut attempt = Attempt::claim(&server.store).await;
    assert_eq!(attempt.run.to_string(), run);
    attempt.begin().await;
    attempt.say("Hel").await;
    attempt.say("lo").await;
    attempt.complete("Hello").await;
    attempt.finish().await;
    let events = stream.until("RUN_FINISHED").await;
    assert_eq!(
        kinds(&events),
        [
            "RUN_STARTED",
            "TEXT_MESSAGE_START",
            "TEXT_MESSAGE_CONTENT",
            "TEXT_MESSAGE_CONTENT",
            "TEXT_MESSAGE_END",
            "RUN_FINISHED"
        ]
    );
    let started = &events[0].1;
    assert_eq!(
        (
            &started["threadId"],
            &started["runId"],
            &started["protocolVersion"]
        ),
        (&json!("t"), &json!("r1"), &json!("1.0"))
    );
    let (last_id, finished) = events.last().unwrap();
    assert_eq!(finished["outcome"], json!({"type": "success"}));
    assert_eq!(stream.next().await, None);

    // The number is the log's own.
    let native = server.get(&format!("/v1/runs/{run}")).await;
    assert_eq!(
        last_id.as_deref(),
        Some(&*native.body["last_seq"].to_string())
    );
    // Both names are kept with the run.
    let log = server.get(&format!("/v1/runs/{run}/events?limit=1")).await;
    assert_eq!(
        log.body["events"][0]["data"]["client"],
        json!({"agui": "r1", "agui_messages": ["u1"]})
    );

    // A repeat attaches and replays; a cursor goes on; behind the end there is nothing.
    let mut again = server.agui(&body, None).await;
    assert_eq!(kinds(&again.until("RUN_FINISHED").await), kinds(&events));
    let first_piece = events.iter().find(|(_, data)| data["delta"] == "Hel");
    let middle = first_piece.unwrap().0.as_deref();
    let mut rest = server.agui(&body, middle).await;
    assert_eq!(
        kinds(&rest.until("RUN_FINISHED").await),
        [
            "RUN_STARTED",
            "TEXT_MESSAGE_START",
            "TEXT_MESSAGE_CONTENT",
            "TEXT_MESSAGE_END",
            "RUN_FINISHED"
        ]
    );
    assert_eq!(server.agui(&body, last_id.as_deref()).await.status(), 204);
    let unknown = Answer::of(server.agui(&body, Some("900")).await.response).await;
    assert_eq!(
        (unknown.status, unknown.text("code")),
        (400, "cursor_unknown")
    );
    assert_eq!(unknown.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_run_is_followed_by_its_name_or_by_its_own_id() {
    let server = Server::open().await;
    let run = server.start("t").await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("Hello").await;
    let mut stream = server.stream(&format!("/agui/runs/{run}"), None).await;
    attempt.complete("Hello").await;
    attempt.finish().await;
    let events = stream.until("RUN_FINISHED").await;
    assert_eq!(events[0].1["runId"], run);
    assert_eq!(kinds(&events).len(), 5);
    let unknown = server.get("/agui/runs/r1").await;
    assert_eq!((unknown.status, unknown.text("code")), (404, "not_found"));
    server
        .agui(&input("u", "r1", &json!([user("u1", "Hi")])), None)
        .await;
    let mut named = server.stream("/agui/runs/r1", None).await;
    assert_eq!(data(&named.next().await.unwrap())["runId"], "r1");
    let stopped = server
        .post("/agui/runs/r1/stop", json!({"why": "enough"}))
        .await;
    assert_eq!(stopped.body["stopped"], true);
    let events = named.until("RUN_FINISHED").await;
    assert_eq!(
        events.last().unwrap().1["outcome"],
        json!({"type": "cancelled"})
    );
}

#[tokio::test]
async fn an_interrupt_is_answered_by_the_next_request() {
    let server = Server::open().await;
    let hi = json!([user("u1", "Hi")]);
    let mut stream = server.agui(&input("t", "r1", &hi), None).await;
    let mut attempt = Attempt::claim(&server.store).await;
    let run = attempt.run;
    attempt.begin().await;
    attempt.ask(&RequestId::nth(1), None).await;
    let events = stream.until("RUN_FINISHED").await;
    let outcome = &events.last().unwrap().1["outcome"];
    assert_eq!(outcome["type"], "interrupt");
    let interrupt = outcome["interrupts"][0]["id"].as_str().unwrap();
    assert_eq!(interrupt, format!("{run}:q1"));

    let answer = |payload: Value| {
        let mut body = input("t", "r2", &hi);
        body["resume"] =
            json!([{"interruptId": interrupt, "status": "resolved", "payload": payload}]);
        body
    };
    let refused = Answer::of(server.agui(&answer(json!({"ok": 1})), None).await.response).await;
    assert_eq!(
        (refused.status, refused.text("code")),
        (422, "answer_unfit")
    );
    assert_eq!(refused.text("path"), "resume[0].payload");
    let mut body = answer(json!({"approved": true}));
    body["resume"][0]["interruptId"] = json!(format!("{run}:q9"));
    let unknown = Answer::of(server.agui(&body, None).await.response).await;
    assert_eq!(
        (unknown.status, unknown.text("code")),
        (404, "request_unknown")
    );

    let mut resumed = server.agui(&answer(json!({"approved": true})), None).await;
    assert_eq!(resumed.response.headers()["x-run-id"], run.to_string());
    let mut attempt = Attempt::claim(&server.store).await;
    assert_eq!(attempt.run, run);
    attempt.finish().await;
    let events = resumed.until("RUN_FINISHED").await;
    assert_eq!(events[0].1["runId"], "r2");
    let custom: Vec<&Value> = events.iter().map(|(_, data)| &data["name"]).collect();
    assert!(
        custom.contains(&&json!("outlive.approval.resolved")),
        "{custom:?}"
    );
    // The first name still means the first stretch, and a repeat of the second one answers nothing again.
    let mut first = server.stream("/agui/runs/r1", None).await;
    let events = first.until("RUN_FINISHED").await;
    assert_eq!(events.last().unwrap().1["outcome"]["type"], "interrupt");
    let mut again = server.agui(&answer(json!({"approved": false})), None).await;
    let events = again.until("RUN_FINISHED").await;
    assert_eq!(events.last().unwrap().1["outcome"]["type"], "success");
    // Somebody else may have been first: who comes later reads what followed.
    let mut late = answer(json!({"approved": false}));
    late["runId"] = json!("r3");
    let mut stream = server.agui(&late, None).await;
    let events = stream.until("RUN_FINISHED").await;
    assert_eq!(events[0].1["runId"], "r3");
    assert_eq!(events.last().unwrap().1["outcome"]["type"], "success");
}

#[tokio::test]
async fn a_thread_that_is_busy_refuses_unless_it_is_told_what_to_do() {
    let server = Server::open().await;
    let body = |run: &str, options: Value| {
        let mut body = input("t", run, &json!([user(run, "Hi")]));
        body["forwardedProps"] = json!({"outlive": options});
        body
    };
    let first = server.agui(&body("r1", json!({})), None).await;
    let run = first.response.headers()["x-run-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let busy = Answer::of(server.agui(&body("r2", json!({})), None).await.response).await;
    assert_eq!(
        (busy.status, busy.text("code")),
        (409, "run_already_active")
    );
    assert_eq!(busy.text("run_id"), run);
    let mut queued = server
        .agui(
            &body(
                "r3",
                json!({"on_conflict": "enqueue", "metadata": {"a": 1}}),
            ),
            None,
        )
        .await;
    assert_eq!(queued.status(), 200);
    assert_eq!(data(&queued.next().await.unwrap())["type"], "RUN_STARTED");
    let odd = Answer::of(
        server
            .agui(&body("r4", json!({"on": 1})), None)
            .await
            .response,
    )
    .await;
    assert_eq!(
        (odd.status, odd.text("path")),
        (400, "forwardedProps.outlive")
    );

    let mut steering = server
        .agui(&body("r5", json!({"on_conflict": "steer"})), None)
        .await;
    let events = steering.until("TEXT_MESSAGE_END").await;
    assert_eq!(events[1].1["role"], "user");
    assert_eq!(events[2].1["delta"], "Hi");
}

#[tokio::test]
async fn what_a_client_changes_takes_the_threads_place() {
    let server = Server::open().await;
    let stream = server
        .agui(&input("t", "r1", &json!([user("u1", "Hi")])), None)
        .await;
    let run = stream.response.headers()["x-run-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.complete("Hello").await;
    attempt.finish().await;
    let ours = json!({"id": format!("{run}:m1"), "role": "assistant", "content": "Hello"});
    let told = async |run: &str, messages: Value| {
        let stream = server.agui(&input("t", run, &messages), None).await;
        let run = stream.response.headers()["x-run-id"]
            .to_str()
            .unwrap()
            .to_owned();
        server
            .post(&format!("/v1/runs/{run}/stop"), json!({}))
            .await;
        let log = server.get(&format!("/v1/runs/{run}/events?limit=1")).await;
        log.body["events"][0]["data"]["input"].clone()
    };
    assert_eq!(
        told("r2", json!([user("u1", "Hi"), ours, user("u2", "And?")])).await,
        json!({"parts": [{"type": "text", "text": "And?"}]})
    );
    assert_eq!(
        told("r3", json!([user("u1", "Hi")])).await,
        json!({"messages": [{"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Hi"}]}]})
    );
}

#[tokio::test]
async fn rights_are_those_of_the_native_calls() {
    let server = Server::keyed().await;
    let body = input("t", "r1", &json!([user("u1", "Hi")]));
    let all = server.key("a", Some("ann"), &Right::ALL, None).await;
    let reader = server.key("a", Some("ann"), &[Right::Read], None).await;
    let other = server.key("a", Some("bob"), &Right::ALL, None).await;
    let limited = server
        .key("a", Some("ann"), &Right::ALL, Some(&["writer"]))
        .await;
    let post = |key: String| {
        let (server, body) = (&server, body.clone());
        async move {
            server
                .call(&key, Method::POST, "/agui/demo", Some(body))
                .await
        }
    };
    let refused = post(reader.clone()).await;
    assert_eq!((refused.status, refused.text("code")), (403, "not_allowed"));
    assert_eq!(post(limited).await.text("code"), "agent_not_allowed");
    let none = Answer::of(server.agui(&body, None).await.response).await;
    assert_eq!(
        (none.status, none.text("code")),
        (401, "credential_missing")
    );
    assert_eq!(none.header("content-type"), "application/json");

    let request = server.request(Method::POST, "/agui/demo").json(&body);
    let stream = Stream::of(request.bearer_auth(&all).send().await.unwrap());
    let run = stream.response.headers()["x-run-id"]
        .to_str()
        .unwrap()
        .to_owned();
    // Another user's name is another name, and their interrupts are nobody's.
    let theirs = server
        .call(&other, Method::GET, "/agui/runs/r1", None)
        .await;
    assert_eq!(theirs.status, 404);
    let theirs = server
        .call(&other, Method::GET, &format!("/agui/runs/{run}"), None)
        .await;
    assert_eq!(theirs.status, 404);
    let mut resume = body.clone();
    resume["resume"] = json!([{"interruptId": format!("{run}:q1"), "status": "cancelled"}]);
    let theirs = server
        .call(&other, Method::POST, "/agui/demo", Some(resume))
        .await;
    assert_eq!((theirs.status, theirs.text("code")), (404, "not_found"));
    let stop = server
        .call(&reader, Method::POST, "/agui/runs/r1/stop", None)
        .await;
    assert_eq!(stop.text("code"), "not_allowed");
}

#[tokio::test]
async fn a_body_that_does_not_fit_says_where() {
    let server = Server::open().await;
    for (body, code, path) in [
        (json!({"threadId": "t"}), "invalid_request", None),
        (input("", "r", &json!([])), "invalid_id", None),
        (input("t", "", &json!([])), "invalid_request", Some("runId")),
        (
            input("t", &"r".repeat(201), &json!([])),
            "invalid_request",
            Some("runId"),
        ),
        (
            input("t", "r", &json!([{"id": "u"}])),
            "invalid_request",
            Some("messages[0].role"),
        ),
    ] {
        let answer = Answer::of(server.agui(&body, None).await.response).await;
        assert_eq!(answer.text("code"), code, "{body}");
        assert_eq!(answer.body["path"].as_str(), path, "{body}");
    }
    let answer = server.post("/agui/dem", input("t", "r", &json!([]))).await;
    assert_eq!((answer.status, answer.text("suggestion")), (422, "demo"));
}
