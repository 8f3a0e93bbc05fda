//! The OpenAI Responses protocol over real connections. Its real clients are run by the tests of the command line.

use std::time::Duration;

use http::{Limits, Settings};
use reqwest::Method;
use run::event::{
    ApprovalRequested, ClientToolCalled, Decision, ToolCalled, ToolKind, ToolStarted,
};
use run::{CallId, DriverKind, RequestId, RunId, WaitMode, Work};
use serde_json::{Value, json};
use store::{Options, Right, Scope};

use crate::server::{Answer, Server};
use crate::work::{Attempt, perform};

const RESPONSES: &str = "/openai/v1/responses";

fn path(id: &str) -> String {
    format!("{RESPONSES}/{id}")
}

/// Creates a response in the background and gives it.
async fn create(server: &Server, more: Value) -> Value {
    let mut body = json!({"model": "demo", "input": "Hi", "background": true});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let answer = server.post(RESPONSES, body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.body
}

fn id(response: &Value) -> &str {
    response["id"].as_str().unwrap()
}

/// The run of a response.
fn run_of(response: &Value) -> RunId {
    let hex = id(response).strip_prefix("resp_").unwrap();
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32],
    ];
    RunId::parse(&parts.join("-")).unwrap()
}

/// A server that gives a sign of life every few milliseconds.
async fn restless() -> Server {
    let limits = Limits {
        heartbeat: Duration::from_millis(20),
        ..Limits::default()
    };
    let settings = Settings {
        limits,
        ..Settings::default()
    };
    Server::with(settings, Options::default()).await
}

#[tokio::test]
async fn an_answer_waits_behind_spaces_for_the_end_of_its_run() {
    let server = restless().await;
    let body = json!({"model": "demo", "input": "Hi"});
    let request = server.request(Method::POST, RESPONSES).json(&body);
    let mut response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let run = response.headers()["x-run-id"].to_str().unwrap().to_owned();
    let mut text = Vec::new();
    for _ in 0..3 {
        text.extend(response.chunk().await.unwrap().unwrap());
    }
    assert!(text.iter().all(|byte| *byte == b' '), "{text:?}");
    assert_eq!(perform(&server.store).await.to_string(), run);
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.extend(chunk);
    }
    let answer: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(answer["status"], "completed");
    assert_eq!(answer["output"][0]["content"][0]["text"], "Hello");
}

#[tokio::test]
async fn a_client_that_leaves_ends_nothing() {
    let server = Server::open().await;
    for stream in [false, true] {
        let body = json!({"model": "demo", "input": "Hi", "stream": stream});
        let request = server.request(Method::POST, RESPONSES).json(&body);
        let response = request.send().await.unwrap();
        let run = response.headers()["x-run-id"].to_str().unwrap().to_owned();
        drop(response);
        assert_eq!(perform(&server.store).await.to_string(), run);
        let id = format!("resp_{}_1", run.replace('-', ""));
        let answer = server.get(&path(&id)).await;
        assert_eq!(answer.text("status"), "completed");
    }
}

#[tokio::test]
async fn a_server_that_goes_down_answers_who_waits_and_cuts_who_streams() {
    let server = Server::open().await;
    let body = json!({"model": "demo", "input": "Hi"});
    let request = server.request(Method::POST, RESPONSES).json(&body);
    let response = request.send().await.unwrap();
    let run = response.headers()["x-run-id"].to_str().unwrap();
    let id = format!("resp_{}_1", run.replace('-', ""));
    let streamed = format!("{}?stream=true", path(&id));
    let mut stream = server.stream(&streamed, None).await;
    assert_eq!(
        stream.take(2).await,
        ["- response.created", "- response.queued"]
    );
    server.shutdown.cancel();
    let answer = Answer::of(response).await;
    assert_eq!((answer.text("id"), answer.text("status")), (&*id, "queued"));
    assert_eq!(stream.any().await, None);
}

