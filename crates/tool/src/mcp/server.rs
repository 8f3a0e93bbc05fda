//! One server: the handshake, its tools, and calls of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, CancelledNotification,
    CancelledNotificationParam, ClientCapabilities, ClientConfig, ClientRequest, ErrorCode,
    Implementation, PaginatedRequestParams, RequestId, ServerResult,
};
use rmcp::service::{PeerRequestOptions, RunningService, serve_client};
use rmcp::transport::Transport;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransport, StreamableHttpClientTransportConfig,
};
use rmcp::{Peer, RoleClient, ServiceError};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::calls::{Calls, Listener};
use super::error::{Error, Reader};
use super::http::Http;
use super::lines::Lines;
use super::result;
use super::tap::Tap;
use super::tools::{Gathered, HasMore, Tools};
use crate::secret::Redactor;
use crate::{GuardedClient, Secret, ToolOutput, limits};

/// One call of a tool.
#[derive(Debug)]
pub struct Call {
    /// The tool's name at its server.
    pub tool: String,
    /// Its arguments, an object; nothing is an empty one.
    pub args: Value,
    /// How long it may take.
    pub timeout: Duration,
    /// Where progress and log lines go while it runs. What finds no room is counted, and the result says how many.
    pub notices: Option<mpsc::Sender<String>>,
}

/// A connection to one server, after the handshake. Dropping it closes the connection; a child on the other side sees
/// the end of its input.
#[derive(Debug)]
pub struct Server {
    service: RunningService<RoleClient, ClientConfig>,
    calls: Arc<Calls>,
    reader: Reader,
    /// The list, and how often it had changed before.
    tools: Mutex<Option<(u64, Arc<Tools>)>>,
}

impl Server {
    /// Speaks to a server over pipes: `read` is its output, `write` its input. Starting and ending the child is the
    /// caller's. `secrets` are what the child was given; they do not come back in what it says.
    ///
    /// # Errors
    /// The server does not say hello within [`limits::INITIALISE_TIMEOUT`].
    pub async fn over_io(
        name: impl Into<String>,
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
        secrets: &[Secret],
    ) -> Result<Self, Error> {
        let reader = Reader {
            server: name.into(),
            redactor: Redactor::new(secrets.iter()),
        };
        let calls = Arc::new(Calls::default());
        let transport = Lines::new(read, write, Arc::clone(&calls));
        Self::greet(reader, calls, transport).await
    }

    /// Speaks to a server over streamable HTTP. `headers` go with each request, to this origin alone. A session that
    /// the server has lost is begun anew, once per call.
    ///
    /// # Errors
    /// The guard refuses the address, a header cannot be sent, or the server does not say hello within
    /// [`limits::INITIALISE_TIMEOUT`].
    pub async fn over_http(
        name: impl Into<String>,
        url: &str,
        headers: &[(String, Secret)],
        client: &GuardedClient,
    ) -> Result<Self, Error> {
        let reader = Reader {
            server: name.into(),
            redactor: Redactor::new(headers.iter().map(|(_, value)| value)),
        };
        let parsed = Url::parse(url).map_err(|why| reader.invalid(format!("its url: {why}")))?;
        let refused = client.guard.check(&parsed);
        refused.map_err(|refused| reader.refused(refused))?;
        let mut config = StreamableHttpClientTransportConfig::with_uri(parsed.as_str())
            .custom_headers(sendable(headers, &reader)?)
            .max_sse_event_size(limits::MESSAGE_BYTES)
            .max_json_response_size(limits::MESSAGE_BYTES)
            .max_error_response_size(limits::ERROR_BODY_BYTES)
            .reinit_on_expired_session(true);
        let mut retries = ExponentialBackoff::default();
        retries.max_times = Some(limits::STREAM_RETRIES);
        retries.max_delay = Some(limits::STREAM_RETRY_DELAY_MAX);
        config.retry_config = Arc::new(retries);
        let transport =
            StreamableHttpClientTransport::with_client(Http(client.http.clone()), config);
        Self::greet(reader, Arc::default(), transport).await
    }

