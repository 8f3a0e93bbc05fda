//! Servers that say what no honest server says: each line is written here.

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, split};
use tool::ToolOutput;
use tool::mcp::{Error, Server};

use crate::call;

/// Says hello, and answers the next request with `answer`, in which `ID` stands for the request's id. Then it stays
/// silent and keeps the pipe open.
async fn peer(stream: DuplexStream, answer: String) {
    let (read, mut write) = split(stream);
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let message: Value = serde_json::from_str(&line).unwrap();
        let answer = match message["method"].as_str().unwrap() {
            "initialize" => json!({"jsonrpc": "2.0", "id": message["id"], "result": {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "scripted", "version": "1"},
            }})
            .to_string(),
            "notifications/initialized" => continue,
            _ => answer.replace("ID", &message["id"].to_string()),
        };
        write
            .write_all(format!("{answer}\n").as_bytes())
            .await
            .unwrap();
    }
}

async fn server(answer: &str) -> Server {
    // A short answer comes byte by byte.
    let room = if answer.len() < 1000 { 1 } else { 1 << 16 };
    let (ours, theirs) = tokio::io::duplex(room);
    tokio::spawn(peer(theirs, answer.to_owned()));
    let (read, write) = split(ours);
    Server::over_io("odd", read, write, &[]).await.unwrap()
}

async fn answered(answer: &str) -> Result<ToolOutput, Error> {
    server(answer).await.call(call("x", json!({}))).await
}

async fn check(answer: &str, expected: &str) {
    let error = answered(answer).await.unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_broken_answer_fails_its_call_at_once() {
    let garbage = "MCP server odd sent what cannot be read: ";
    check(
        r#"{"jsonrpc":"2.0","id":ID,"result":{"content":"#,
        &format!("{garbage}a broken message"),
    )
    .await;
    check(
        r#"{"jsonrpc":"2.0","id":ID}"#,
        &format!("{garbage}a broken message"),
    )
    .await;
    check(r#"{"jsonrpc":"2.0","id":ID,"result":7}"#, garbage).await;
    check(
        r#"{"jsonrpc":"2.0","id":ID,"result":{"tools":[]}}"#,
        garbage,
    )
    .await;
    check(
        r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text"}]}}"#,
        garbage,
    )
    .await;
    check(
        r#"[{"jsonrpc":"2.0","id":ID,"result":{}}]"#,
        &format!("{garbage}several messages"),
    )
    .await;
}

#[tokio::test]
async fn noise_before_an_answer_does_not_matter() {
    let answer = r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"ok"}]}}"#;
    let noisy = format!(
        "ready!\n\n{{\"level\":30}}\n{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/odd\"}}\n{answer}"
    );
    assert_eq!(answered(&noisy).await.unwrap().text, "ok");
}

#[tokio::test]
async fn an_id_may_come_back_as_a_string_and_a_result_without_content() {
    let answer = r#"{"jsonrpc":"2.0","id":"ID","result":{}}"#;
    assert_eq!(answered(answer).await.unwrap(), ToolOutput::default());
}

#[tokio::test]
async fn what_a_server_asks_of_us_is_declined_and_the_call_goes_on() {
    let asks = r#"{"jsonrpc":"2.0","id":99,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":5}}"#;
    // Our refusal comes back to the peer as a message without a method, so it answers the call first.
    let answer = format!(
        r#"{{"jsonrpc":"2.0","id":ID,"result":{{"content":[{{"type":"text","text":"ok"}}]}}}}{}{asks}"#,
        "\n"
    );
    assert_eq!(answered(&answer).await.unwrap().text, "ok");
}

#[tokio::test]
async fn a_log_line_is_a_notice() {
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"warning","data":"slow"}}"#;
    let answer = r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[]}}"#;
    let (to, mut notices) = tokio::sync::mpsc::channel(4);
    let mut call = call("x", json!({}));
    call.notices = Some(to);
    server(&format!("{log}\n{answer}"))
        .await
        .call(call)
        .await
        .unwrap();
    assert_eq!(notices.recv().await.as_deref(), Some("warning: slow"));
    assert_eq!(notices.recv().await, None);
}

#[tokio::test]
async fn a_list_without_end_stops_at_its_bound() {
    let page = r#"{"jsonrpc":"2.0","id":ID,"result":{"tools":[{"name":"a","inputSchema":{}}],"nextCursor":"again"}}"#;
    let list = server(page).await.tools().await.unwrap();
    assert_eq!(list.tools.len(), 1);
    assert_eq!(list.left_out.len(), 100);
    assert_eq!(list.left_out[0], "the server has the tool a twice");
    assert_eq!(list.left_out[99], "all tools behind page 100 of the list");
}

#[tokio::test]
async fn a_server_without_tools_has_none() {
    let unknown = r#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"no such method"}}"#;
    assert_eq!(
        *server(unknown).await.tools().await.unwrap(),
        tool::mcp::Tools::default()
    );
}

#[tokio::test]
async fn a_tool_that_is_too_large_is_left_out_by_name() {
    let large = "x".repeat(200_000);
    let page = json!({"jsonrpc": "2.0", "id": 0, "result": {"tools": [
        {"name": "large", "inputSchema": {"description": large}},
        {"name": "wordy", "description": large, "inputSchema": {}},
        {"name": "", "inputSchema": {}},
    ]}});
    let page = page.to_string().replace("\"id\":0", "\"id\":ID");
    let list = server(&page).await.tools().await.unwrap();
    assert_eq!(list.tools.len(), 1);
    assert!(list.tools[0].description.contains("bytes left out"));
    assert_eq!(
        list.left_out,
        [
            "the tool large has a schema of 200018 bytes; at most 131072 are accepted",
            "the tool \"\" has a name of 0 bytes; 1 to 256 are accepted",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_costs_a_call_its_time() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let (read, write) = split(ours);
    let (their_read, mut their_write) = split(theirs);
    let hello = async move {
        let mut lines = BufReader::new(their_read).lines();
        lines.next_line().await.unwrap();
        let answer = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
        their_write
            .write_all(format!("{answer}\n").as_bytes())
            .await
            .unwrap();
        lines.next_line().await.unwrap();
        (lines, their_write)
    };
    let (server, _kept_open) = tokio::join!(Server::over_io("deaf", read, write, &[]), hello);
    let server = server.unwrap();
    let error = server
        .call(call("x", json!({"text": "x".repeat(100_000)})))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "MCP server deaf did not answer x within 30000 ms"
    );
}