#[tokio::test]
async fn a_stream_goes_on_behind_any_number_in_any_connection() {
    let server = restless().await;
    let made = create(&server, json!({})).await;
    let streamed = format!("{}?stream=true", path(id(&made)));
    let mut live = server.stream(&streamed, None).await;
    assert_eq!(live.response.headers()["content-type"], "text/event-stream");
    assert_eq!(live.any().await.unwrap().event, "response.created");
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("Hel").await;
    assert_eq!(live.any().await.unwrap().event, "response.queued");
    assert_eq!(live.any().await.unwrap().event, "response.in_progress");
    let added = live.any().await.unwrap();
    assert_eq!(added.event, "response.output_item.added");
    // The text of signs of life is a comment: nothing else is an event.
    let open = server.get(&path(id(&made))).await;
    assert_eq!(open.text("status"), "in_progress");
    assert_eq!(open.body["output"][0]["content"][0]["text"], "Hel");
    attempt.say("lo").await;
    attempt.complete("Hello").await;
    attempt.finish().await;
    let rest = live.rest().await;
    assert_eq!(rest.last().unwrap(), "- response.completed");

    let mut whole = server.stream(&streamed, None).await;
    let mut numbers = Vec::new();
    while let Some(event) = whole.any().await {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        numbers.push(data["sequence_number"].as_u64().unwrap());
    }
    for (n, number) in numbers.iter().enumerate() {
        let behind = format!("{streamed}&starting_after={number}");
        let lines = server.stream(&behind, None).await.rest().await;
        assert_eq!(lines.len(), numbers.len() - n - 1);
    }
    let beyond = format!("{streamed}&starting_after=99999");
    let refused = server.get(&beyond).await;
    assert_eq!(refused.body["error"]["code"], "cursor_unknown");
}

