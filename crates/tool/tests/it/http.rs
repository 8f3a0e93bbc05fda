//! Over streamable HTTP, with the SDK's own server on this machine and faults in front of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use axum::middleware::{Next, from_fn};
use axum::routing::any;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tool::mcp::{Error, Server};
use tool::{Guard, GuardedClient, Secret};

use crate::call;
use crate::handler::Faulty;

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn mcp(sessions: &Arc<LocalSessionManager>) -> Router {
    let config = StreamableHttpServerConfig::default();
    let service =
        StreamableHttpService::new(|| Ok(Faulty::default()), Arc::clone(sessions), config);
    Router::new().route_service("/mcp", service)
}

fn client() -> GuardedClient {
    Guard::new(&["127.0.0.1"]).unwrap().client().unwrap()
}

async fn connect(address: SocketAddr) -> Result<Server, Error> {
    let headers = [(
        "authorization".to_owned(),
        Secret::new("Bearer s3cret-token"),
    )];
    Server::over_http("web", &format!("http://{address}/mcp"), &headers, &client()).await
}

#[tokio::test]
async fn tools_are_listed_and_called_and_the_session_is_deleted() {
    let sessions = Arc::default();
    let server = connect(serve(mcp(&sessions)).await).await.unwrap();
    assert_eq!(server.tools().await.unwrap().tools.len(), 11);
    let said = server
        .call(call("echo", json!({"text": "hello"})))
        .await
        .unwrap();
    assert_eq!(said.text, "hello");
    let error = server.call(call("error", json!({}))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "MCP server web answered with error -32050: out of order: ***"
    );
    assert_eq!(sessions.sessions.read().await.len(), 1);
    server.close().await;
    assert_eq!(sessions.sessions.read().await.len(), 0);
}

#[tokio::test]
async fn progress_and_cancelling_work_over_http_too() {
    let server = connect(serve(mcp(&Arc::default())).await).await.unwrap();
    let (to, mut notices) = mpsc::channel(8);
    let mut notify = call("notify", json!({"times": 2}));
    notify.notices = Some(to);
    assert_eq!(server.call(notify).await.unwrap().text, "done");
    assert_eq!(notices.recv().await.as_deref(), Some("1/2 step"));
    assert_eq!(notices.recv().await.as_deref(), Some("2/2 step"));
    let mut stuck = call("stuck", json!({}));
    stuck.timeout = std::time::Duration::from_millis(100);
    assert_eq!(server.call(stuck).await.unwrap_err().code(), "tool_timeout");
    let cancelled = server.call(call("cancelled", json!({}))).await.unwrap();
    assert_eq!(cancelled.text, "1");
}

