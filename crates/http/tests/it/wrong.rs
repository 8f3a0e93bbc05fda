//! Every wrong input of the API has a status and a code.

use reqwest::Method;
use serde_json::Value;

use crate::server::{Answer, Server};
use crate::work::perform;

/// A server with a run that has ended, one that is open on thread `busy`, and one of a model.
struct Setting {
    server: Server,
    done: String,
    open: String,
    model: String,
}

impl Setting {
    async fn new() -> Self {
        let server = Server::open().await;
        let done = server.start("done").await;
        perform(&server.store).await;
        let open = server.start("busy").await;
        let body = serde_json::json!({"agent": "writer", "input": "Hi"});
        let model = server.post("/v1/runs", body).await.text("id").to_owned();
        Self {
            server,
            done,
            open,
            model,
        }
    }

    /// Sends one wrong request, as `METHOD path`, headers and a body, and compares the answer.
    async fn check(
        &self,
        request: &str,
        headers: &[(&str, &str)],
        body: &str,
        status: u16,
        code: &str,
    ) -> Answer {
        let fill = |text: &str| {
            text.replace("{done}", &self.done)
                .replace("{open}", &self.open)
                .replace("{model}", &self.model)
                .replace("{unknown}", "01980000-0000-7000-8000-000000000000")
        };
        let (method, path) = request.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut sent = self.server.request(method, &fill(path));
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            sent = sent.header("content-type", "application/json");
        }
        for (name, value) in headers {
            sent = sent.header(*name, *value);
        }
        let answer = Answer::of(sent.body(fill(body)).send().await.unwrap()).await;
        assert_eq!(
            (
                answer.status,
                answer.body["code"].as_str().unwrap_or_default()
            ),
            (status, code),
            "{request} {body}: {:?}",
            answer.body
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["status"], status);
        assert_eq!(answer.body["type"], format!("urn:outlive:{code}"));
        assert!(!answer.text("title").is_empty() && !answer.text("detail").is_empty());
        answer
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn a_start_says_what_is_wrong_with_it() {
    let setting = Setting::new().await;
    let check =
        |body: &'static str, status, code| setting.check("POST /v1/runs", &[], body, status, code);
    check("{", 400, "invalid_json").await;
    check("[]", 400, "invalid_request").await;
    check(r#"["demo",null,"Hi"]"#, 400, "invalid_request").await;
    check("{}", 400, "invalid_request").await;
    let unknown = check(r#"{"agnet":"demo","input":"Hi"}"#, 400, "invalid_request").await;
    assert_eq!(
        (unknown.text("path"), unknown.text("suggestion")),
        ("agnet", "agent")
    );
    let nested = check(
        r#"{"agent":"writer","input":"Hi","settings":{"temprature":1}}"#,
        400,
        "invalid_request",
    )
    .await;
    assert_eq!(
        (nested.text("path"), nested.text("suggestion")),
        ("settings.temprature", "temperature")
    );
    check(r#"{"agent":"demo","input":7}"#, 400, "invalid_request").await;
    check(
        r#"{"agent":"demo","input":{"part":"Hi"}}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        r#"{"agent":"demo","input":"Hi","thread_id":""}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        r#"{"agent":"demo","input":"Hi","supersedes":"x"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        r#"{"agent":"demo","input":"Hi","on_conflict":"supersede"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        r#"{"agent":"demo","input":"Hi","on_conflict":"enqueue","supersedes":"{open}"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        r#"{"agent":"demo","input":"Hi","budget":{"token":1}}"#,
        400,
        "invalid_request",
    )
    .await;
    let agent = check(r#"{"agent":"dmeo","input":"Hi"}"#, 422, "agent_unknown").await;
    assert_eq!(
        (agent.text("path"), agent.text("suggestion")),
        ("agent", "demo")
    );
    let overridden = check(
        r#"{"agent":"writer","input":"Hi","settings":{"temperature":1}}"#,
        422,
        "setting_not_overridable",
    )
    .await;
    assert_eq!(overridden.text("path"), "settings.temperature");
    check(
        r#"{"agent":"demo","input":"Hi","settings":{"model":"a/b"}}"#,
        422,
        "setting_not_overridable",
    )
    .await;
    check(
        r#"{"agent":"writer","input":"Hi","settings":{"model":"small"}}"#,
        400,
        "invalid_request",
    )
    .await;
    let busy = check(
        r#"{"agent":"demo","thread_id":"busy","input":"Hi"}"#,
        409,
        "run_already_active",
    )
    .await;
    assert_eq!(busy.text("run_id"), setting.open);
    check(
        r#"{"agent":"demo","thread_id":"busy","input":"Hi","supersedes":"{done}"}"#,
        409,
        "supersede_mismatch",
    )
    .await;
    let steer = r#"{"agent":"writer","thread_id":"model","input":"Hi"}"#;
    assert_eq!(
        setting
            .server
            .post("/v1/runs", serde_json::from_str::<Value>(steer).unwrap())
            .await
            .status,
        201
    );
    check(
        r#"{"agent":"writer","thread_id":"model","input":"Hi","on_conflict":"steer"}"#,
        422,
        "input_not_accepted",
    )
    .await;

    let body = r#"{"agent":"demo","input":"Hi"}"#;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        setting
            .check(
                "POST /v1/runs",
                &[("content-type", media_type)],
                body,
                415,
                "unsupported_media_type",
            )
            .await;
    }
    setting
        .check("POST /v1/runs", &[], "", 415, "unsupported_media_type")
        .await;
    let long = "k".repeat(201);
    for key in [long.as_str(), ""] {
        setting
            .check(
                "POST /v1/runs",
                &[("idempotency-key", key)],
                body,
                400,
                "invalid_header",
            )
            .await;
    }
    let metadata = format!(
        r#"{{"agent":"demo","input":"Hi","metadata":{{"a":"{}"}}}}"#,
        "x".repeat(17_000)
    );
    setting
        .check("POST /v1/runs", &[], &metadata, 400, "invalid_request")
        .await;
    let large = format!(
        r#"{{"agent":"demo","input":"{}"}}"#,
        "x".repeat(http::BODY_BYTES)
    );
    let large = setting
        .check("POST /v1/runs", &[], &large, 413, "body_too_large")
        .await;
    assert_eq!(large.body["max_bytes"], http::BODY_BYTES);
    // Short to send, long to store.
    let long = vec!["1e15"; 100_000].join(",");
    let long = format!(r#"{{"agent":"demo","input":{{"variables":{{"a":[{long}]}}}}}}"#);
    setting
        .check("POST /v1/runs", &[], &long, 413, "body_too_large")
        .await;
    let deep = format!("{}{}", "[".repeat(99), "]".repeat(99));
    let deep = format!(r#"{{"agent":"demo","input":{{"variables":{{"a":{deep}}}}}}}"#);
    setting
        .check("POST /v1/runs", &[], &deep, 400, "invalid_request")
        .await;
}

#[tokio::test]
async fn a_read_says_what_is_wrong_with_it() {
    let setting = Setting::new().await;
    let check = |request: &'static str, status, code| setting.check(request, &[], "", status, code);
    for path in [
        "x",
        "01980000000070008000000000000000",
        "01980000-0000-7000-8000-00000000000A",
        "%FF",
    ] {
        for rest in ["", "/events", "/inputs"] {
            setting
                .check(
                    &format!("GET /v1/runs/{path}{rest}"),
                    &[],
                    "",
                    400,
                    "invalid_id",
                )
                .await;
        }
    }
    check("GET /v1/runs/{unknown}", 404, "not_found").await;
    check("GET /v1/runs/{unknown}/events", 404, "not_found").await;
    check("GET /v1/runs/{unknown}/inputs", 404, "not_found").await;
    check("GET /v1/events?runs={done},{unknown}", 404, "not_found").await;
    check("GET /v1/runs?color=red", 400, "invalid_query").await;
    check("GET /v1/runs?status=done", 400, "invalid_query").await;
    check("GET /v1/runs?limit=0", 400, "invalid_query").await;
    check("GET /v1/runs?limit=201", 400, "invalid_query").await;
    check("GET /v1/runs?limit=x", 400, "invalid_query").await;
    check("GET /v1/runs?thread_id=", 400, "invalid_query").await;
    check("GET /v1/runs?cursor=x", 400, "cursor_unknown").await;
    check("GET /v1/threads?cursor=c", 400, "cursor_unknown").await;
    check("GET /v1/threads?column=a&colum=b", 400, "invalid_query").await;
    check("GET /v1/runs/{open}?wait=2h", 400, "invalid_query").await;
    check("GET /v1/runs/{open}?wait=61s", 400, "invalid_query").await;
    check(
        "GET /v1/runs/{open}?wait=1s&after=99",
        400,
        "cursor_unknown",
    )
    .await;
    check("GET /v1/runs/{open}/events?after=x", 400, "invalid_query").await;
    check(
        "GET /v1/runs/{open}/events?limit=1001",
        400,
        "invalid_query",
    )
    .await;
    let ahead = check("GET /v1/runs/{done}/events?after=9", 400, "cursor_unknown").await;
    assert_eq!(ahead.body["last"], 8);
    for id in ["x", "9", "1,2", "99999999999999999999"] {
        for accept in ["text/event-stream", "*/*"] {
            let headers = [("last-event-id", id), ("accept", accept)];
            setting
                .check(
                    "GET /v1/runs/{done}/events",
                    &headers,
                    "",
                    400,
                    "cursor_unknown",
                )
                .await;
        }
    }
    check("GET /v1/events", 400, "invalid_query").await;
    check("GET /v1/events?runs=", 400, "invalid_query").await;
    check("GET /v1/events?runs={done},x", 400, "invalid_query").await;
    check("GET /v1/events?runs={done},{done}", 400, "invalid_query").await;
    check(
        "GET /v1/events?runs={done}&after=1,2",
        400,
        "cursor_unknown",
    )
    .await;
    let several = check(
        "GET /v1/events?runs={open},{done}&after=0,9",
        400,
        "cursor_unknown",
    )
    .await;
    assert_eq!(several.text("run_id"), setting.done);
    let many: Vec<String> = (0..51)
        .map(|n| format!("01980000-0000-7000-8000-0000000000{n:02x}"))
        .collect();
    setting
        .check(
            &format!("GET /v1/events?runs={}", many.join(",")),
            &[],
            "",
            400,
            "invalid_query",
        )
        .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn a_command_says_what_is_wrong_with_it() {
    let setting = Setting::new().await;
    let check = |request: &'static str, body: &'static str, status, code| {
        setting.check(request, &[], body, status, code)
    };
    for command in ["stop", "retry", "apply"] {
        setting
            .check(
                &format!("POST /v1/runs/{{unknown}}/{command}"),
                &[],
                "",
                404,
                "not_found",
            )
            .await;
        setting
            .check(
                &format!("POST /v1/runs/x/{command}"),
                &[],
                "",
                400,
                "invalid_id",
            )
            .await;
    }
    check(
        "POST /v1/runs/{open}/stop",
        r#"{"reason":"x"}"#,
        400,
        "invalid_request",
    )
    .await;
    check("POST /v1/runs/{open}/stop", "{", 400, "invalid_json").await;
    let why = format!(r#"{{"why":"{}"}}"#, "x".repeat(3_000));
    setting
        .check(
            "POST /v1/runs/{open}/stop",
            &[],
            &why,
            400,
            "invalid_request",
        )
        .await;
    setting
        .check(
            "POST /v1/runs/{open}/stop",
            &[("content-type", "text/plain")],
            "{}",
            415,
            "unsupported_media_type",
        )
        .await;
    check("POST /v1/runs/{open}/retry", "", 409, "run_open").await;
    check("POST /v1/runs/{open}/apply", "", 409, "not_succeeded").await;
    check("DELETE /v1/runs/{open}", "", 409, "run_open").await;
    check("DELETE /v1/runs/{unknown}", "", 404, "not_found").await;

    check(
        "POST /v1/runs/{open}/inputs",
        r#"{"mode":"later","parts":"x"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        "POST /v1/runs/{open}/inputs",
        r#"{"mode":"steer","parts":[]}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        "POST /v1/runs/{open}/inputs",
        r#"{"mode":"steer","parts":[{"type":"song"}]}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        "POST /v1/runs/{unknown}/inputs",
        r#"{"mode":"steer","parts":"x"}"#,
        404,
        "not_found",
    )
    .await;
    check(
        "POST /v1/runs/{model}/inputs",
        r#"{"mode":"steer","parts":"x"}"#,
        422,
        "input_not_accepted",
    )
    .await;
    let ended = check(
        "POST /v1/runs/{done}/inputs",
        r#"{"mode":"steer","parts":"x"}"#,
        409,
        "run_final",
    )
    .await;
    assert_eq!(ended.text("run_status"), "succeeded");
    check(
        "DELETE /v1/runs/{open}/inputs/i9",
        "",
        409,
        "input_not_pending",
    )
    .await;
    let long = format!("DELETE /v1/runs/{{open}}/inputs/{}", "i".repeat(200));
    setting.check(&long, &[], "", 400, "invalid_id").await;

    check(
        "POST /v1/runs/{open}/requests/q1",
        r#"{"decision":"allow"}"#,
        404,
        "request_unknown",
    )
    .await;
    check(
        "POST /v1/runs/{open}/requests/q1",
        r#"{"decision":"maybe"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        "POST /v1/runs/{open}/requests/q1",
        "{}",
        400,
        "invalid_request",
    )
    .await;
    check(
        "POST /v1/runs/{unknown}/requests/q1",
        r#"{"result":1}"#,
        404,
        "not_found",
    )
    .await;
}

#[tokio::test]
async fn a_thread_says_what_is_wrong_with_it() {
    let setting = Setting::new().await;
    let check = |request: &'static str, body: &'static str, status, code| {
        setting.check(request, &[], body, status, code)
    };
    check("POST /v1/threads", r#"{"id":"busy"}"#, 409, "thread_exists").await;
    check(
        "POST /v1/threads",
        r#"{"parent_id":"nobody"}"#,
        422,
        "parent_unknown",
    )
    .await;
    check(
        "POST /v1/threads",
        r#"{"name":"x"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        "POST /v1/threads",
        r#"{"id":"a\nb"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        "PATCH /v1/threads/nobody",
        r#"{"title":"x"}"#,
        404,
        "not_found",
    )
    .await;
    check(
        "PATCH /v1/threads/busy",
        r#"{"id":"x"}"#,
        400,
        "invalid_request",
    )
    .await;
    check(
        "PATCH /v1/threads/busy",
        r#"{"position":"first"}"#,
        400,
        "invalid_request",
    )
    .await;
    check("GET /v1/threads/nobody", "", 404, "not_found").await;
    check("GET /v1/threads/nobody/run", "", 404, "not_found").await;
    check("POST /v1/threads/nobody/stop", "", 404, "not_found").await;
    check("DELETE /v1/threads/nobody", "", 404, "not_found").await;
    check("DELETE /v1/threads/busy", "", 409, "run_open").await;
    for (member, n_bytes) in [("title", 1_025), ("body", 262_145), ("column", 201)] {
        let body = format!(r#"{{"{member}":"{}"}}"#, "x".repeat(n_bytes));
        for request in ["POST /v1/threads", "PATCH /v1/threads/busy"] {
            setting
                .check(request, &[], &body, 400, "invalid_request")
                .await;
        }
    }
    let labels = format!(r#"{{"labels":[{}]}}"#, vec![r#""x""#; 65].join(","));
    setting
        .check("POST /v1/threads", &[], &labels, 400, "invalid_request")
        .await;
    let long = format!("GET /v1/threads/{}", "t".repeat(201));
    setting.check(&long, &[], "", 400, "invalid_id").await;
    check("GET /v1/threads/a%0Ab", "", 400, "invalid_id").await;
}

#[tokio::test]
async fn an_address_that_is_not_there_says_so() {
    let setting = Setting::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/run",
        "/v1/runs/",
        "/v2/runs",
        "/v1/runs/{open}/event",
    ] {
        setting
            .check(&format!("GET {path}"), &[], "", 404, "route_unknown")
            .await;
    }
    for (request, allow) in [
        ("PUT /v1/runs", "POST,GET,HEAD"),
        ("DELETE /v1/runs", "POST,GET,HEAD"),
        ("POST /v1/runs/{open}", "GET,HEAD,DELETE"),
        ("GET /v1/runs/{open}/stop", "POST"),
        ("POST /healthz", "GET,HEAD"),
    ] {
        let answer = setting
            .check(request, &[], "", 405, "method_not_allowed")
            .await;
        let mut found: Vec<&str> = answer.header("allow").split(',').collect();
        let mut expected: Vec<&str> = allow.split(',').collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{request}");
    }
}

#[tokio::test]
async fn a_store_that_does_not_work_is_told_without_its_words() {
    let setting = Setting::new().await;
    setting.server.store.close().await;
    let start = r#"{"agent":"demo","input":"Hi"}"#;
    for (request, body) in [
        ("POST /v1/runs", start),
        ("POST /v1/runs/{open}/stop", ""),
        ("DELETE /v1/runs/{done}", ""),
        ("POST /v1/threads", "{}"),
    ] {
        let answer = setting
            .check(request, &[], body, 503, "store_unavailable")
            .await;
        assert_eq!(answer.header("retry-after"), "2");
        assert_eq!(answer.text("why"), "closed");
    }
}
