//! The SDK's HTTP client, over ours. The SDK logs some errors itself, and those of `reqwest` show the whole address, in
//! whose query may be a key: here the address goes. And an answer that cannot be read becomes an error of its request.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::ErrorData;
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
    StreamableHttpResponseLimits,
};
use sse_stream::Sse;

use super::error::{BROKEN, too_long};
use super::lines::{Judged, judge};
use crate::limits;

type Headers = HashMap<HeaderName, HeaderValue>;
type Failed = StreamableHttpError<reqwest::Error>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

#[derive(Debug, Clone)]
pub(super) struct Http(pub(super) reqwest::Client);

fn without_address(error: Failed) -> Failed {
    match error {
        StreamableHttpError::Client(error) => StreamableHttpError::Client(error.without_url()),
        other => other,
    }
}

/// Puts an error in place of an answer to the request `id` that is too long or broken. The SDK would drop it and then
/// report the end of the stream, or ask for the rest of it.
fn checked(event: Result<Sse, SseError>, id: &RequestId) -> Result<Sse, SseError> {
    let why = match &event {
        Ok(sse) => match judge(sse.data.as_deref().unwrap_or_default().as_bytes()) {
            Judged::Broken(_, why) => why,
            Judged::Message(_) | Judged::Noise => return event,
        },
        // The SDK's error has a type of its own, which is not public.
        Err(error) if error.to_string().contains("maximum size") => too_long(),
        Err(_) => return event,
    };
    let error = ErrorData::new(BROKEN, why, None);
    let error = ServerJsonRpcMessage::error(error, Some(id.clone()));
    let data = serde_json::to_string(&error).expect("an error is JSON");
    Ok(Sse::default().data(data))
}

impl StreamableHttpClient for Http {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let limits = StreamableHttpResponseLimits::default();
        self.post_message_with_response_limits(uri, message, session, auth, headers, limits)
            .await
    }

    async fn post_message_with_response_limits(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        auth: Option<String>,
        headers: Headers,
        limits: StreamableHttpResponseLimits,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let id = match &message {
            JsonRpcMessage::Request(request) => Some(request.id.clone()),
            JsonRpcMessage::Response(_)
            | JsonRpcMessage::Notification(_)
            | JsonRpcMessage::Error(_) => None,
        };
        let answer = self
            .0
            .post_message_with_response_limits(uri, message, session, auth, headers, limits)
            .await
            .map_err(without_address)?;
        Ok(match (answer, id) {
            (StreamableHttpPostResponse::Sse(events, session), Some(id)) => {
                let events = events.map(move |event| checked(event, &id)).boxed();
                StreamableHttpPostResponse::Sse(events, session)
            }
            (answer, _) => answer,
        })
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<(), Failed> {
        self.0
            .delete_session(uri, session, auth, headers)
            .await
            .map_err(without_address)
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        auth: Option<String>,
        headers: Headers,
    ) -> Result<Events, Failed> {
        let most = limits::MESSAGE_BYTES;
        self.get_stream_with_max_sse_event_size(uri, session, last_event, auth, headers, most)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        auth: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Result<Events, Failed> {
        self.0
            .get_stream_with_max_sse_event_size(uri, session, last_event, auth, headers, most)
            .await
            .map_err(without_address)
    }
}