#[tokio::test]
async fn the_headers_go_with_every_request() {
    let missing = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&missing);
    let check = from_fn(move |request: Request, next: Next| {
        if request
            .headers()
            .get("authorization")
            .is_none_or(|it| it != "Bearer s3cret-token")
        {
            counted.fetch_add(1, Ordering::SeqCst);
        }
        next.run(request)
    });
    let server = connect(serve(mcp(&Arc::default()).layer(check)).await)
        .await
        .unwrap();
    server.call(call("echo", json!({}))).await.unwrap();
    server.close().await;
    assert_eq!(missing.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_lost_session_is_begun_anew() {
    let sessions: Arc<LocalSessionManager> = Arc::default();
    let server = connect(serve(mcp(&sessions)).await).await.unwrap();
    sessions.sessions.write().await.clear();
    let said = server
        .call(call("echo", json!({"text": "again"})))
        .await
        .unwrap();
    assert_eq!(said.text, "again");
    assert_eq!(sessions.sessions.read().await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_too_long_fails_its_call_alone() {
    let server = connect(serve(mcp(&Arc::default())).await).await.unwrap();
    let error = server
        .call(call("huge", json!({"bytes": 50_000_000})))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "MCP server web sent what cannot be read: a message of more than 8388608 bytes"
    );
    let said = server
        .call(call("echo", json!({"text": "alive"})))
        .await
        .unwrap();
    assert_eq!(said.text, "alive");
}

#[tokio::test]
async fn a_server_that_vanishes_fails_its_calls() {
    // A runtime of its own takes its connections along when it ends.
    let there = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let address = there.spawn(serve(mcp(&Arc::default()))).await.unwrap();
    let server = connect(address).await.unwrap();
    let (to, mut notices) = mpsc::channel(1);
    let mut stuck = call("stuck", json!({"notify": true}));
    stuck.notices = Some(to);
    let (stuck, ()) = tokio::join!(server.call(stuck), async {
        assert_eq!(notices.recv().await.as_deref(), Some("0 stuck"));
        there.shutdown_background();
    });
    assert_eq!(stuck.unwrap_err().code(), "mcp_gone");
    let later = server.call(call("echo", json!({}))).await.unwrap_err();
    assert_eq!(later.code(), "mcp_unreachable");
}

/// The greeting passes; a call gets this answer.
async fn broken(
    request: Request,
    next: Next,
    (status, kind, text): (u16, &'static str, &'static str),
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    if !String::from_utf8_lossy(&body).contains("tools/call") {
        return next.run(Request::from_parts(parts, body.into())).await;
    }
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status.try_into().unwrap();
    let kind = kind.parse().unwrap();
    response.headers_mut().insert("content-type", kind);
    response
}

#[tokio::test]
async fn an_error_status_in_the_middle_of_a_session_fails_its_call() {
    for (status, expected) in [
        (503, "MCP server web could not be reached: HTTP 503"),
        (401, "MCP server web did not accept the credentials"),
        // Begun anew once, and then no more.
        (
            404,
            "MCP server web could not be reached: Session expired (HTTP 404)",
        ),
    ] {
        let answer = (status, "text/plain", "no");
        let failing = from_fn(move |request: Request, next: Next| broken(request, next, answer));
        let server = connect(serve(mcp(&Arc::default()).layer(failing)).await).await;
        let error = server.unwrap().call(call("echo", json!({}))).await;
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_broken_answer_fails_its_call_at_once() {
    for (kind, answer) in [
        ("application/json", "{\"jsonrpc\":\"2.0\",\"id\":1,\"resu"),
        (
            "text/event-stream",
            "id: 7\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"resu\n\n",
        ),
        (
            "text/event-stream",
            "data: {\"jsonrpc\":\"2.0\",\"id\":1}\n\n",
        ),
    ] {
        // The greeting passes; what comes behind it is broken.
        let broken =
            from_fn(move |request: Request, next: Next| broken(request, next, (200, kind, answer)));
        let app = mcp(&Arc::default()).layer(broken);
        let server = connect(serve(app).await).await.unwrap();
        let error = server.call(call("echo", json!({}))).await.unwrap_err();
        assert_eq!(error.code(), "mcp_garbage", "{error}");
    }
}

/// What comes of a server whose every answer is this one.
async fn answered(status: u16, headers: HeaderMap, body: &'static str) -> Error {
    let answer = any(move || {
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status.try_into().unwrap();
        *response.headers_mut() = headers.clone();
        std::future::ready(response)
    });
    connect(serve(Router::new().route("/mcp", answer)).await)
        .await
        .expect_err("no hello")
}

async fn check(status: u16, headers: &[(&'static str, &str)], body: &'static str, expected: &str) {
    let pair =
        |&(name, value): &(&'static str, &str)| (name.try_into().unwrap(), value.parse().unwrap());
    let headers = headers.iter().map(pair).collect();
    assert_eq!(answered(status, headers, body).await.to_string(), expected);
}

#[tokio::test]
async fn what_is_wrong_at_the_server_is_said_plainly() {
    let refused = "MCP server web did not accept the credentials";
    check(401, &[("www-authenticate", "Bearer")], "", refused).await;
    check(401, &[], "who are you, s3cret-token?", refused).await;
    check(403, &[], "", refused).await;
    check(
        503,
        &[],
        "busy",
        "MCP server web could not be reached: HTTP 503",
    )
    .await;
    check(
        404,
        &[("content-type", "text/plain")],
        "nothing here for s3cret-token",
        "MCP server web could not be reached: HTTP 404 Not Found: nothing here for ***",
    )
    .await;
    check(
        200,
        &[("content-type", "text/html")],
        "<p>Welcome</p>",
        "MCP server web sent what cannot be read: an answer of content type text/html",
    )
    .await;
}

#[tokio::test]
async fn nobody_listening_is_said_plainly() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = connect(address).await.unwrap_err();
    assert_eq!(error.code(), "mcp_unreachable");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn the_guard_holds_for_servers_as_well() {
    let open = Guard::new(&[""; 0]).unwrap().client().unwrap();
    let refused = |url: &'static str| {
        let open = open.clone();
        async move { Server::over_http("web", url, &[], &open).await.unwrap_err() }
    };
    let literal = refused("http://127.0.0.1:1/mcp").await;
    assert_eq!(literal.code(), "address_refused");
    let name = refused("http://localhost:1/mcp").await;
    assert_eq!(name.code(), "address_refused");
    assert!(
        name.to_string()
            .contains("an operator can allow it with allow_hosts"),
        "{name}"
    );
    assert_eq!(refused("not an address").await.code(), "mcp_invalid");
    let redirect = [("location", "http://169.254.169.254/")];
    check(
        307,
        &redirect,
        "",
        "MCP server web: address 169.254.169.254 of host 169.254.169.254 is a cloud's metadata address; an operator \
         can allow it with allow_hosts",
    )
    .await;
}

#[tokio::test]
async fn a_redirect_to_another_origin_gets_no_header() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let other = any(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        std::future::ready("")
    });
    let other = serve(Router::new().fallback(other)).await;
    let headers = [("location", &*format!("http://{other}/mcp"))];
    let pair =
        |(name, value): (&'static str, &str)| (name.try_into().unwrap(), value.parse().unwrap());
    let error = answered(307, headers.into_iter().map(pair).collect(), "").await;
    assert!(error.to_string().contains("HTTP 307"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_named_and_not_shown() {
    let address = serve(mcp(&Arc::default())).await;
    let url = format!("http://{address}/mcp");
    let error = |name: &str, value: &str| {
        let headers = [(name.to_owned(), Secret::new(value))];
        let url = url.clone();
        async move {
            Server::over_http("web", &url, &headers, &client())
                .await
                .unwrap_err()
                .to_string()
        }
    };
    assert_eq!(
        error("x y", "s3cret").await,
        "MCP server web: \"x y\" cannot be the name of a header"
    );
    assert_eq!(
        error("mcp-session-id", "s3cret").await,
        "MCP server web: the header mcp-session-id belongs to the protocol"
    );
    assert_eq!(
        error("x-key", "s3cret\nvalue").await,
        "MCP server web: the header x-key has a character that no header may have"
    );
}