/// Checks the error of a request: status, type, code, parameter, and whether a client may repeat it by itself.
#[track_caller]
fn refused(answer: &Answer, expected: (u16, &str, &str, Option<&str>, bool)) {
    let error = &answer.body["error"];
    let word = |member: &str| error[member].as_str().unwrap_or_default();
    let may_repeat = answer.header("x-should-retry") != "false";
    assert_eq!(
        (
            answer.status,
            word("type"),
            word("code"),
            error["param"].as_str(),
            may_repeat
        ),
        expected,
        "{}",
        answer.body
    );
    assert!(!word("message").is_empty());
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn errors_are_in_the_protocols_form_with_our_code() {
    let server = Server::open().await;
    let invalid = "invalid_request_error";
    let cases = [
        (
            json!({"model": "dem", "input": "Hi"}),
            (422, "agent_unknown", Some("model")),
        ),
        (
            json!({"model": "no/model", "input": "Hi", "temperature": 1}),
            (422, "setting_not_overridable", Some("temperature")),
        ),
        (
            json!({"input": "Hi"}),
            (400, "invalid_request", Some("model")),
        ),
        (
            json!({"model": "demo"}),
            (400, "invalid_request", Some("input")),
        ),
        (
            json!({"model": "demo", "input": 7}),
            (400, "invalid_request", Some("input")),
        ),
        (
            json!({"model": "demo", "input": "Hi", "modle": "x"}),
            (400, "invalid_request", Some("modle")),
        ),
        (
            json!({"model": "demo", "input": "Hi", "prompt": {"id": "p"}}),
            (400, "invalid_request", Some("prompt")),
        ),
        (
            json!({"model": "demo", "input": "Hi", "previous_response_id": "resp_x"}),
            (404, "not_found", Some("previous_response_id")),
        ),
        (
            json!({"model": "demo", "input": "Hi", "conversation": ""}),
            (400, "invalid_id", None),
        ),
        (
            json!({"model": "demo", "input": "Hi", "tools": [{"type": "function", "name": "f"}]}),
            (422, "input_not_accepted", Some("tools")),
        ),
        (
            json!({"model": "writer", "input": "Hi", "text": {"format": {"type": "json_schema", "schema": {"type": "text"}}}}),
            (422, "schema_invalid", Some("text.format.schema/type")),
        ),
    ];
    for (body, (status, code, param)) in cases {
        let answer = server.post(RESPONSES, body).await;
        refused(&answer, (status, invalid, code, param, false));
    }
    let listed = server.get("/v1/runs").await;
    assert_eq!(listed.body["runs"], json!([]));

    let answer = server.get("/openai/v1/nothing").await;
    refused(&answer, (404, invalid, "route_unknown", None, false));
    let answer = server.request(Method::PUT, RESPONSES).send().await.unwrap();
    refused(
        &Answer::of(answer).await,
        (405, invalid, "method_not_allowed", None, false),
    );
    let unknown = format!("resp_{}_1", "0".repeat(32));
    for id in ["x", &unknown] {
        let answer = server.get(&path(id)).await;
        refused(&answer, (404, invalid, "not_found", None, false));
    }
    let made = create(&server, json!({})).await;
    let later = id(&made).replace("_1", "_2");
    let answer = server.get(&path(&later)).await;
    refused(&answer, (404, invalid, "not_found", None, false));
    let answer = server.get(&format!("{}?strem=true", path(id(&made)))).await;
    refused(&answer, (400, invalid, "invalid_query", None, false));
    let answer = server
        .request(Method::DELETE, &path(id(&made)))
        .send()
        .await
        .unwrap();
    refused(
        &Answer::of(answer).await,
        (409, invalid, "run_open", None, false),
    );
    // Another address keeps its own words.
    let native = server.get("/v1/nothing").await;
    assert_eq!(native.text("code"), "route_unknown");
}

#[tokio::test]
async fn a_response_is_its_owners() {
    let server = Server::keyed().await;
    let missing = server.get("/openai/v1/models").await;
    refused(
        &missing,
        (
            401,
            "authentication_error",
            "credential_missing",
            None,
            false,
        ),
    );
    let all = server.key("t", Some("ann"), &Right::ALL, None).await;
    let body = json!({"model": "demo", "input": "Hi", "background": true});
    let made = server
        .call(&all, Method::POST, RESPONSES, Some(body.clone()))
        .await;
    let one = path(made.text("id"));
    let other = server.key("t", Some("bob"), &Right::ALL, None).await;
    let cases = [
        (Method::GET, one.clone()),
        (Method::GET, format!("{one}?stream=true")),
        (Method::POST, format!("{one}/cancel")),
        (Method::GET, format!("{one}/input_items")),
        (Method::DELETE, one.clone()),
    ];
    let none = server.key("t", Some("ann"), &[], None).await;
    for (method, path) in cases {
        let answer = server.call(&other, method.clone(), &path, None).await;
        refused(
            &answer,
            (404, "invalid_request_error", "not_found", None, false),
        );
        let answer = server.call(&none, method, &path, None).await;
        refused(
            &answer,
            (403, "permission_error", "not_allowed", None, false),
        );
    }
    let only = server.key("t", None, &Right::ALL, Some(&["quiet"])).await;
    let answer = server
        .call(&only, Method::POST, RESPONSES, Some(body))
        .await;
    refused(
        &answer,
        (403, "permission_error", "agent_not_allowed", None, false),
    );
    let models = server
        .call(&only, Method::GET, "/openai/v1/models", None)
        .await;
    assert_eq!(models.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(models.body["data"][0]["id"], "quiet");
    let hidden = server
        .call(&only, Method::GET, "/openai/v1/models/demo", None)
        .await;
    assert_eq!(hidden.status, 404);
}

/// Asks for two things: an approval and a function of the client.
async fn ask(attempt: &mut Attempt) {
    let started = ToolStarted {
        call: CallId::nth(1),
        name: "weather".to_owned(),
        kind: ToolKind::Other,
        title: None,
        message: None,
        idempotent: false,
    };
    let called = ToolCalled {
        call: CallId::nth(1),
        args: json!({}),
        vendor: None,
    };
    let at_client = ClientToolCalled {
        request: RequestId::nth(1),
        call: CallId::nth(1),
        expires_at: None,
    };
    let approval = ApprovalRequested {
        request: RequestId::nth(2),
        kind: "command".to_owned(),
        title: "Delete it?".to_owned(),
        detail: Value::Null,
        options: vec![Decision::Allow, Decision::Cancel],
        call: None,
        grants: None,
        expires_at: None,
    };
    let events = vec![
        started.into(),
        called.into(),
        at_client.into(),
        approval.into(),
    ];
    attempt.append(events).await;
    let wait = Work::Wait {
        mode: WaitMode::Parked,
        due_at: None,
    };
    attempt.work(wait).await;
}

#[tokio::test]
async fn all_that_is_asked_is_answered_at_once_and_only_once() {
    let server = Server::open().await;
    let made = create(&server, json!({})).await;
    let mut attempt = Attempt::claim(&server.store).await;
    ask(&mut attempt).await;
    let asked = server.get(&path(id(&made))).await.body;
    assert_eq!(asked["status"], "completed");
    let [call, approval] = [0, 1].map(|n| asked["output"][n].clone());
    let output =
        json!({"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"});
    let denied = json!({"type": "mcp_approval_response", "approval_request_id": approval["id"], "approve": false, "reason": "no"});
    let follow = |input: Value| {
        let body = json!({"model": "demo", "input": input, "background": true, "previous_response_id": id(&made)});
        server.post(RESPONSES, body)
    };
    let invalid = "invalid_request_error";
    // Words alone are no answer, and half of it is none either.
    let answer = follow(json!("Well?")).await;
    refused(
        &answer,
        (400, invalid, "invalid_request", Some("input"), false),
    );
    let answer = follow(json!([output])).await;
    refused(
        &answer,
        (400, invalid, "invalid_request", Some("input"), false),
    );
    let message = answer.body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(approval["id"].as_str().unwrap()),
        "{message}"
    );
    let mut foreign = output.clone();
    foreign["call_id"] = call["call_id"]
        .as_str()
        .unwrap()
        .replace("_c1", "_c9")
        .into();
    let answer = follow(json!([foreign, denied])).await;
    refused(
        &answer,
        (404, invalid, "request_unknown", Some("input[0]"), false),
    );

    let all = json!([output, denied, {"role": "user", "content": "Hurry"}]);
    let next = follow(all.clone()).await;
    assert_eq!(next.text("status"), "queued");
    assert_eq!(next.text("previous_response_id"), id(&made));
    let again = follow(all).await;
    assert_eq!(again.text("id"), next.text("id"));
    let mut otherwise = denied.clone();
    otherwise["approve"] = true.into();
    let answer = follow(json!([output, otherwise])).await;
    refused(
        &answer,
        (409, invalid, "request_answered", Some("input[1]"), false),
    );

    let items = server
        .get(&format!("{}/input_items?order=asc", path(next.text("id"))))
        .await;
    let kinds: Vec<&str> = items.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["message", "function_call_output", "mcp_approval_response"]
    );
    // The old response is what it was, and an old cancel does not stop the run.
    let old = server
        .post(&format!("{}/cancel", path(id(&made))), json!({}))
        .await;
    assert_eq!(old.body, asked);
    let run = server
        .store
        .run(&Scope::local(), run_of(&made))
        .await
        .unwrap();
    assert!(!run.control.is_final());
    let stopped = server
        .post(&format!("{}/cancel", path(next.text("id"))), json!({}))
        .await;
    assert_eq!(stopped.text("status"), "cancelled");
}

