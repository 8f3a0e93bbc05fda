//! What is in flight at one server: who listens to a call, and who has to hear that an answer was lost.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::RoleClient;
use rmcp::model::{
    ClientNotification, ClientRequest, GetMeta as _, JsonRpcMessage, ProgressNotificationParam,
    ProgressToken, RequestId, ServerNotification,
};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::secret::Redactor;
use crate::{cut, limits};

/// Who hears the notices of a call. Travels with the request through the SDK.
#[derive(Debug, Clone)]
pub(super) struct Listener {
    pub(super) to: mpsc::Sender<String>,
    pub(super) redactor: Redactor,
    /// Notices that found no room.
    pub(super) missed: Arc<AtomicUsize>,
}

impl Listener {
    /// Nobody waits here: the messages of a server come one after the other, and an answer may be behind.
    fn tell(&self, text: String) {
        let text = self.redactor.clean(text);
        let text = cut(&text, limits::NOTICE_BYTES).text.into_owned();
        match self.to.try_send(text) {
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[derive(Debug)]
struct InFlight {
    id: RequestId,
    progress: Option<ProgressToken>,
    listener: Option<Listener>,
}

/// The requests in flight of one server, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Calls {
    in_flight: Mutex<Vec<InFlight>>,
    /// Raised when the server says that its tools are others now.
    tools_changed: AtomicU64,
}

impl Calls {
    /// The number of times that the tools have changed.
    pub(super) fn tools_changed(&self) -> u64 {
        self.tools_changed.load(Ordering::Acquire)
    }

    /// The requests that wait for an answer.
    pub(super) fn waiting(&self) -> Vec<RequestId> {
        self.lock().iter().map(|call| call.id.clone()).collect()
    }

    /// A message goes out.
    pub(super) fn sent(&self, message: &TxJsonRpcMessage<RoleClient>) {
        match message {
            JsonRpcMessage::Request(request) => {
                let listener = match &request.request {
                    ClientRequest::CallToolRequest(call) => call.extensions.get().cloned(),
                    _ => None,
                };
                self.lock().push(InFlight {
                    id: request.id.clone(),
                    progress: request.request.get_meta().get_progress_token(),
                    listener,
                });
            }
            // The SDK takes no answer to a cancelled request any more.
            JsonRpcMessage::Notification(sent) => {
                if let ClientNotification::CancelledNotification(cancelled) = &sent.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.end(id);
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
    }

    /// A message came in. Gives it back if the SDK needs it: notices are told here, in their order, because the SDK
    /// would give each to a task of its own.
    pub(super) fn received(
        &self,
        message: RxJsonRpcMessage<RoleClient>,
    ) -> Option<RxJsonRpcMessage<RoleClient>> {
        match &message {
            JsonRpcMessage::Response(response) => self.end(&response.id),
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    self.end(id);
                }
            }
            JsonRpcMessage::Request(_) => {}
            JsonRpcMessage::Notification(received) => match &received.notification {
                ServerNotification::ProgressNotification(progress) => {
                    self.progress(&progress.params);
                    return None;
                }
                ServerNotification::LoggingMessageNotification(line) => {
                    #[expect(deprecated, reason = "servers log all the same")]
                    let (level, data) = (line.params.level, &line.params.data);
                    self.log(&format!("{level:?}").to_lowercase(), data);
                    return None;
                }
                ServerNotification::ToolListChangedNotification(_) => {
                    self.tools_changed.fetch_add(1, Ordering::AcqRel);
                }
                ServerNotification::CancelledNotification(_) => {}
                // Nobody here asked for anything else.
                _ => return None,
            },
        }
        Some(message)
    }

    fn end(&self, id: &RequestId) {
        // Some servers answer to 7 with "7".
        let is_meant = |known: &RequestId| known == id || known.to_string() == id.to_string();
        self.lock().retain(|call| !is_meant(&call.id));
    }

    fn progress(&self, progress: &ProgressNotificationParam) {
        let listener = self
            .lock()
            .iter()
            .find(|call| call.progress.as_ref() == Some(&progress.progress_token))
            .and_then(|call| call.listener.clone());
        let Some(listener) = listener else {
            return;
        };
        let total = progress.total.map(|total| format!("/{total}"));
        let mut text = format!("{}{}", progress.progress, total.unwrap_or_default());
        if let Some(message) = progress.message.as_deref().filter(|it| !it.is_empty()) {
            text = format!("{text} {message}");
        }
        listener.tell(text);
    }

    /// A log line names no call; the oldest one hears it.
    fn log(&self, level: &str, data: &Value) {
        let listener = self.lock().iter().find_map(|call| call.listener.clone());
        let Some(listener) = listener else {
            return;
        };
        let text = match data {
            Value::String(text) => text.clone(),
            data => data.to_string(),
        };
        listener.tell(format!("{level}: {text}"));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<InFlight>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
