//! A model that says the time, over OpenAI's responses.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::time::{MissedTickBehavior, interval};

use crate::child::now_ns;

/// Answers requests with so many words, so many in a second, as soon as `n_clients` of them have come.
pub(super) async fn listen(n_clients: usize, n_words: u32, per_second: u32) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let gate = Arc::new(Barrier::new(n_clients));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let gate = Arc::clone(&gate);
            tokio::spawn(answer(
                socket,
                gate,
                n_words,
                Duration::from_secs(1) / per_second,
            ));
        }
    });
    Ok(port)
}

async fn answer(
    mut socket: TcpStream,
    gate: Arc<Barrier>,
    n_words: u32,
    every: Duration,
) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    let mut request = vec![0; 16 * 1024];
    let n = socket.read(&mut request).await?;
    if !request[..n].starts_with(b"POST") {
        let none = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return Ok(socket.write_all(none.as_bytes()).await?);
    }
    // The rest of the request is none of our business, but a socket with unread bytes is not closed in good order.
    let (mut from, mut to) = socket.into_split();
    tokio::spawn(async move { while from.read(&mut request).await.is_ok_and(|n| n > 0) {} });
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    to.write_all(head.as_bytes()).await?;
    let item = |text: &str| {
        let content = json!([{"type": "output_text", "text": text, "annotations": []}]);
        json!({"type": "message", "id": "item", "role": "assistant", "content": content})
    };
    let response = |status: &str| {
        json!({"response": {
            "id": "resp", "object": "response", "status": status, "output": [],
            "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
        }})
    };
    let begun = say("response.created", response("in_progress"));
    let added = json!({"output_index": 0, "item": item("")});
    let added = say("response.output_item.added", added);
    to.write_all(format!("{begun}{added}").as_bytes()).await?;
    gate.wait().await;
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut text = String::new();
    for _ in 0..n_words {
        tick.tick().await;
        let word = format!("@{:020} ", now_ns());
        let delta =
            json!({"item_id": "item", "output_index": 0, "content_index": 0, "delta": word});
        to.write_all(say("response.output_text.delta", delta).as_bytes())
            .await?;
        text.push_str(&word);
    }
    let done = json!({"output_index": 0, "item": item(&text)});
    let done = say("response.output_item.done", done);
    let end = say("response.completed", response("completed"));
    to.write_all(format!("{done}{end}").as_bytes()).await?;
    Ok(to.shutdown().await?)
}

fn say(kind: &str, mut event: Value) -> String {
    event["type"] = kind.into();
    format!("event: {kind}\ndata: {event}\n\n")
}
