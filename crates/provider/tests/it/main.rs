//! The client against real bytes on a real socket.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its tools as well")]

mod conformance;
mod server;

use std::time::Duration;

use provider::{
    Client, Error, EventStream, FinishReason, Message, Request, Role, Secret, StreamEvent, Vendor,
    limits,
};
use serde_json::json;
use server::{Seen, Server, Step, answer, begin, end};

const KEY: &str = "sk-test-0123456789abcdef";
const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n";
const FINISH: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

fn client() -> Client {
    // A proxy of the machine has no business in between.
    Client::new(Client::builder().no_proxy().build().unwrap())
}

fn vendor(server: &Server) -> Vendor {
    Vendor::openai(&server.base_url).with_key(KEY)
}

fn request() -> Request {
    Request {
        model: "m-1".into(),
        messages: vec![Message::text(Role::User, "Hello")],
        ..Request::default()
    }
}

async fn drain(stream: &mut EventStream) -> (Vec<StreamEvent>, Option<Error>) {
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "an error is the end");
                return (events, Some(error));
            }
        }
    }
    (events, None)
}

/// Makes the call against a server that plays `steps`, to the end.
async fn call(steps: Vec<Step>) -> (Vec<StreamEvent>, Option<Error>) {
    let server = Server::start(steps).await;
    match client().stream(&vendor(&server), &request()).await {
        Ok(mut stream) => drain(&mut stream).await,
        Err(error) => (Vec::new(), Some(error)),
    }
}

fn said(text: &str) -> StreamEvent {
    StreamEvent::TextDelta(text.into())
}

fn finished() -> StreamEvent {
    StreamEvent::Finished {
        finish_reason: FinishReason::Stop,
    }
}

/// What an error says in all, the causes behind it included.
fn whole(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text} {inner} {inner:?}");
        cause = inner.source();
    }
    text
}

/// The call fails with this error after these texts; the key is nowhere in it.
#[track_caller]
fn check(
    (events, error): (Vec<StreamEvent>, Option<Error>),
    texts: &[&str],
    expected: &str,
) -> Error {
    let texts: Vec<_> = texts.iter().map(|text| said(text)).collect();
    assert_eq!(events, texts);
    let error = error.expect("an error");
    assert_eq!(error.to_string(), expected);
    assert!(!whole(&error).contains(KEY), "{}", whole(&error));
    error
}

#[tokio::test]
async fn a_call_sends_what_the_wire_wants_and_reads_the_answer() {
    let steps = vec![begin(&format!("{TEXT}{FINISH}data: [DONE]\n\n")), end()];
    let mut server = Server::start(steps).await;
    let mut vendor = vendor(&server);
    vendor.headers.push(("X-Title".into(), "Outlive".into()));
    let mut stream = client().stream(&vendor, &request()).await.unwrap();
    let (events, error) = drain(&mut stream).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events, [said("Hi"), finished()]);

    let Seen { head, body } = server.seen().await;
    assert!(
        head.starts_with("post /v1/chat/completions http/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("\r\nauthorization: bearer {KEY}\r\n")),
        "{head}"
    );
    assert!(head.contains("\r\nx-title: outlive\r\n"), "{head}");
    assert_eq!(body["model"], "m-1");
    assert_eq!(
        body["messages"],
        json!([{"role": "user", "content": "Hello"}])
    );
}

#[tokio::test]
async fn a_base_url_keeps_its_query_and_needs_no_slash() {
    for suffix in ["", "/", "?api-version=1"] {
        let mut server = Server::start(vec![answer("404 Not Found", "", "no")]).await;
        let vendor = Vendor::openai(format!("{}{suffix}", server.base_url));
        client().stream(&vendor, &request()).await.unwrap_err();
        let query = suffix.trim_start_matches('/');
        let Seen { head, .. } = server.seen().await;
        assert!(
            head.starts_with(&format!("post /v1/chat/completions{query} http/1.1\r\n")),
            "{head}"
        );
        assert!(!head.contains("authorization"), "{head}");
    }
}

#[tokio::test]
async fn a_refused_key_is_unauthorized_and_nowhere_repeated() {
    let body = json!({"error": {"message": format!("Incorrect API key provided: {KEY}."), "code": "invalid_api_key"}});
    let got = call(vec![answer(
        "401 Unauthorized",
        "content-type: application/json\r\n",
        &body.to_string(),
    )])
    .await;
    let error = check(
        got,
        &[],
        "the vendor did not accept the key: Incorrect API key provided: ***.",
    );
    assert!(matches!(error, Error::Unauthorized { .. }) && !error.is_retryable());
}

#[tokio::test]
async fn an_unknown_model_is_told() {
    let body = r#"{"error":{"message":"model \"m-1\" not found, try pulling it first","type":"api_error","param":null,"code":null}}"#;
    let got = call(vec![answer("404 Not Found", "", body)]).await;
    let expected =
        "the vendor does not know the model m-1: model \"m-1\" not found, try pulling it first";
    let error = check(got, &[], expected);
    assert!(matches!(error, Error::UnknownModel { .. }) && !error.is_retryable());
}

