//! Over pipes, with our server of faults in a process of its own.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tool::mcp::{Call, Error};
use tool::{Hints, Media, Secret, limits};

use crate::call;
use crate::process::{faulty, start, started};

#[tokio::test]
async fn a_list_is_read_over_all_its_pages() {
    let running = started(faulty()).await;
    let list = running.server.tools().await.unwrap();
    let names: Vec<_> = list.tools.iter().map(|tool| &*tool.name).collect();
    let expected = "echo stuck cancelled die notify huge grow fail error picture env";
    assert_eq!(names.join(" "), expected);
    assert_eq!(list.left_out, [""; 0]);
    let echo = &list.tools[0];
    assert_eq!(echo.description, "Does echo.");
    assert_eq!(echo.input_schema, json!({"type": "object"}));
    let hints = Hints {
        read_only: Some(true),
        destructive: Some(false),
        idempotent: Some(true),
    };
    assert_eq!(echo.hints, hints);
}

#[tokio::test]
async fn a_call_gives_what_the_tool_says() {
    let running = started(faulty()).await;
    let output = |name: &'static str, args: Value| running.server.call(call(name, args));
    let said = output("echo", json!({"text": "hé\n\"x\""})).await.unwrap();
    assert_eq!((&*said.text, said.is_error), ("hé\n\"x\"", false));
    let failed = output("fail", Value::Null).await.unwrap();
    assert_eq!((&*failed.text, failed.is_error), ("it did not work", true));
    let picture = output("picture", json!({})).await.unwrap();
    assert_eq!(picture.text, "[image, image/png, 3 bytes]");
    let media = Media::Inline {
        mime_type: "image/png".into(),
        uri: None,
        base64: "AAAA".into(),
    };
    assert_eq!(picture.media, [media]);
}

#[tokio::test]
async fn an_error_of_the_protocol_keeps_its_words_without_the_secret() {
    let secrets = [Secret::new("s3cret-token")];
    let mut command = faulty();
    command.env("TEST_TOKEN", "s3cret-token");
    let (server, _child) = start(command, &secrets).await;
    let server = server.unwrap();
    let error = server.call(call("error", json!({}))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "MCP server faulty answered with error -32050: out of order: ***"
    );
    assert_eq!(
        server.call(call("env", json!({}))).await.unwrap().text,
        "***"
    );
    let unknown = server.call(call("nothing", json!({}))).await.unwrap_err();
    assert_eq!(unknown.code(), "mcp_error");
    let odd = server.call(call("echo", json!([1]))).await.unwrap_err();
    assert_eq!(
        odd.to_string(),
        "MCP server faulty: the arguments of echo are no object"
    );
}

