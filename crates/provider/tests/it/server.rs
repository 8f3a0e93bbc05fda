//! A vendor on a real socket that plays what a test writes, byte by byte.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What the vendor does with its one connection after it has read the request.
pub(crate) enum Step {
    /// Sends bytes.
    Send(String),
    /// Waits until the client closes.
    UntilClosed,
    /// Closes with a reset instead of an orderly end.
    Reset,
}

/// A request as it came.
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Value,
}

pub(crate) struct Server {
    pub(crate) base_url: String,
    seen: oneshot::Receiver<Seen>,
    played: JoinHandle<()>,
}

impl Server {
    /// Serves one connection.
    pub(crate) async fn start(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (tell, seen) = oneshot::channel();
        let played = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The test may have no interest in the request.
            let _ = tell.send(request(&mut stream).await);
            for step in steps {
                match step {
                    Step::Send(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                    Step::UntilClosed => {
                        let mut rest = [0; 64];
                        // A client that goes away may also reset.
                        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                    }
                    Step::Reset => stream.set_zero_linger().unwrap(),
                }
            }
        });
        Self {
            base_url,
            seen,
            played,
        }
    }

    /// The request, once it has come.
    pub(crate) async fn seen(&mut self) -> Seen {
        (&mut self.seen).await.unwrap()
    }

    /// Waits until every step is played. For `UntilClosed` this says that the client has closed.
    pub(crate) async fn played(self) {
        tokio::time::timeout(Duration::from_secs(10), self.played)
            .await
            .expect("the server is still waiting for its client")
            .unwrap();
    }
}

pub(crate) async fn request(stream: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                let body = serde_json::from_str(body).unwrap_or(Value::Null);
                return Seen { head, body };
            }
        }
        assert!(
            stream.read_buf(&mut bytes).await.unwrap() > 0,
            "closed in the request"
        );
    }
}

/// An answer with a status, more headers and a body of known length.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Step {
    let length = body.len();
    Step::Send(format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))
}

/// The head of a stream and its first chunk.
pub(crate) fn begin(text: &str) -> Step {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    Step::Send(format!("{head}{:x}\r\n{text}\r\n", text.len()))
}

/// The orderly end of a chunked body.
pub(crate) fn end() -> Step {
    Step::Send("0\r\n\r\n".into())
}