    async fn greet(
        reader: Reader,
        calls: Arc<Calls>,
        transport: impl Transport<RoleClient> + 'static,
    ) -> Result<Self, Error> {
        let transport = Tap {
            inner: transport,
            calls: Arc::clone(&calls),
        };
        let us = ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("outlive", env!("CARGO_PKG_VERSION")),
        );
        let after = limits::INITIALISE_TIMEOUT;
        // A large future of the SDK.
        let greeting = Box::pin(serve_client(us, transport));
        let service = timeout(after, greeting)
            .await
            .map_err(|_| reader.timeout("initialize", after))?
            .map_err(|error| reader.handshake(&error))?;
        Ok(Self {
            service,
            calls,
            reader,
            tools: Mutex::default(),
        })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.reader.server
    }

    /// Whether the connection has ended. Every call fails then.
    pub fn is_closed(&self) -> bool {
        self.service.is_closed() || self.service.peer().is_transport_closed()
    }

    /// What it offers. The list is kept until the server says that it has changed.
    ///
    /// # Errors
    /// What [`Error`] says; no whole list within [`limits::LIST_TIMEOUT`].
    pub async fn tools(&self) -> Result<Arc<Tools>, Error> {
        // Read before the list: a change meanwhile makes the next caller fetch again.
        let changed = self.calls.tools_changed();
        if let Some((at, list)) = &*self.known_tools()
            && *at == changed
        {
            return Ok(Arc::clone(list));
        }
        let after = limits::LIST_TIMEOUT;
        let list = timeout(after, Box::pin(self.list()))
            .await
            .map_err(|_| self.reader.timeout("tools/list", after))??;
        let list = Arc::new(list);
        *self.known_tools() = Some((changed, Arc::clone(&list)));
        Ok(list)
    }

    fn known_tools(&self) -> MutexGuard<'_, Option<(u64, Arc<Tools>)>> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn list(&self) -> Result<Tools, Error> {
        let mut gathered = Gathered::default();
        let mut cursor = None;
        for _ in 0..limits::TOOL_PAGES {
            let params = PaginatedRequestParams::default().with_cursor(cursor.take());
            let page = match self.service.peer().list_tools(Some(params)).await {
                Ok(page) => page,
                // A server without tools may not even know the question.
                Err(ServiceError::McpError(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => {
                    return Ok(gathered.finish(HasMore::No));
                }
                Err(error) => return Err(self.reader.service(&error)),
            };
            gathered.add(page.tools, &self.reader.redactor);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(gathered.finish(HasMore::No));
            }
        }
        Ok(gathered.finish(HasMore::Yes))
    }

    /// Calls a tool. Dropping the call tells the server that it is cancelled.
    ///
    /// # Errors
    /// What [`Error`] says. That the tool itself failed is no error but [`ToolOutput::is_error`].
    pub async fn call(&self, call: Call) -> Result<ToolOutput, Error> {
        let Call {
            tool,
            args,
            timeout: after,
            notices,
        } = call;
        let args = match args {
            Value::Object(args) => args,
            Value::Null => serde_json::Map::new(),
            _ => {
                let detail = format!("the arguments of {tool} are no object");
                return Err(self.reader.invalid(detail));
            }
        };
        let missed = Arc::new(AtomicUsize::new(0));
        let params = CallToolRequestParams::new(tool.clone()).with_arguments(args);
        let mut request = CallToolRequest::new(params);
        if let Some(to) = notices {
            request.extensions.insert(Listener {
                to,
                redactor: self.reader.redactor.clone(),
                missed: Arc::clone(&missed),
            });
        }
        let answer = timeout(after, Box::pin(self.ask(request)))
            .await
            .map_err(|_| self.reader.timeout(tool, after))?
            .map_err(|error| self.reader.service(&error))?;
        let result =
            finished(answer).ok_or_else(|| self.reader.garbage("not the result of a tool call"))?;
        let missed = missed.load(Ordering::Relaxed);
        Ok(result::read(result, missed, &self.reader.redactor))
    }

    async fn ask(&self, request: CallToolRequest) -> Result<ServerResult, ServiceError> {
        let peer = self.service.peer();
        let request = ClientRequest::CallToolRequest(request);
        let options = PeerRequestOptions::no_options();
        let handle = peer.send_cancellable_request(request, options).await?;
        let mut cancel = CancelOnDrop(Some((peer, handle.id.clone())));
        let answer = handle.await_response().await;
        cancel.0 = None;
        answer
    }

    /// Ends the connection in order, within [`limits::CLOSE_TIMEOUT`]: an HTTP session is deleted, pipes are closed.
    pub async fn close(mut self) {
        let closed = self.service.close_with_timeout(limits::CLOSE_TIMEOUT);
        if let Err(error) = closed.await {
            tracing::warn!(server = self.reader.server, %error, "an MCP client ended badly");
        }
    }
}

/// The result of a call; none if the answer is something else. A server that sends no content at all has said nothing,
/// which the SDK's type reads as the empty answer.
fn finished(answer: ServerResult) -> Option<CallToolResult> {
    match answer {
        ServerResult::CallToolResult(result) => Some(result),
        ServerResult::EmptyResult(_) => Some(CallToolResult::default()),
        _ => None,
    }
}

/// Tells the server that nobody waits any more.
struct CancelOnDrop<'a>(Option<(&'a Peer<RoleClient>, RequestId)>);

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        let Some((peer, id)) = self.0.take() else {
            return;
        };
        let cancelled = CancelledNotification::new(CancelledNotificationParam::new(
            Some(id),
            Some("the call was given up".to_owned()),
        ));
        // One poll puts it into the queue; nobody waits for it to go out. Where the queue is full, the server has long
        // stopped to read.
        let _ = peer.send_notification(cancelled.into()).now_or_never();
    }
}

fn sendable(
    headers: &[(String, Secret)],
    reader: &Reader,
) -> Result<HashMap<HeaderName, HeaderValue>, Error> {
    let pair = |(name, value): &(String, Secret)| {
        let known = HeaderName::try_from(name.as_str())
            .map_err(|_| reader.invalid(format!("{name:?} cannot be the name of a header")))?;
        let mut value = HeaderValue::try_from(value.reveal()).map_err(|_| {
            reader.invalid(format!(
                "the header {name} has a character that no header may have"
            ))
        })?;
        value.set_sensitive(true);
        Ok((known, value))
    };
    headers.iter().map(pair).collect()
}