#[tokio::test]
async fn a_server_that_dies_in_a_call_fails_it_and_all_later_ones() {
    let mut running = started(faulty()).await;
    let (stuck, died) = tokio::join!(
        running.server.call(call("stuck", json!({}))),
        running.server.call(call("die", json!({}))),
    );
    let gone = Error::Gone {
        server: "faulty".into(),
    };
    assert_eq!(died.unwrap_err(), gone);
    assert_eq!(stuck.unwrap_err(), gone);
    assert_eq!(running.child.wait().await.unwrap().code(), Some(3));
    assert!(running.server.is_closed());
    assert_eq!(
        running
            .server
            .call(call("echo", json!({})))
            .await
            .unwrap_err(),
        gone
    );
    assert_eq!(running.server.tools().await.unwrap_err(), gone);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_says_hello_has_thirty_seconds() {
    // Paused time jumps ahead as soon as nothing else is to be done: the child is silent.
    let mut command = faulty();
    command.arg("silent");
    let (server, _child) = start(command, &[]).await;
    assert_eq!(
        server.unwrap_err().to_string(),
        "MCP server faulty did not answer initialize within 30000 ms"
    );
}

#[tokio::test]
async fn a_program_that_is_no_server_fails_at_once() {
    let (server, _child) = start(crate::process::command("true".into()), &[]).await;
    assert_eq!(server.unwrap_err().code(), "mcp_gone");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_cancelled_at_the_server() {
    let running = started(faulty()).await;
    let short = Call {
        timeout: Duration::from_millis(50),
        ..call("stuck", json!({}))
    };
    let error = running.server.call(short).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "MCP server faulty did not answer stuck within 50 ms"
    );
    assert_eq!(
        running
            .server
            .call(call("cancelled", json!({})))
            .await
            .unwrap()
            .text,
        "1"
    );
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_the_server() {
    let running = started(faulty()).await;
    let (to, mut notices) = mpsc::channel(4);
    let mut notify = call("notify", json!({"times": 1}));
    notify.notices = Some(to);
    tokio::select! {
        // The notice shows that both calls have begun: they go out in order.
        (_, _) = async { tokio::join!(running.server.call(call("stuck", json!({}))), running.server.call(notify)) } => {
            panic!("stuck does not end")
        }
        notice = notices.recv() => assert_eq!(notice.as_deref(), Some("1/1 step")),
    }
    assert_eq!(
        running
            .server
            .call(call("cancelled", json!({})))
            .await
            .unwrap()
            .text,
        "1"
    );
}

#[tokio::test]
async fn progress_comes_in_order_and_what_finds_no_room_is_counted() {
    let running = started(faulty()).await;
    let (to, mut notices) = mpsc::channel(3);
    let mut notify = call("notify", json!({"times": 5}));
    notify.notices = Some(to);
    let output = running.server.call(notify).await.unwrap();
    assert_eq!(
        output.text,
        "done\n[2 notices left out: they came too fast]"
    );
    let mut heard = Vec::new();
    while let Some(notice) = notices.recv().await {
        heard.push(notice);
    }
    assert_eq!(heard, ["1/5 step", "2/5 step", "3/5 step"]);
}

#[tokio::test]
async fn a_line_of_fifty_megabytes_fails_the_calls_that_wait_and_no_others() {
    let running = started(faulty()).await;
    let huge = running
        .server
        .call(call("huge", json!({"bytes": 50_000_000})));
    assert_eq!(
        huge.await.unwrap_err().to_string(),
        "MCP server faulty sent what cannot be read: a message of more than 8388608 bytes"
    );
    let later = running
        .server
        .call(call("echo", json!({"text": "alive"})))
        .await;
    assert_eq!(later.unwrap().text, "alive");
}

#[tokio::test]
async fn a_long_answer_within_the_bound_is_cut_with_a_note() {
    let running = started(faulty()).await;
    let bytes = limits::MESSAGE_BYTES - 1000;
    let long = running.server.call(call("huge", json!({"bytes": bytes})));
    let left_out = bytes - limits::RESULT_BYTES;
    let note = format!("\n… {left_out} bytes left out …\n");
    let text = long.await.unwrap().text;
    assert_eq!(text.len(), limits::RESULT_BYTES + note.len());
    assert!(text.contains(&note));
}

#[tokio::test]
async fn many_calls_at_once_get_their_own_answers() {
    let running = started(faulty()).await;
    let calls = (0..200).map(async |n: usize| {
        // Some longer than a pipe holds.
        let text = format!("{n}").repeat(1 + n * n);
        let said = running.server.call(call("echo", json!({"text": text})));
        assert_eq!(said.await.unwrap().text, text);
    });
    assert_eq!(join_all(calls).await.len(), 200);
}

#[tokio::test]
async fn a_list_that_changes_is_fetched_again() {
    let running = started(faulty()).await;
    let before = running.server.tools().await.unwrap();
    let again = running.server.tools().await.unwrap();
    assert!(
        std::sync::Arc::ptr_eq(&before, &again),
        "an unchanged list is not fetched"
    );
    running.server.call(call("grow", json!({}))).await.unwrap();
    let after = running.server.tools().await.unwrap();
    assert_eq!(after.tools.len(), before.tools.len() + 1);
    assert_eq!(after.tools.last().unwrap().name, "grown");
}

#[tokio::test]
async fn closing_ends_the_servers_input() {
    let mut running = started(faulty()).await;
    running.server.close().await;
    assert!(running.child.wait().await.unwrap().success());
}

#[tokio::test]
async fn dropping_ends_the_servers_input_too() {
    let mut running = started(faulty()).await;
    drop(running.server);
    assert!(running.child.wait().await.unwrap().success());
}