#[tokio::test]
async fn a_run_that_waits_is_stopped_by_the_response_that_asked() {
    let server = Server::open().await;
    let made = create(&server, json!({})).await;
    ask(&mut Attempt::claim(&server.store).await).await;
    let cancel = format!("{}/cancel", path(id(&made)));
    let answer = server.post(&cancel, json!({})).await;
    // What was asked stands; the run has ended.
    assert_eq!(answer.text("status"), "completed");
    let run = server
        .store
        .run(&Scope::local(), run_of(&made))
        .await
        .unwrap();
    assert!(run.control.is_final());
    assert_eq!(server.post(&cancel, json!({})).await.body, answer.body);
    let output = json!([{"type": "function_call_output", "call_id": answer.body["output"][0]["call_id"], "output": "x"}]);
    let late = json!({"model": "demo", "input": output, "previous_response_id": id(&made)});
    let late = server.post(RESPONSES, late).await;
    refused(
        &late,
        (
            410,
            "invalid_request_error",
            "request_expired",
            Some("input[0]"),
            false,
        ),
    );
    let gone = server
        .request(Method::DELETE, &path(id(&made)))
        .send()
        .await
        .unwrap();
    assert_eq!(Answer::of(gone).await.body["deleted"], true);
    assert_eq!(server.get(&path(id(&made))).await.status, 404);
}