#[tokio::test]
async fn a_rate_limit_says_how_long() {
    let got = call(vec![answer(
        "429 Too Many Requests",
        "Retry-After: 7\r\n",
        "slow down",
    )])
    .await;
    let error = check(got, &[], "the vendor limits the rate: slow down");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.vendor_message(), Some("slow down"));
    assert!(error.is_retryable());

    let past = "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n";
    let got = call(vec![answer("429 Too Many Requests", past, "slow down")]).await;
    assert_eq!(got.1.unwrap().retry_after(), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_vendor_that_fails_may_be_asked_again() {
    let got = call(vec![answer("500 Internal Server Error", "", "")]).await;
    let error = check(
        got,
        &[],
        "the vendor failed (500): HTTP 500 Internal Server Error",
    );
    assert!(error.is_retryable() && error.retry_after().is_none());
}

#[tokio::test]
async fn an_error_body_without_end_is_read_to_its_bound_and_leaks_no_half_key() {
    let pad = " ".repeat(limits::ERROR_BODY_BYTES - 10);
    let body = format!("{pad}{KEY}{pad}");
    let got = call(vec![answer("400 Bad Request", "", &body)]).await;
    let error = check(
        got,
        &[],
        "the vendor rejected the request: HTTP 400 Bad Request",
    );
    assert!(!error.is_retryable());

    // Cut by the vendor in the middle of the key.
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-length: 500\r\n\r\nno: ";
    let got = call(vec![Step::Send(format!("{head}{}", &KEY[..20]))]).await;
    assert!(!whole(&got.1.unwrap()).contains(&KEY[..8]));
}

#[tokio::test]
async fn a_stream_that_is_cut_is_no_success() {
    let cut = "the vendor's stream ended before the answer was complete";
    let done = || "data: [DONE]\n\n";
    for steps in [
        // Closed inside the chunked body, reset, ended in order, and `[DONE]` without a finish reason.
        vec![begin(TEXT)],
        vec![begin(TEXT), end()],
        vec![begin(&format!("{TEXT}{}", &FINISH[..40])), end()],
        vec![begin(&format!("{TEXT}{}", done())), end()],
    ] {
        let error = check(call(steps).await, &["Hi"], cut);
        assert!(matches!(error, Error::Disconnected { .. }) && error.is_retryable());
    }
}

#[tokio::test]
async fn a_reset_is_a_disconnection() {
    // Before the headers, so that no byte of the answer races with the reset.
    let (events, error) = call(vec![Step::Reset]).await;
    assert!(events.is_empty());
    assert!(
        matches!(error, Some(Error::Disconnected { source: Some(_) })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_finished_answer_stands_even_if_the_connection_breaks_behind_it() {
    let (events, error) = call(vec![begin(&format!("{TEXT}{FINISH}"))]).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events, [said("Hi"), finished()]);
}

#[tokio::test]
async fn garbage_in_a_stream_is_told_with_its_beginning() {
    let got = call(vec![
        begin(&format!("{TEXT}data: {{not json {KEY}\n\n")),
        end(),
    ])
    .await;
    let expected = "the vendor sent what cannot be read: key must be a string at line 1 column 2 in {not json ***";
    assert!(check(got, &["Hi"], expected).is_retryable());

    let page = answer(
        "200 OK",
        "content-type: text/html\r\n",
        "<html>Sign in</html>",
    );
    let expected = "the vendor sent what cannot be read: not an event stream: <html>Sign in</html>";
    check(call(vec![page]).await, &[], expected);

    let got = call(vec![Step::Send("SSH-2.0-OpenSSH_9.2\r\n".into())]).await;
    assert!(matches!(got.1, Some(Error::Disconnected { .. })), "{got:?}");
}

#[tokio::test]
async fn an_error_in_a_stream_is_the_vendors_words() {
    let event = format!(
        "data: {{\"error\":{{\"message\":\"Sorry about {KEY}!\",\"type\":\"server_error\"}}}}\n\n"
    );
    let got = call(vec![begin(&format!("{TEXT}{event}")), end()]).await;
    let error = check(got, &["Hi"], "the vendor failed: Sorry about ***!");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn an_error_with_status_200_is_an_error() {
    let body = r#"{"error":{"message":"No credits","code":402}}"#;
    let got = call(vec![answer(
        "200 OK",
        "content-type: application/json; charset=utf-8\r\n",
        body,
    )])
    .await;
    check(
        got,
        &[],
        "the vendor rejected the request (402): No credits",
    );
}

#[tokio::test]
async fn a_stream_that_gives_no_byte_is_stalled_and_closed() {
    let server = Server::start(vec![begin(TEXT), Step::UntilClosed]).await;
    let mut stream = client().stream(&vendor(&server), &request()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), said("Hi"));
    // With nothing else to do, the clock jumps to the end of the wait.
    tokio::time::pause();
    let error = stream.next().await.unwrap().unwrap_err();
    tokio::time::resume();
    assert_eq!(error.to_string(), "the vendor sent nothing for 120000 ms");
    assert!(error.is_retryable());
    server.played().await;
}

#[tokio::test]
async fn headers_that_do_not_come_are_a_stall_and_close_the_connection() {
    let mut server = Server::start(vec![Step::UntilClosed]).await;
    let vendor = vendor(&server);
    let call = tokio::spawn(async move { client().stream(&vendor, &request()).await });
    server.seen().await;
    tokio::time::pause();
    let error = call.await.unwrap().unwrap_err();
    tokio::time::resume();
    assert_eq!(error.to_string(), "the vendor sent nothing for 300000 ms");
    server.played().await;
}

#[tokio::test]
async fn dropping_a_stream_closes_the_connection() {
    let server = Server::start(vec![begin(TEXT), Step::UntilClosed]).await;
    let client = client();
    let mut stream = client.stream(&vendor(&server), &request()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), said("Hi"));
    drop(stream);
    server.played().await;
}

#[tokio::test]
async fn dropping_a_call_that_waits_closes_the_connection() {
    let mut server = Server::start(vec![Step::UntilClosed]).await;
    let client = client();
    let vendor = vendor(&server);
    let request = request();
    let call = client.stream(&vendor, &request);
    tokio::select! {
        _ = call => panic!("nothing was answered"),
        _ = server.seen() => {}
    }
    server.played().await;
}

#[tokio::test]
async fn waiting_for_an_event_may_be_given_up_and_taken_up_again() {
    let steps = vec![begin(TEXT), begin_again(FINISH), end()];
    let server = Server::start(steps).await;
    let mut stream = client().stream(&vendor(&server), &request()).await.unwrap();
    let mut events = Vec::new();
    loop {
        tokio::select! {
            biased;
            event = stream.next() => match event {
                Some(event) => events.push(event.unwrap()),
                None => break,
            },
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(events, [said("Hi"), finished()]);
}

/// One more chunk of a stream that has begun.
fn begin_again(text: &str) -> Step {
    Step::Send(format!("{:x}\r\n{text}\r\n", text.len()))
}

#[tokio::test]
async fn nobody_at_the_address_is_no_connection() {
    // Nothing listens on a port that was just given back.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let vendor = Vendor::openai(format!("http://{address}/v1?key={KEY}")).with_key(KEY);
    let error = client().stream(&vendor, &request()).await.unwrap_err();
    let error = check(
        (Vec::new(), Some(error)),
        &[],
        "could not connect to the vendor",
    );
    assert!(matches!(error, Error::Connect { .. }) && error.is_retryable());
    assert!(matches!(
        client().models(&vendor).await,
        Err(Error::Connect { .. })
    ));
}

#[tokio::test]
async fn models_are_listed() {
    for body in [
        r#"{"object":"list","data":[{"id":"a","object":"model"},{"id":"b"},{}]}"#,
        r#"{"models":[{"name":"a"},{"name":"b"}]}"#,
        r#"[{"id":"a"},{"id":"b"}]"#,
    ] {
        let mut server = Server::start(vec![answer("200 OK", "", body)]).await;
        assert_eq!(client().models(&vendor(&server)).await.unwrap(), ["a", "b"]);
        assert!(
            server
                .seen()
                .await
                .head
                .starts_with("get /v1/models http/1.1\r\n")
        );
    }
    let server = Server::start(vec![answer("401 Unauthorized", "", "no")]).await;
    assert!(matches!(
        client().models(&vendor(&server)).await,
        Err(Error::Unauthorized { .. })
    ));
    let server = Server::start(vec![answer("200 OK", "", r#"{"status":"up"}"#)]).await;
    assert!(matches!(
        client().models(&vendor(&server)).await,
        Err(Error::Garbage { .. })
    ));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_without_a_connection() {
    let bad = |base_url: &str| Vendor::openai(base_url);
    let mut header = bad("http://127.0.0.1:1");
    header.headers.push(("a b".into(), "c".into()));
    for (vendor, expected) in [
        (
            bad("nonsense"),
            "the vendor's base URL: relative URL without a base",
        ),
        (
            bad("ftp://x/"),
            "the vendor's base URL is neither http nor https",
        ),
        (
            bad(&format!("http://me:{KEY}@x/")),
            "the vendor's base URL has a user or a password in it; use the key",
        ),
        (
            bad("http://127.0.0.1:1").with_key(Secret::new("a\nb")),
            "the vendor's key has a character that no header may have",
        ),
        (header, "\"a b\" cannot be the name of a header"),
    ] {
        let error = client().stream(&vendor, &request()).await.unwrap_err();
        assert!(!error.is_retryable());
        assert_eq!(
            error.to_string(),
            format!("invalid model request: {expected}")
        );
    }
}

#[test]
fn a_vendor_shows_no_secret() {
    let mut vendor = Vendor::openai("http://x").with_key(KEY);
    vendor
        .headers
        .push(("x-api-key".into(), Secret::new(format!(" {KEY}\n"))));
    let shown = format!("{vendor:?} {}", vendor.headers[0].1);
    assert!(!shown.contains(KEY) && shown.contains("***"), "{shown}");
    assert_eq!(vendor.headers[0].1.reveal(), KEY);
}
