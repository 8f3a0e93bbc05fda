//! The AI SDK's addresses, with a test in the place of the worker. What the package's own clients make of them is tested with
//! the binary.

use reqwest::Method;
use run::event::{MessageDiscarded, MessageStarted, TextDelta};
use run::{MessageId, RequestId, Role};
use serde_json::{Value, json};
use store::Right;

use crate::server::{Answer, Server};
use crate::work::{Attempt, perform};

/// An answer as text, and its head.
struct Said {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Said {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The types of the chunks of a stream, to its end.
    #[track_caller]
    fn chunks(&self) -> Vec<String> {
        let lines = self.text.split_terminator("\n\n");
        let mut lines: Vec<_> = lines.filter(|line| !line.starts_with(':')).collect();
        assert_eq!(lines.pop(), Some("data: [DONE]"), "{}", self.text);
        let types = lines.into_iter().map(|line| {
            let chunk = line.strip_prefix("data: ").unwrap();
            let chunk: Value = serde_json::from_str(chunk).unwrap();
            chunk["type"].as_str().unwrap().to_owned()
        });
        types.collect()
    }
}

async fn said(request: reqwest::RequestBuilder) -> Said {
    let response = request.send().await.unwrap();
    Said {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

fn user(id: &str, text: &str) -> Value {
    json!({ "id": id, "role": "user", "parts": [{ "type": "text", "text": text }] })
}

impl Server {
    /// Sends a chat's body, and waits for no more than the head of the answer.
    async fn send_chat(&self, agent: &str, body: &Value) -> reqwest::Response {
        let request = self.request(Method::POST, &format!("/aisdk/{agent}"));
        request.json(body).send().await.unwrap()
    }

    async fn chat(&self, agent: &str, body: &Value) -> Said {
        said(
            self.request(Method::POST, &format!("/aisdk/{agent}"))
                .json(body),
        )
        .await
    }

    async fn follow(&self, chat: &str, query: &str) -> Said {
        said(self.request(Method::GET, &format!("/aisdk/demo/{chat}/stream{query}"))).await
    }

    async fn messages(&self, chat: &str) -> Vec<Value> {
        let answer = self.get(&format!("/aisdk/demo/{chat}/messages")).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.body["messages"].as_array().unwrap().clone()
    }

    /// The runs of a thread, the last one first.
    async fn runs_of(&self, thread: &str) -> Vec<Value> {
        let answer = self.get(&format!("/v1/runs?thread_id={thread}")).await;
        answer.body["runs"].as_array().unwrap().clone()
    }
}

fn run_of(response: &reqwest::Response) -> String {
    response.headers()["x-run-id"].to_str().unwrap().to_owned()
}

const WHOLE: [&str; 7] = [
    "start",
    "start-step",
    "text-start",
    "text-delta",
    "text-end",
    "finish-step",
    "finish",
];

#[tokio::test]
async fn a_message_starts_a_run_and_the_same_message_again_attaches_to_it() {
    let server = Server::open().await;
    let body = json!({
        "id": "c 1", "messages": [user("u1", "Hi")], "trigger": "submit-message", "pageOfItsOwn": [1],
    });
    let first = server.send_chat("demo", &body).await;
    assert_eq!(first.status(), 200);
    let id = run_of(&first);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("x-vercel-ai-ui-message-stream", "v1"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
        ("x-workflow-run-id", id.as_str()),
    ] {
        assert_eq!(first.headers()[name], value);
    }
    let second = server.send_chat("demo", &body).await;
    assert_eq!(run_of(&second), id);
    perform(&server.store).await;
    let (first, second) = (first.text().await.unwrap(), second.text().await.unwrap());
    assert_eq!(first, second);
    // Again when it has ended.
    let third = server.chat("demo", &body).await;
    assert_eq!(third.chunks(), WHOLE);
    assert_eq!(server.runs_of("c%201").await.len(), 1);
    // The client's id of the message is what a page gets that loads the chat.
    let messages = server.messages("c%201").await;
    let ids: Vec<_> = messages
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["u1", id.as_str()]);
    assert_eq!(messages[1]["parts"][1]["text"], "Hello");
    assert_eq!(messages[1]["metadata"]["status"], "succeeded");
}

#[tokio::test]
async fn a_page_comes_back_to_what_is_under_way_and_to_nothing_else() {
    let server = Server::open().await;
    assert_eq!(server.follow("new", "").await.status, 204);
    assert_eq!(server.messages("new").await, Vec::<Value>::new());
    let body = json!({ "id": "c", "messages": [user("u1", "Hi")] });
    let id = run_of(&server.send_chat("demo", &body).await);
    let follow = server.follow("c", "");
    let (followed, ()) = tokio::join!(follow, async {
        perform(&server.store).await;
    });
    assert_eq!(followed.chunks(), WHOLE);
    assert_eq!(server.follow("c", "").await.status, 204);
    // By the run's id it is there for good.
    assert_eq!(server.follow(&id, "").await.chunks(), WHOLE);
    let unknown = server.follow(&format!("{id}.a99"), "").await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_chunks_that_a_client_has() {
    let server = Server::open().await;
    let body = json!({ "id": "c", "messages": [user("u1", "Hi")] });
    let id = run_of(&server.send_chat("demo", &body).await);
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("Half").await;
    let discarded = MessageDiscarded {
        message: MessageId::nth(1),
        why: "cut".to_owned(),
    };
    let started = MessageStarted {
        message: MessageId::nth(2),
        role: Role::Assistant,
    };
    let whole = TextDelta {
        message: MessageId::nth(2),
        part: 0,
        text: "Whole".to_owned(),
    };
    attempt
        .append(vec![discarded.into(), started.into(), whole.into()])
        .await;
    attempt.finish().await;
    let replay = server.follow(&id, "").await;
    assert!(!replay.text.contains("Half"), "{}", replay.text);
    assert_eq!(replay.chunks(), WHOLE);
    let all = server.follow(&id, "?startIndex=0").await;
    assert!(!all.text.contains("Half"), "{}", all.text);
    let chunks = all.chunks();
    for n in 0..=chunks.len() {
        let rest = server.follow(&id, &format!("?startIndex={n}")).await;
        assert_eq!(rest.chunks(), chunks[n..]);
    }
    let last = server.follow(&id, "?startIndex=-2").await;
    assert_eq!(last.chunks(), chunks[chunks.len() - 2..]);
    let index = (chunks.len() - 1).to_string();
    assert_eq!(last.header("x-workflow-stream-tail-index"), index);
    let all = server.follow(&id, "?startIndex=-999").await;
    assert_eq!(all.chunks(), chunks);
    let beyond = server
        .follow(&id, &format!("?startIndex={}", chunks.len() + 1))
        .await;
    assert_eq!(beyond.status, 400);
    assert!(beyond.text.ends_with("(cursor_unknown)"), "{}", beyond.text);
}

#[tokio::test]
async fn an_error_is_a_text_that_ends_with_its_code() {
    let server = Server::open().await;
    let hi = || json!([user("u1", "Hi")]);
    let check = async |agent: &str, body: Value, status: u16, expected: &str| {
        let said = server.chat(agent, &body).await;
        assert_eq!(said.status, status, "{}", said.text);
        assert!(said.text.ends_with(expected), "{}", said.text);
        assert!(said.header("content-type").starts_with("text/plain"));
    };
    check("dmo", json!({ "messages": hi() }), 422, "(agent_unknown)").await;
    check("demo", json!({ "messages": [] }), 400, "(invalid_request)").await;
    check("demo", json!({ "id": "" }), 400, "(invalid_request)").await;
    let nothing = json!([{ "role": "user", "parts": [{ "type": "data-x", "data": 1 }] }]);
    check(
        "demo",
        json!({ "messages": nothing }),
        400,
        "(invalid_request)",
    )
    .await;
    let foreign = json!([user("u1", "Hi"), { "id": "a", "role": "assistant", "parts": [] }]);
    check(
        "demo",
        json!({ "messages": foreign }),
        400,
        "(invalid_request)",
    )
    .await;
    let unknown = server.request(Method::GET, "/aisdk/demo/c/strem");
    let unknown = said(unknown).await;
    assert!(
        unknown.text.ends_with("(route_unknown)"),
        "{}",
        unknown.text
    );
}

#[tokio::test]
async fn a_busy_chat_answers_as_it_was_asked_to() {
    let server = Server::open().await;
    let first = run_of(
        &server
            .send_chat(
                "demo",
                &json!({ "id": "c", "messages": [user("u1", "Hi")] }),
            )
            .await,
    );
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.say("Hello").await;
    let with = |rule: &str| {
        let mut body = json!({ "id": "c", "messages": [user("u1", "Hi"), user(rule, "More")] });
        body["on_conflict"] = rule.into();
        body
    };
    let refused = server.chat("demo", &with("reject")).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.text.ends_with("(run_already_active)"),
        "{}",
        refused.text
    );
    // A steer is heard by the run under way, and what follows is streamed.
    let steered = server.send_chat("demo", &with("steer")).await;
    assert_eq!(run_of(&steered), first);
    let queued = server.send_chat("demo", &with("enqueue")).await;
    let next = server.send_chat("demo", &with("supersede")).await;
    assert_ne!(run_of(&queued), first);
    assert_ne!(run_of(&next), run_of(&queued));
    let stopping = server.get(&format!("/v1/runs/{first}")).await;
    assert_eq!(stopping.body["snapshot"]["inputs"][0]["mode"], "steer");
    assert_ne!(stopping.body["stop_requested_at"], Value::Null);
    attempt.say(" again").await;
    attempt
        .work(run::Work::Finish(run::Outcome::aborted(
            run::Reason::Superseded,
        )))
        .await;
    let text = steered.text().await.unwrap();
    assert!(
        text.contains("text-start") && text.contains(" again"),
        "{text}"
    );
    assert!(!text.contains("\"Hello\""), "{text}");
}

#[tokio::test]
async fn a_stop_names_a_run_or_the_chats_current_one() {
    let server = Server::open().await;
    let stop = "/aisdk/demo/c/stop";
    let nothing = server.post(stop, json!({})).await;
    assert_eq!(nothing.body, json!({ "stopped": false, "run": null }));
    let body = json!({ "id": "c", "messages": [user("u1", "Hi")] });
    let first = server.send_chat("demo", &body).await;
    let stopped = server.post(stop, json!({ "run": run_of(&first) })).await;
    assert_eq!(stopped.body["stopped"], true);
    let text = first.text().await.unwrap();
    assert!(
        text.contains(r#""type":"abort","reason":"stopped""#),
        "{text}"
    );
    let other = server.start("other").await;
    let wrong = server.post(stop, json!({ "run": other })).await;
    assert_eq!(wrong.status, 404);
    let body = json!({ "id": "c", "messages": [user("u2", "Hi")] });
    let _second = server.send_chat("demo", &body).await;
    assert_eq!(server.post(stop, json!({})).await.body["stopped"], true);
}

/// A chat whose run waits for an approval: the run and the assistant's message with an answer to it.
async fn waiting(server: &Server) -> (String, Value) {
    let body = json!({ "id": "c", "messages": [user("u1", "Hi")] });
    let first = server.send_chat("demo", &body).await;
    let id = run_of(&first);
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.begin().await;
    attempt.complete("Shall I?").await;
    attempt.ask(&RequestId::nth(1), None).await;
    let text = first.text().await.unwrap();
    assert!(text.contains("tool-approval-request"), "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    let mut message = server.messages("c").await.remove(1);
    for part in message["parts"].as_array_mut().unwrap() {
        if part["state"] == "approval-requested" {
            part["state"] = "approval-responded".into();
            part["approval"]["approved"] = true.into();
        }
    }
    (id, message)
}

#[tokio::test]
async fn an_answer_goes_to_the_run_that_waits_and_its_repeat_attaches() {
    let server = Server::open().await;
    let (id, message) = waiting(&server).await;
    let body = json!({ "id": "c", "messages": [user("u1", "Hi"), message], "messageId": id });
    let first = server.send_chat("demo", &body).await;
    assert_eq!(run_of(&first), id);
    let second = server.send_chat("demo", &body).await;
    let stretch = first.headers()["x-workflow-run-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let mut attempt = Attempt::claim(&server.store).await;
    attempt.finish().await;
    let text = first.text().await.unwrap();
    assert_eq!(second.text().await.unwrap(), text);
    assert!(text.contains(r#""decision":"allow""#), "{text}");
    assert!(!text.contains("Shall I?"), "{text}");
    assert_eq!(server.chat("demo", &body).await.text, text);
    // The workflow transport comes back to the same stretch.
    let again = server.follow(&stretch, "?startIndex=1").await;
    assert!(
        text.ends_with(again.text.trim_start_matches(": hb\n\n")),
        "{}",
        again.text
    );
    // Another answer is too late.
    let mut other = body;
    for part in other["messages"][1]["parts"].as_array_mut().unwrap() {
        if part["approval"].is_object() {
            part["approval"]["approved"] = false.into();
        }
    }
    let late = server.chat("demo", &other).await;
    assert_eq!(late.status, 409);
    assert!(late.text.ends_with("(request_answered)"), "{}", late.text);
}

#[tokio::test]
async fn a_message_that_answers_nothing_is_told_so() {
    let server = Server::open().await;
    let (_, message) = waiting(&server).await;
    let message = json!({ "id": message["id"], "role": "assistant", "parts": [] });
    let body = json!({ "id": "c", "messages": [user("u1", "Hi"), message] });
    let said = server.chat("demo", &body).await;
    assert!(said.text.ends_with("(request_unknown)"), "{}", said.text);
    let elsewhere = json!({ "id": "d", "messages": body["messages"] });
    assert_eq!(server.chat("demo", &elsewhere).await.status, 404);
}

#[tokio::test]
async fn a_decision_may_say_more_than_yes_or_no() {
    let server = Server::open().await;
    let (id, message) = waiting(&server).await;
    let approval = message["parts"].as_array().unwrap().iter();
    let approval = approval.filter_map(|part| part["approval"]["id"].as_str());
    let mut body = json!({ "id": "c", "messages": [user("u1", "Hi"), message], "decisions": {} });
    for id in approval {
        body["decisions"][id] = "deny".into();
    }
    drop(server.send_chat("demo", &body).await);
    let run = server.get(&format!("/v1/runs/{id}")).await;
    let resolution = &run.body["snapshot"]["requests"][0]["resolution"];
    assert_eq!(resolution["decision"], "deny");
}

#[tokio::test]
async fn an_edit_or_another_answer_replaces_what_came_after() {
    let server = Server::open().await;
    let send = async |messages: Value, more: Value| {
        let mut body = json!({ "id": "c", "messages": messages });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        let response = server.send_chat("demo", &body).await;
        let id = run_of(&response);
        let again = server.send_chat("demo", &body).await;
        assert_eq!(run_of(&again), id, "the same request again");
        perform(&server.store).await;
        assert_eq!(response.status(), 200);
        id
    };
    let reply = |id: &str| json!({ "id": id, "role": "assistant", "parts": [{ "type": "text", "text": "Hello" }] });
    let ids = async || {
        let messages = server.messages("c").await;
        let ids = messages
            .iter()
            .map(|it| it["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    let (u1, u2) = (user("u1", "One"), user("u2", "Two"));
    let r1 = send(json!([u1]), json!({})).await;
    let r2 = send(json!([u1, reply(&r1), u2]), json!({})).await;
    assert_eq!(ids().await, ["u1", &r1, "u2", &r2]);
    // Another answer to the last message: the history before it stays the thread's own.
    let regenerate = json!({ "trigger": "regenerate-message" });
    let r3 = send(json!([u1, reply(&r1), u2]), regenerate.clone()).await;
    assert_eq!(ids().await, ["u1", &r1, "u2", &r3]);
    let run = server.get(&format!("/v1/runs/{r3}")).await;
    assert_eq!(run.body["snapshot"]["input"]["messages"], Value::Null);
    // And one more: that the one before has ended makes it a new wish.
    let r4 = send(json!([u1, reply(&r1), u2]), regenerate).await;
    assert_ne!(r4, r3);
    // An edit in the middle brings the conversation along.
    let edited = user("u1", "One, edited");
    let r5 = send(json!([edited]), json!({ "messageId": "u1" })).await;
    assert_eq!(ids().await, ["u1", &r5]);
    let run = server.get(&format!("/v1/runs/{r5}")).await;
    let brought = &run.body["snapshot"]["input"]["messages"];
    assert_eq!(brought.as_array().unwrap().len(), 1);
    // Back to what it was is an edit like any other.
    let r6 = send(json!([u1]), json!({ "messageId": "u1" })).await;
    assert!(r6 != r1 && r6 != r5);
    let u3 = user("u3", "Three");
    let r7 = send(json!([u1, reply(&r6), u3]), json!({ "messageId": "u9" })).await;
    assert_eq!(ids().await, ["u1", &r6, "u3", &r7]);
}

#[tokio::test]
async fn a_chat_that_is_new_here_brings_its_beginning_along() {
    let server = Server::open().await;
    let greeting = json!({ "id": "g", "role": "assistant", "parts": [{ "type": "text", "text": "Welcome!" }] });
    let body = json!({ "id": "c", "messages": [greeting, user("u1", "Hi")] });
    let id = run_of(&server.send_chat("demo", &body).await);
    perform(&server.store).await;
    let messages = server.messages("c").await;
    let ids: Vec<_> = messages
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["g", "u1", id.as_str()]);
    let one = json!({ "id": "c", "message": user("u2", "More") });
    let _second = server.send_chat("demo", &one).await;
    assert_eq!(server.messages("c").await.len(), 4);
}

#[tokio::test]
async fn a_body_may_be_called_text_and_be_as_long_as_a_conversation() {
    let server = Server::open().await;
    let old = user("u0", &"x".repeat(3 * 1024 * 1024));
    let body = json!({ "id": "c", "messages": [old, user("u1", "Hi")] });
    // What is new here is too long to be kept whole.
    let refused = server.chat("demo", &body).await;
    assert!(
        refused.text.ends_with("(body_too_large)"),
        "{}",
        refused.text
    );
    let first = json!({ "id": "c", "messages": [user("u0", "Hi")] });
    let _first = server.send_chat("demo", &first).await;
    perform(&server.store).await;
    let text = server
        .request(Method::POST, "/aisdk/demo")
        .header("content-type", "text/plain;charset=UTF-8")
        .body(body.to_string());
    let response = text.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let run = server.get(&format!("/v1/runs/{}", run_of(&response))).await;
    assert_eq!(run.body["snapshot"]["input"]["parts"][0]["text"], "Hi");
}

#[tokio::test]
async fn a_credential_does_what_it_may() {
    let server = Server::keyed().await;
    let key = server.key("t", Some("ana"), &Right::ALL, None).await;
    let other = server.key("t", Some("bob"), &Right::ALL, None).await;
    let reader = server.key("t", Some("ana"), &[Right::Read], None).await;
    let body = json!({ "id": "c", "messages": [user("u1", "Hi")] });
    let send = |secret: &str| {
        let request = server.request(Method::POST, "/aisdk/demo").json(&body);
        request.bearer_auth(secret).send()
    };
    let none = server.chat("demo", &body).await;
    assert!(none.text.ends_with("(credential_missing)"), "{}", none.text);
    let first = send(&key).await.unwrap();
    assert_eq!(first.status(), 200);
    assert_eq!(send(&reader).await.unwrap().status(), 403);
    // The chat of somebody else reads as one that is not there, and cannot be written to.
    let get = async |secret: &str, what: &str| {
        let request = server.request(Method::GET, &format!("/aisdk/demo/c/{what}"));
        Answer::of(request.bearer_auth(secret).send().await.unwrap()).await
    };
    assert_eq!(get(&other, "stream").await.status, 204);
    assert_eq!(get(&other, "messages").await.body["messages"], json!([]));
    assert_eq!(send(&other).await.unwrap().status(), 404);
    let stop = server
        .call(&other, Method::POST, "/aisdk/demo/c/stop", None)
        .await;
    assert_eq!(stop.body["stopped"], false);
    assert_eq!(
        get(&reader, "messages").await.body["messages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // A token of one thread, in the query where a page can set no header.
    let ask = json!({ "thread_id": "c", "rights": ["read"] });
    let token = server
        .call(&key, Method::POST, "/v1/tokens", Some(ask))
        .await;
    let token = token.text("token").to_owned();
    perform(&server.store).await;
    let stream = server.follow("c", &format!("?token={token}")).await;
    assert_eq!(stream.status, 204);
    let elsewhere = server.follow("d", &format!("?token={token}")).await;
    assert_eq!(elsewhere.status, 404);
}

#[tokio::test]
async fn a_server_that_goes_down_cuts_a_stream_without_its_end() {
    let server = Server::open().await;
    let body = json!({ "id": "c", "messages": [user("u1", "Hi")] });
    let response = server.send_chat("demo", &body).await;
    server.shutdown.cancel();
    let text = response.text().await.unwrap();
    assert!(text.contains(r#""type":"start""#), "{text}");
    assert!(
        !text.contains("[DONE]") && !text.contains("event:"),
        "{text}"
    );
}
