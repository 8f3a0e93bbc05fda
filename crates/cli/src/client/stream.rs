//! One connection to a run's events.

use std::collections::VecDeque;

use reqwest::Response;
use tokio::time::timeout;
use wire::sse::{Decoder, Event};

use super::calls::text_of;
use super::limits::SILENCE;

/// What became of a request for events.
pub(crate) enum Opened {
    /// They come.
    Live(Box<Events>),
    /// The run has ended and the cursor has seen it.
    Over,
}

/// Why a connection gives no more events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// It was closed, by the server or in between. Only an event says that a run has ended.
    Closed,
    /// It broke.
    Broken(String),
    /// No sign of life for too long.
    Silent,
}

/// Events as they come.
pub(crate) struct Events {
    response: Response,
    decoder: Decoder,
    ready: VecDeque<Event>,
}

impl Events {
    pub(super) fn new(response: Response) -> Self {
        Self {
            response,
            decoder: Decoder::new(),
            ready: VecDeque::new(),
        }
    }

    /// The next event that is at hand, without waiting.
    pub(crate) fn at_hand(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The next event. Cancel-safe: what was read is kept.
    pub(crate) async fn next(&mut self) -> Result<Event, StreamEnd> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(event);
            }
            let bytes = match timeout(SILENCE, self.response.chunk()).await {
                Err(_) => return Err(StreamEnd::Silent),
                Ok(Err(error)) => return Err(StreamEnd::Broken(text_of(&error))),
                Ok(Ok(None)) => return Err(StreamEnd::Closed),
                Ok(Ok(Some(bytes))) => bytes,
            };
            match self.decoder.push(&bytes) {
                Ok(events) => self.ready.extend(events),
                Err(too_long) => return Err(StreamEnd::Broken(too_long.to_string())),
            }
        }
    }
}
