//! Structured output: schemas of runs, previews, refining.

use reqwest::Method;
use run::event::{MessageDiscarded, MessageStarted};
use run::{MessageId, Outcome, Role, Work};
use serde_json::{Value, json};

use crate::server::{Answer, Server, Stream};
use crate::work::{Attempt, perform};

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "sets": {"type": "integer"}},
    })
}

/// Starts a run of the model agent with a schema.
async fn start(server: &Server, thread: &str) -> String {
    let body = json!({
        "agent": "writer", "thread_id": thread, "input": {"parts": "Legs", "variables": {"n": 1}},
        "output_schema": schema(), "metadata": {"card": 7}, "settings": {"model": "local/large"},
    });
    let answer = server.post("/v1/runs", body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.text("id").to_owned()
}

/// Performs it, to this answer and output.
async fn succeed(server: &Server, text: &str) {
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say(text).await;
    attempt.complete(text).await;
    let outcome = Outcome::completed().with_output(serde_json::from_str(text).unwrap());
    attempt.work(Work::Finish(outcome)).await;
}

/// The next preview of a stream: the number it reflects and the value.
async fn preview(stream: &mut Stream) -> (u64, Value) {
    loop {
        let event = stream.next().await.expect("the stream has ended");
        if event.event == "preview" {
            assert_eq!(event.id, None);
            let data: Value = serde_json::from_str(&event.data).unwrap();
            return (
                data["seq"].as_u64().unwrap(),
                data["output_preview"].clone(),
            );
        }
    }
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_refuses_the_start() {
    let server = Server::open().await;
    for (schema, path) in [
        (
            json!({"properties": {"a": {"type": "text"}}}),
            "output_schema/properties/a/type",
        ),
        (
            json!({"$ref": "http://127.0.0.1:9/x.json"}),
            "output_schema/$ref",
        ),
        (json!(7), "output_schema"),
        (json!({"title": "x".repeat(70_000)}), "output_schema"),
    ] {
        let body = json!({"agent": "writer", "input": "Hi", "output_schema": schema});
        let answer = server.post("/v1/runs", body).await;
        let found = (answer.status, answer.text("code"), answer.text("path"));
        assert_eq!(found, (422, "schema_invalid", path));
    }
    let body = json!({"agent": "demo", "input": "Hi", "output_schema": {}});
    let answer = server.post("/v1/runs", body).await;
    assert_eq!((answer.status, answer.text("path")), (400, "output_schema"));
    let listed = server.get("/v1/runs").await;
    assert_eq!(listed.body["runs"], json!([]));
}

#[tokio::test]
async fn a_snapshot_has_the_valid_part_of_the_output_so_far() {
    let server = Server::open().await;
    let id = start(&server, "a").await;
    let path = format!("/v1/runs/{id}");
    let shown = async || server.get(&path).await.body["snapshot"].clone();
    let snapshot = shown().await;
    assert_eq!(snapshot.get("output_preview"), Some(&Value::Null));
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("Sure: {\"name\": \"Le").await;
    assert_eq!(shown().await["output_preview"], json!({"name": "Le"}));
    attempt.say("gs\", \"sets\": 3,}").await;
    assert_eq!(
        shown().await["output_preview"],
        json!({"name": "Legs", "sets": 3})
    );
    let output = json!({"name": "Legs", "sets": 3});
    let outcome = Outcome::completed().with_output(output.clone());
    attempt.work(Work::Finish(outcome)).await;
    let body = server.get(&path).await.body;
    assert_eq!(body["output"], output);
    assert_eq!(body["snapshot"]["output_preview"], output);
    assert_eq!(body["can_refine"], true);
    // A run without a schema has none.
    server.start("b").await;
    let run = perform(&server.store).await;
    let body = server.get(&format!("/v1/runs/{run}")).await.body;
    assert_eq!(body["snapshot"].get("output_preview"), None);
}

#[tokio::test]
async fn a_stream_with_previews_shows_the_output_grow() {
    let server = Server::open().await;
    let id = start(&server, "a").await;
    let path = format!("/v1/runs/{id}/events?preview=true");
    let mut stream = server.stream(&path, None).await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    let long = "x".repeat(40);
    attempt.say(&format!("{{\"name\": \"{long}")).await;
    assert_eq!(preview(&mut stream).await, (5, json!({"name": long})));
    // A discarded message takes its preview along, before there is new text.
    let discarded = MessageDiscarded {
        message: MessageId::nth(1),
        why: "invalid output".into(),
    };
    attempt.append(vec![discarded.into()]).await;
    assert_eq!(preview(&mut stream).await, (6, json!(null)));
    let again = MessageStarted {
        message: MessageId::nth(2),
        role: Role::Assistant,
    };
    attempt.append(vec![again.into()]).await;
    let output = json!({"name": "Legs"});
    let outcome = Outcome::completed().with_output(output.clone());
    attempt.work(Work::Finish(outcome)).await;
    let mut last = Vec::new();
    while let Some(event) = stream.next().await {
        last.push((event.id.is_some(), event.event, event.data));
    }
    let [.., (false, before, data), (true, end, _)] = &last[..] else {
        panic!("{last:?}")
    };
    assert_eq!((&**before, &**end), ("preview", "run.finished"));
    assert!(
        data.ends_with("\"output_preview\":{\"name\":\"Legs\"}}"),
        "{data}"
    );
}

#[tokio::test]
async fn a_late_reader_gets_one_preview_behind_the_replay() {
    let server = Server::open().await;
    let id = start(&server, "a").await;
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("{\"name\": \"").await;
    let words = "legs and arms ".repeat(30);
    for word in words.split_inclusive(' ') {
        attempt.say(word).await;
    }
    let path = format!("/v1/runs/{id}/events?preview=true");
    let last = server.get(&format!("/v1/runs/{id}")).await.body["last_seq"]
        .as_u64()
        .unwrap();
    for after in [0, 7, last] {
        let mut stream = server.stream(&path, Some(&after.to_string())).await;
        let replayed = usize::try_from(last - after).unwrap();
        let lines = stream.take(replayed).await;
        assert!(
            !lines.iter().any(|line| line.ends_with("preview")),
            "{lines:?}"
        );
        assert_eq!(preview(&mut stream).await, (last, json!({"name": words})));
    }
    // Without the option, and for runs without a schema, nothing is added.
    let path = format!("/v1/runs/{id}/events?preview=false");
    let mut stream = server.stream(&path, None).await;
    attempt.say("\"}").await;
    attempt.finish().await;
    let lines = stream.rest().await;
    assert!(
        !lines.iter().any(|line| line.contains("preview")),
        "{lines:?}"
    );
    let other = server.start("b").await;
    perform(&server.store).await;
    let mut stream = server
        .stream(&format!("/v1/runs/{other}/events?preview=true"), None)
        .await;
    let lines = stream.rest().await;
    assert!(
        !lines.iter().any(|line| line.contains("preview")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_refined_run_is_told_what_came_before() {
    let server = Server::open().await;
    let id = start(&server, "a").await;
    let path = format!("/v1/runs/{id}/refine");
    let refine = async |body: Value| server.post(&path, body).await;
    let open = refine(json!({"instruction": "Shorter"})).await;
    assert_eq!((open.status, open.text("code")), (409, "run_open"));
    succeed(&server, "{\"name\":\"Legs\"}").await;

    let unfit = json!({"instruction": "Shorter", "output": {"name": "Legs", "sets": "3"}});
    let answer = refine(unfit).await;
    assert_eq!(
        (answer.status, answer.text("code")),
        (422, "output_invalid")
    );
    assert_eq!(
        (answer.text("path"), answer.text("rule")),
        ("/sets", "type")
    );
    let empty = refine(json!({"instruction": " "})).await;
    assert_eq!((empty.status, empty.text("path")), (400, "instruction"));

    let edited = json!({"instruction": "Shorter", "output": {"name": "Arms"}, "trigger": "user"});
    let request = server
        .request(Method::POST, &path)
        .header("idempotency-key", "k")
        .json(&edited);
    let first = Answer::of(request.try_clone().unwrap().send().await.unwrap()).await;
    let again = Answer::of(request.send().await.unwrap()).await;
    assert_eq!((first.status, again.status), (201, 200), "{:?}", first.body);
    assert_eq!(first.text("id"), again.text("id"));
    assert_eq!(first.text("refines"), id);
    assert_eq!(first.text("thread_id"), "a");
    assert_eq!(
        (first.text("trigger"), first.text("model")),
        ("user", "local/large")
    );
    let shown = server.get(&format!("/v1/runs/{}", first.text("id"))).await;
    let said = |text: &str| json!([{"type": "text", "text": text}]);
    assert_eq!(
        shown.body["snapshot"]["input"],
        json!({"variables": {"n": 1}, "messages": [
            {"role": "user", "parts": said("Legs")},
            {"role": "assistant", "parts": said("{\"name\":\"Arms\"}")},
            {"role": "user", "parts": said("Shorter")},
        ]})
    );

    let busy = refine(json!({"instruction": "Longer"})).await;
    assert_eq!(
        (busy.status, busy.text("code")),
        (409, "run_already_active")
    );

    // The refined one can be refined in turn: the conversation grows.
    succeed(&server, "{\"name\":\"Short arms\"}").await;
    let path = format!("/v1/runs/{}/refine", first.text("id"));
    let third = server
        .post(&path, json!({"instruction": "In French"}))
        .await;
    assert_eq!(third.status, 201, "{:?}", third.body);
    let shown = server.get(&format!("/v1/runs/{}", third.text("id"))).await;
    let messages = &shown.body["snapshot"]["input"]["messages"];
    assert_eq!(messages.as_array().unwrap().len(), 5);
    assert_eq!(messages[3]["parts"], said("{\"name\":\"Short arms\"}"));
}

#[tokio::test]
async fn a_run_that_failed_is_refined_from_a_given_output_only() {
    let server = Server::open().await;
    let id = start(&server, "a").await;
    server.post(&format!("/v1/runs/{id}/stop"), json!({})).await;
    let path = format!("/v1/runs/{id}/refine");
    let refused = server.post(&path, json!({"instruction": "Shorter"})).await;
    assert_eq!(
        (refused.status, refused.text("code")),
        (409, "not_succeeded")
    );
    assert_eq!(refused.text("run_status"), "aborted");
    let body = json!({"instruction": "Shorter", "output": {"name": "Legs"}});
    let answer = server.post(&path, body).await;
    assert_eq!((answer.status, answer.text("refines")), (201, &*id));
    let shown = server.get(&format!("/v1/runs/{id}")).await;
    assert_eq!(shown.body["can_refine"], false);
}

#[tokio::test]
async fn an_answer_without_schema_is_refined_as_text() {
    let server = Server::open().await;
    server.start("a").await;
    let id = perform(&server.store).await;
    let path = format!("/v1/runs/{id}/refine");
    let answer = server.post(&path, json!({"instruction": "Shorter"})).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let shown = server.get(&format!("/v1/runs/{}", answer.text("id"))).await;
    let messages = &shown.body["snapshot"]["input"]["messages"];
    assert_eq!(messages[1]["parts"][0]["text"], "Hello");
}

#[tokio::test]
async fn a_start_refines_an_ended_run_of_its_own_thread() {
    let server = Server::open().await;
    let source = server.start("a").await;
    let refine = async |thread: Option<&str>, source: &str| {
        let mut body = json!({"agent": "demo", "input": "Shorter", "refines": source});
        if let Some(thread) = thread {
            body["thread_id"] = json!(thread);
        }
        server.post("/v1/runs", body).await
    };
    let open = refine(None, &source).await;
    assert_eq!((open.status, open.text("code")), (409, "run_open"));
    perform(&server.store).await;
    let other = refine(Some("b"), &source).await;
    assert_eq!(
        (other.status, other.text("code")),
        (422, "refines_other_thread")
    );
    let unknown = refine(None, "01980000-0000-7000-8000-000000000000").await;
    assert_eq!(
        (unknown.status, unknown.text("code")),
        (422, "refines_unknown")
    );
    let fits = refine(None, &source).await;
    assert_eq!(fits.status, 201, "{:?}", fits.body);
    assert_eq!(
        (fits.text("thread_id"), fits.text("refines")),
        ("a", &*source)
    );
}

#[tokio::test]
async fn a_retry_keeps_the_schema_and_the_choices_of_the_run() {
    let server = Server::open().await;
    let id = start(&server, "a").await;
    server.post(&format!("/v1/runs/{id}/stop"), json!({})).await;
    let again = server
        .post(&format!("/v1/runs/{id}/retry"), json!({}))
        .await;
    assert_eq!(again.status, 201, "{:?}", again.body);
    assert_eq!(again.text("model"), "local/large");
    let shown = server.get(&format!("/v1/runs/{}", again.text("id"))).await;
    assert_eq!(shown.body["snapshot"]["output_preview"], Value::Null);
    assert!(shown.body["snapshot"].get("output_preview").is_some());
    assert_eq!(
        shown.body["snapshot"]["input"]["variables"],
        json!({"n": 1})
    );
}
