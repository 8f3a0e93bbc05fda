//! Who may do what, and what others see of it.

use http::Settings;
use reqwest::Method;
use serde_json::{Value, json};
use store::{Options, Right};

use crate::server::{Answer, Server};
use crate::work::Attempt;

#[expect(
    clippy::unnecessary_wraps,
    reason = "a body, as the other cases have none or one"
)]
fn start() -> Option<Value> {
    Some(json!({"agent": "demo", "thread_id": "a", "input": "Hi"}))
}

#[tokio::test]
async fn without_a_valid_credential_nothing_is_told() {
    let server = Server::keyed().await;
    let missing = server.get("/v1/runs").await;
    assert_eq!(
        (missing.status, missing.text("code")),
        (401, "credential_missing")
    );
    for secret in ["x", "ol_key_1", &format!("ol_key_{}", "0".repeat(64))] {
        let unknown = server.call(secret, Method::GET, "/v1/runs", None).await;
        assert_eq!(
            (unknown.status, unknown.text("code")),
            (401, "credential_unknown")
        );
    }
    // Basic is not a scheme of ours.
    let basic = server
        .request(Method::GET, "/v1/runs")
        .basic_auth("a", Some("b"));
    let basic = Answer::of(basic.send().await.unwrap()).await;
    assert_eq!(basic.text("code"), "credential_unknown");
    for open in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(server.get(open).await.status, 200, "{open}");
    }
    assert_eq!(server.get("/metrics").await.status, 401);
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let server = Server::keyed().await;
    let all = server.key("t", None, &Right::ALL, None).await;
    let run = server.call(&all, Method::POST, "/v1/runs", start()).await;
    let run = run.text("id").to_owned();
    let none = server.key("t", None, &[], None).await;
    let stop = Some(json!({}));
    let token = Some(json!({"run_id": run, "rights": ["read"]}));
    let answer = Some(json!({"decision": "allow"}));
    let input = Some(json!({"mode": "steer", "parts": "x"}));
    let cases = [
        (Method::POST, "/v1/runs".to_owned(), start(), "start"),
        (Method::GET, "/v1/runs".to_owned(), None, "read"),
        (Method::GET, format!("/v1/runs/{run}"), None, "read"),
        (Method::GET, format!("/v1/runs/{run}/events"), None, "read"),
        (Method::POST, format!("/v1/runs/{run}/stop"), stop, "stop"),
        (
            Method::POST,
            format!("/v1/runs/{run}/inputs"),
            input,
            "input",
        ),
        (
            Method::POST,
            format!("/v1/runs/{run}/requests/q1"),
            answer,
            "answer",
        ),
        (Method::DELETE, format!("/v1/runs/{run}"), None, "manage"),
        (Method::POST, "/v1/tokens".to_owned(), token, "manage"),
        (Method::GET, "/metrics".to_owned(), None, "manage"),
    ];
    for (method, path, body, right) in cases {
        let refused = server.call(&none, method, &path, body).await;
        assert_eq!(
            (refused.status, refused.text("code")),
            (403, "not_allowed"),
            "{path}"
        );
        assert_eq!(refused.text("right"), right, "{path}");
    }
    assert_eq!(
        server
            .call(&all, Method::GET, "/metrics", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_belongs_to_others_reads_like_what_does_not_exist() {
    let server = Server::keyed().await;
    let ann = server.key("t", Some("ann"), &Right::ALL, None).await;
    let bob = server.key("t", Some("bob"), &Right::ALL, None).await;
    let other = server.key("u", None, &Right::ALL, None).await;
    let whole = server.key("t", None, &Right::ALL, None).await;
    let made = server.call(&ann, Method::POST, "/v1/runs", start()).await;
    assert_eq!((made.status, made.text("created_by")), (201, "ann"));
    let foreign = made.text("id").to_owned();
    let unknown = "01980000-0000-7000-8000-000000000000";
    let paths = |run: &str, thread: &str| {
        [
            (Method::GET, format!("/v1/runs/{run}"), None),
            (Method::GET, format!("/v1/runs/{run}/events"), None),
            (Method::GET, format!("/v1/runs/{run}/events?after=99"), None),
            (Method::GET, format!("/v1/runs/{run}/inputs"), None),
            (Method::DELETE, format!("/v1/runs/{run}"), None),
            (
                Method::POST,
                format!("/v1/runs/{run}/stop"),
                Some(json!({})),
            ),
            (
                Method::POST,
                format!("/v1/runs/{run}/retry"),
                Some(json!({})),
            ),
            (
                Method::POST,
                format!("/v1/runs/{run}/apply"),
                Some(json!({})),
            ),
            (
                Method::POST,
                format!("/v1/runs/{run}/requests/q1"),
                Some(json!({"result": 1})),
            ),
            (
                Method::POST,
                format!("/v1/runs/{run}/inputs"),
                Some(json!({"mode": "steer", "parts": "x"})),
            ),
            (
                Method::POST,
                "/v1/tokens".to_owned(),
                Some(json!({"run_id": run, "rights": ["read"]})),
            ),
            (Method::GET, format!("/v1/threads/{thread}"), None),
            (Method::GET, format!("/v1/threads/{thread}/run"), None),
            (Method::DELETE, format!("/v1/threads/{thread}"), None),
            (
                Method::PATCH,
                format!("/v1/threads/{thread}"),
                Some(json!({"title": "x"})),
            ),
            (
                Method::POST,
                format!("/v1/threads/{thread}/stop"),
                Some(json!({})),
            ),
        ]
    };
    for stranger in [&bob, &other] {
        for ((method, path, body), (_, no_path, no_body)) in paths(&foreign, "a")
            .into_iter()
            .zip(paths(unknown, "nobody"))
        {
            let found = server.call(stranger, method.clone(), &path, body).await;
            let not_there = server.call(stranger, method, &no_path, no_body).await;
            assert_eq!(
                (found.status, &found.body),
                (not_there.status, &not_there.body),
                "{path}"
            );
            assert_eq!(found.status, 404, "{path}");
        }
        let listed = server.call(stranger, Method::GET, "/v1/runs", None).await;
        assert_eq!(listed.body["runs"], json!([]));
        let threads = server
            .call(stranger, Method::GET, "/v1/threads", None)
            .await;
        assert_eq!(threads.body["threads"], json!([]));
    }
    // Another tenant may use the same name for a thread of its own; another user of the tenant may not.
    assert_eq!(
        server
            .call(&other, Method::POST, "/v1/runs", start())
            .await
            .status,
        201
    );
    assert_eq!(
        server
            .call(&bob, Method::POST, "/v1/runs", start())
            .await
            .status,
        404
    );
    let seen = server
        .call(&whole, Method::GET, &format!("/v1/runs/{foreign}"), None)
        .await;
    assert_eq!(seen.status, 200);
}

#[tokio::test]
async fn a_key_starts_its_agents_only() {
    let server = Server::keyed().await;
    let key = server.key("t", None, &Right::ALL, Some(&["writer"])).await;
    let refused = server.call(&key, Method::POST, "/v1/runs", start()).await;
    assert_eq!(
        (refused.status, refused.text("code")),
        (403, "agent_not_allowed")
    );
    let agents = server.call(&key, Method::GET, "/v1/agents", None).await;
    assert_eq!(agents.body["agents"].as_array().unwrap().len(), 1);
    assert_eq!(agents.body["agents"][0]["name"], "writer");
    assert_eq!(agents.body["agents"][0]["overridable"], json!(["model"]));
}

#[tokio::test]
async fn a_token_is_for_one_thing_and_no_wider_than_its_key() {
    let server = Server::keyed().await;
    let key = server.key("t", None, &Right::ALL, None).await;
    let run = server.call(&key, Method::POST, "/v1/runs", start()).await;
    let run = run.text("id").to_owned();
    let elsewhere = json!({"agent": "demo", "thread_id": "b", "input": "Hi"});
    let other = server
        .call(&key, Method::POST, "/v1/runs", Some(elsewhere.clone()))
        .await;
    let other = other.text("id").to_owned();
    let token = |body: Value| server.call(&key, Method::POST, "/v1/tokens", Some(body));
    let made = token(json!({"thread_id": "a", "rights": ["read", "stop"], "expires_in": 60})).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let of_thread = made.text("token").to_owned();
    let made = token(json!({"run_id": run, "rights": ["read"]})).await;
    let of_run = made.text("token").to_owned();

    for secret in [&of_thread, &of_run] {
        for (path, status) in [
            (format!("/v1/runs/{run}"), 200),
            (format!("/v1/runs/{other}"), 404),
            ("/v1/threads/b".to_owned(), 404),
            ("/v1/threads".to_owned(), 403),
        ] {
            let answer = server.call(secret, Method::GET, &path, None).await;
            assert_eq!(answer.status, status, "{path}");
        }
        let wider = server.call(
            secret,
            Method::POST,
            "/v1/tokens",
            Some(json!({"run_id": run, "rights": ["read"]})),
        );
        assert_eq!(wider.await.status, 403);
        assert_eq!(
            server
                .call(secret, Method::POST, "/v1/runs", Some(elsewhere.clone()))
                .await
                .status,
            403
        );
    }
    let listed = server.call(&of_thread, Method::GET, "/v1/runs", None).await;
    assert_eq!(listed.body["runs"].as_array().unwrap().len(), 1);
    let stop = format!("/v1/runs/{run}/stop");
    assert_eq!(
        server.call(&of_run, Method::POST, &stop, None).await.status,
        403
    );
    assert_eq!(
        server
            .call(&of_thread, Method::POST, &stop, None)
            .await
            .status,
        200
    );

    let starter = token(json!({"thread_id": "c", "rights": ["start"]})).await;
    let starter = starter.text("token").to_owned();
    let there = json!({"agent": "demo", "input": "Hi"});
    let there = server.call(&starter, Method::POST, "/v1/runs", Some(there));
    assert_eq!(there.await.text("thread_id"), "c");
    let away = server.call(&starter, Method::POST, "/v1/runs", Some(elsewhere.clone()));
    assert_eq!(away.await.status, 404);

    // In the query on event routes, nowhere else.
    let by_query = server
        .get(&format!("/v1/runs/{run}/events?token={of_run}"))
        .await;
    assert_eq!(by_query.status, 200);
    assert_eq!(
        server
            .get(&format!("/v1/runs/{other}/events?token={of_run}"))
            .await
            .status,
        404
    );
    assert_eq!(
        server
            .get(&format!("/v1/events?runs={run}&token={of_run}&after=0"))
            .await
            .status,
        200
    );
    let elsewhere = server.get(&format!("/v1/runs/{run}?token={of_run}")).await;
    assert_eq!(
        (elsewhere.status, elsewhere.text("code")),
        (401, "credential_missing")
    );
}

#[tokio::test]
async fn a_token_says_what_is_wrong_with_it() {
    let server = Server::keyed().await;
    let key = server
        .key(
            "t",
            Some("ann"),
            &[Right::Read, Right::Manage],
            Some(&["writer"]),
        )
        .await;
    let cases = [
        (json!({"rights": ["read"]}), 400, "invalid_request"),
        (
            json!({"thread_id": "a", "run_id": "01980000-0000-7000-8000-000000000000", "rights": ["read"]}),
            400,
            "invalid_request",
        ),
        (
            json!({"run_id": "01980000-0000-7000-8000-000000000000", "rights": ["read"]}),
            404,
            "not_found",
        ),
        (
            json!({"thread_id": "a", "rights": []}),
            400,
            "invalid_request",
        ),
        (
            json!({"thread_id": "a", "rights": ["stop"]}),
            403,
            "not_allowed",
        ),
        (
            json!({"thread_id": "a", "rights": ["manage"]}),
            400,
            "invalid_request",
        ),
        (
            json!({"thread_id": "a", "rights": ["read"], "user": "bob"}),
            400,
            "invalid_request",
        ),
        (
            json!({"thread_id": "a", "rights": ["read"], "agents": ["demo"]}),
            400,
            "invalid_request",
        ),
        (
            json!({"thread_id": "a", "rights": ["read"], "expires_in": 0}),
            400,
            "invalid_request",
        ),
        (
            json!({"thread_id": "a", "rights": ["read"], "expires_in": 86_401}),
            400,
            "invalid_request",
        ),
    ];
    for (body, status, code) in cases {
        let answer = server
            .call(&key, Method::POST, "/v1/tokens", Some(body.clone()))
            .await;
        assert_eq!(
            (answer.status, answer.text("code")),
            (status, code),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_credential_has_so_many_streams() {
    let settings = Settings {
        mode: http::Mode::Keys,
        limits: http::Limits {
            streams_per_credential: 1,
            ..http::Limits::default()
        },
        ..Settings::default()
    };
    let server = Server::with(settings, Options::default()).await;
    let key = server.key("t", None, &Right::ALL, None).await;
    let feed = || async {
        server
            .request(Method::GET, "/v1/feed")
            .bearer_auth(&key)
            .send()
            .await
            .unwrap()
    };
    let first = feed().await;
    assert_eq!(first.status(), 200);
    let second = Answer::of(feed().await).await;
    assert_eq!(
        (second.status, second.text("code")),
        (429, "too_many_streams")
    );
    drop(first);
    // The server notices when it next writes or reads; then there is room again.
    tokio::time::timeout(crate::server::PATIENCE, async {
        while feed().await.status() != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn no_web_page_reaches_an_open_server() {
    let settings = Settings {
        allowed_origins: vec!["https://app.example.com".to_owned()],
        ..Settings::default()
    };
    let server = Server::with(settings, Options::default()).await;
    let server = &server;
    let send = async |header: &'static str, value: &'static str| {
        let request = server
            .request(Method::POST, "/v1/runs")
            .header(header, value)
            .header("content-type", "application/json")
            .body(r#"{"agent":"demo","input":"Hi"}"#);
        Answer::of(request.send().await.unwrap()).await
    };
    let rebound = send("host", "evil.example:4600").await;
    assert_eq!(
        (rebound.status, rebound.text("code")),
        (403, "host_not_allowed")
    );
    let foreign = send("origin", "https://evil.example").await;
    assert_eq!(
        (foreign.status, foreign.text("code")),
        (403, "origin_not_allowed")
    );
    assert_eq!(foreign.header("access-control-allow-origin"), "");
    let allowed = send("origin", "https://app.example.com").await;
    assert_eq!(allowed.status, 201);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://app.example.com"
    );
    assert_eq!(
        server.get("/v1/runs").await.body["runs"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let preflight = server
        .request(Method::OPTIONS, "/v1/runs")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,x-stainless-lang",
        );
    let preflight = Answer::of(preflight.send().await.unwrap()).await;
    assert_eq!(preflight.status, 200);
    assert!(
        preflight
            .header("access-control-allow-methods")
            .contains("POST")
    );
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("content-type,x-stainless-lang")
    );
}

#[tokio::test]
async fn the_log_names_who_acted() {
    let server = Server::keyed().await;
    let ann = server.key("t", Some("ann"), &Right::ALL, None).await;
    let run = server.call(&ann, Method::POST, "/v1/runs", start()).await;
    let run = run.text("id").to_owned();
    let _attempt = Attempt::claim(&server.store).await;
    let stop = format!("/v1/runs/{run}/stop");
    server
        .call(&ann, Method::POST, &stop, Some(json!({"why": "enough"})))
        .await;
    let page = server
        .call(
            &ann,
            Method::GET,
            &format!("/v1/runs/{run}/events?after=2"),
            None,
        )
        .await;
    assert_eq!(page.body["events"][0]["type"], "stop.requested");
    assert_eq!(
        page.body["events"][0]["data"],
        json!({"by": "ann", "why": "enough"})
    );
}