#[tokio::test]
async fn a_response_that_follows_is_on_the_same_thread() {
    let server = Server::open().await;
    let first = create(&server, json!({"conversation": "chat-1"})).await;
    assert_eq!(first["conversation"]["id"], "chat-1");
    let follow = |previous: &Value, input: &str| {
        let body = json!({"model": "demo", "input": input, "background": true, "previous_response_id": id(previous)});
        server.post(RESPONSES, body)
    };
    let busy = follow(&first, "More").await;
    refused(
        &busy,
        (
            409,
            "invalid_request_error",
            "run_already_active",
            None,
            false,
        ),
    );
    assert_eq!(busy.body["error"]["run_id"], run_of(&first).to_string());
    perform(&server.store).await;

    let second = follow(&first, "More").await.body;
    let stored = server
        .store
        .run(&Scope::local(), run_of(&second))
        .await
        .unwrap();
    assert_eq!(
        (stored.thread.as_str(), &stored.input.messages),
        ("chat-1", &None)
    );
    perform(&server.store).await;
    // Behind an earlier response than the last, the conversation up to there replaces the thread's history.
    let branch = follow(&first, "Else").await.body;
    let stored = server
        .store
        .run(&Scope::local(), run_of(&branch))
        .await
        .unwrap();
    let messages = stored.input.messages.as_ref().unwrap();
    let said: Vec<String> = messages
        .iter()
        .map(|it| format!("{:?} {}", it.role, run::text_of(&it.parts)))
        .collect();
    assert_eq!(said, ["User Hi", "Assistant Hello", "User Else"]);
    assert_eq!(stored.thread.as_str(), "chat-1");
    // And from there on as well.
    perform(&server.store).await;
    perform_after(&server, &follow(&branch, "On").await.body).await;
    let again = follow(&branch, "Again").await.body;
    let stored = server
        .store
        .run(&Scope::local(), run_of(&again))
        .await
        .unwrap();
    let texts = stored
        .input
        .messages
        .as_ref()
        .unwrap()
        .iter()
        .map(|it| run::text_of(&it.parts));
    assert!(texts.eq(["Hi", "Hello", "Else", "Hello", "Again"]));
}

async fn perform_after(server: &Server, response: &Value) {
    assert_eq!(perform(&server.store).await, run_of(response));
}

#[tokio::test]
async fn what_a_request_asks_of_its_agent_is_stored_with_the_run() {
    let server = Server::open().await;
    let tools = json!([{"type": "function", "name": "weather", "parameters": {"type": "object"}}]);
    let made = create(
        &server,
        json!({
            "model": "local/large", "instructions": "Be {brief}.", "tools": tools, "store": false,
            "metadata": {"card": "7"}, "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
        }),
    )
    .await;
    assert_eq!(made["model"], "local/large");
    assert_eq!(made["metadata"], json!({"card": "7"}));
    assert_eq!(made["instructions"], "Be {brief}.");
    assert_eq!(made["tools"][0]["name"], "weather");
    assert_eq!(made["store"], false);
    let run = server
        .store
        .run(&Scope::local(), run_of(&made))
        .await
        .unwrap();
    assert_eq!(run.agent, "writer");
    assert_eq!(run.spec.model.as_deref(), Some("local/large"));
    // A model with functions is a loop.
    assert_eq!(run.spec.driver, DriverKind::Loop);
    // What the client says is a value of the template and never a template itself.
    assert_eq!(run.spec.system.as_deref(), Some("{{ instructions }}"));
    assert_eq!(run.input.variables["instructions"], "Be {brief}.");
    assert_eq!(run.spec.output_schema, Some(json!({"type": "object"})));
    let listed = server.get("/v1/runs").await;
    assert_eq!(listed.body["runs"], json!([]));
}

#[tokio::test]
async fn a_repeat_under_a_key_is_the_same_response() {
    let server = Server::open().await;
    let send = |input: &str| {
        let body = json!({"model": "demo", "input": input, "background": true});
        let request = server.request(Method::POST, RESPONSES).json(&body);
        request.header("idempotency-key", "k1").send()
    };
    let first = Answer::of(send("Hi").await.unwrap()).await;
    let again = Answer::of(send("Hi").await.unwrap()).await;
    assert_eq!(first.text("id"), again.text("id"));
    let other = Answer::of(send("Ho").await.unwrap()).await;
    refused(
        &other,
        (
            409,
            "invalid_request_error",
            "idempotency_key_reused",
            None,
            false,
        ),
    );
}
