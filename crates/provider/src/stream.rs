//! A vendor's answer while it comes.

use std::fmt;
use std::time::Duration;

use reqwest::Response;
use tokio::time::timeout;

use crate::reply::Reply;
use crate::told::Events;
use crate::{Error, StreamEvent};

/// The events of one answer. Dropping it closes the connection to the vendor at once, so that the model stops working.
pub struct EventStream {
    /// None once the answer is over.
    response: Option<Response>,
    reply: Reply,
    ready: Events,
    stall_timeout: Duration,
}

impl EventStream {
    pub(crate) fn new(response: Response, reply: Reply, stall_timeout: Duration) -> Self {
        Self {
            response: Some(response),
            reply,
            ready: Events::new(),
            stall_timeout,
        }
    }

    /// The next event. The last one is [`StreamEvent::Finished`] or an error; then comes `None`.
    ///
    /// Cancel-safe: a call that is dropped while it waits loses nothing, so it may stand in a `select!`.
    pub async fn next(&mut self) -> Option<Result<StreamEvent, Error>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let response = self.response.as_mut()?;
            match timeout(self.stall_timeout, response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.reply.push(&bytes, &mut self.ready),
                Ok(Ok(None)) => self.reply.end(&mut self.ready),
                Ok(Err(error)) => {
                    let error = Error::from_http(error, self.stall_timeout);
                    self.reply.cut(error, &mut self.ready);
                }
                Err(_) => {
                    let after = self.stall_timeout;
                    self.reply.cut(Error::Stalled { after }, &mut self.ready);
                }
            }
            if self.reply.is_over() {
                self.response = None;
            }
        }
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("is_over", &self.response.is_none())
            .finish_non_exhaustive()
    }
}
