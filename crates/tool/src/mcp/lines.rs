//! Messages over pipes: a line of JSON each, within a bound. What is too long or broken becomes an error for those who
//! wait, because an answer may have been in it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use rmcp::ErrorData;
use rmcp::RoleClient;
use rmcp::model::{JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;

use super::calls::Calls;
use super::error::{BROKEN, too_long};
use crate::limits;

/// The transport over a pair of pipes.
pub(super) struct Lines<R, W> {
    read: BufReader<R>,
    /// The line so far. Kept here, because the SDK drops `receive` whenever something else happens.
    line: Vec<u8>,
    /// The rest of the line is thrown away.
    is_too_long: bool,
    /// The SDK sends several messages at the same time; each goes out whole.
    write: Arc<Mutex<Option<W>>>,
    due: VecDeque<RxJsonRpcMessage<RoleClient>>,
    calls: Arc<Calls>,
}

impl<R: AsyncRead + Unpin, W> Lines<R, W> {
    pub(super) fn new(read: R, write: W, calls: Arc<Calls>) -> Self {
        Self {
            read: BufReader::new(read),
            line: Vec::new(),
            is_too_long: false,
            write: Arc::new(Mutex::new(Some(write))),
            due: VecDeque::new(),
            calls,
        }
    }

    /// Reads to the end of a line, which then is in `line`. Gives `None` at the end of the pipe. May be dropped at any
    /// await: what was consumed is kept.
    async fn read_line(&mut self) -> Option<Line> {
        loop {
            let available = match self.read.fill_buf().await {
                Ok([]) => return None,
                Ok(available) => available,
                Err(error) => {
                    tracing::debug!(%error, "an MCP server's pipe broke");
                    return None;
                }
            };
            let newline = available.iter().position(|&byte| byte == b'\n');
            let end = newline.unwrap_or(available.len());
            if self.line.len() + end > limits::MESSAGE_BYTES {
                self.is_too_long = true;
                // Its memory goes as well.
                self.line = Vec::new();
            }
            if !self.is_too_long {
                self.line.extend_from_slice(&available[..end]);
            }
            let consumed = newline.map_or(end, |at| at + 1);
            self.read.consume(consumed);
            if newline.is_some() {
                return Some(if std::mem::take(&mut self.is_too_long) {
                    Line::TooLong
                } else {
                    Line::Whole
                });
            }
        }
    }

    fn fail(&mut self, ids: Vec<RequestId>, detail: &str) {
        for id in ids {
            let error = ErrorData::new(BROKEN, detail.to_owned(), None);
            self.due.push_back(JsonRpcMessage::error(error, Some(id)));
        }
    }
}

enum Line {
    Whole,
    TooLong,
}

impl<R, W> Transport<RoleClient> for Lines<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let write = Arc::clone(&self.write);
        async move {
            let mut line = serde_json::to_vec(&item)?;
            line.push(b'\n');
            let mut write = write.lock().await;
            let pipe = write.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            pipe.write_all(&line).await?;
            pipe.flush().await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            if let Some(message) = self.due.pop_front() {
                return Some(message);
            }
            match self.read_line().await? {
                Line::TooLong => self.fail(self.calls.waiting(), &too_long()),
                Line::Whole => {
                    let read = judge(&self.line);
                    // A long line must not keep its memory for short ones.
                    self.line.clear();
                    self.line.shrink_to(limits::KEPT_LINE_BYTES);
                    match read {
                        Judged::Message(message) => return Some(*message),
                        Judged::Noise => {}
                        Judged::Broken(Some(id), why) => self.fail(vec![id], &why),
                        Judged::Broken(None, why) => self.fail(self.calls.waiting(), &why),
                    }
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.write.lock().await.take();
        Ok(())
    }
}

/// What a line, or an event, is.
pub(super) enum Judged {
    Message(Box<RxJsonRpcMessage<RoleClient>>),
    /// Nothing that anybody waits for: many servers print a word or two before they begin.
    Noise,
    /// The answer to this request, or to any of those that wait, cannot be read.
    Broken(Option<RequestId>, String),
}

pub(super) fn judge(line: &[u8]) -> Judged {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = line.trim_ascii();
    let error = match serde_json::from_slice(line) {
        Ok(message) => return Judged::Message(Box::new(message)),
        Err(error) => error,
    };
    let why = format!("a broken message ({error})");
    match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(fields))
            if fields.contains_key("jsonrpc") && !fields.contains_key("method") =>
        {
            let id = fields.get("id").and_then(|id| match id {
                Value::Number(number) => number.as_i64().map(RequestId::Number),
                Value::String(text) => Some(RequestId::String(text.as_str().into())),
                _ => None,
            });
            Judged::Broken(id, why)
        }
        Ok(Value::Array(_)) if has_mark(line) => {
            Judged::Broken(None, "several messages in one line".to_owned())
        }
        Err(_) if line.starts_with(b"{") && has_mark(line) => Judged::Broken(None, why),
        Ok(_) | Err(_) => Judged::Noise,
    }
}

/// Whether the line looks like JSON-RPC.
fn has_mark(line: &[u8]) -> bool {
    line.windows(9).any(|window| window == b"\"jsonrpc\"")
}

#[cfg(test)]
mod tests {
    use super::{Judged, judge};

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let judged = match judge(line.as_bytes()) {
            Judged::Message(message) => format!(
                "message {}",
                serde_json::to_value(*message).expect("JSON")["id"]
            ),
            Judged::Noise => "noise".to_owned(),
            Judged::Broken(id, _) => format!("broken {:?}", id.map(|id| id.to_string())),
        };
        assert_eq!(judged, expected, "{line}");
    }

    #[test]
    fn messages_are_read() {
        check(r#"{"jsonrpc":"2.0","id":3,"result":{}}"#, "message 3");
        check(
            "\u{feff}{\"id\":3,\"result\":{},\"jsonrpc\":\"2.0\"}\r",
            "message 3",
        );
        check(
            r#"{"jsonrpc":"2.0","id":"a","error":{"code":-1,"message":"x"}}"#,
            "message \"a\"",
        );
    }

    #[test]
    fn what_nobody_waits_for_is_noise() {
        for line in [
            "",
            "Server running on stdio",
            "[info] ready",
            "{not json}",
            r#"{"level":30,"msg":"a log line"}"#,
            "[1, 2]",
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":5}"#,
        ] {
            check(line, "noise");
        }
    }

    #[test]
    fn a_broken_answer_fails_its_request_or_all_that_wait() {
        check(r#"{"jsonrpc":"2.0","id":3}"#, "broken Some(\"3\")");
        check(
            r#"{"jsonrpc":"2.0","id":"a","error":"no object"}"#,
            "broken Some(\"a\")",
        );
        check(r#"{"jsonrpc":"2.0","id":3,"result":{"#, "broken None");
        check(r#"[{"jsonrpc":"2.0","id":3,"result":{}}]"#, "broken None");
        let deep = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}",
            "[".repeat(10_000)
        );
        check(&deep, "broken None");
    }
}
