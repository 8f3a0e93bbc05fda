//! What of a run a client reads, and from where on.

use std::collections::BTreeSet;

use run::{MessageId, RequestId, RunId, Seq};
use serde_json::Value;

/// Which stretch of a run is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// One segment, to its first wait for the client.
    Segment {
        /// The number of its first event.
        first_seq: Seq,
    },
    /// All of it, for who did not start it here: waits that are over are passed by.
    Run {
        /// The requests that were open when it was looked at.
        open: Vec<RequestId>,
        /// The number of the last event at that time.
        as_of: Seq,
    },
}

impl Extent {
    /// The number of the first event that is told.
    pub fn first_seq(&self) -> Seq {
        match self {
            Self::Segment { first_seq } => *first_seq,
            Self::Run { .. } => Seq(1),
        }
    }
}

/// How a wait for tools of the client alone ends a run of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientTools {
    /// As a success that names the calls: what AG-UI 1.0 says of tools of the application. Their results come as messages.
    #[default]
    Pending,
    /// As an interrupt, like an approval.
    Interrupt,
}

/// Where a client is in a stream: behind an event of the log, and behind so many that the next one became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The number of the last event that it has whole.
    pub after: Seq,
    /// How many it has of what the next one became.
    pub skip: usize,
}

impl Cursor {
    /// Reads what [`write`](super::write) prints; -1 means the beginning, because other servers' clients say so.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "-1" {
            return Some(Self::default());
        }
        let (after, skip) = text.split_once('.').unwrap_or((text, "0"));
        Some(Self {
            after: Seq(after.parse().ok()?),
            skip: skip.parse().ok()?,
        })
    }
}

/// What of a run a client reads.
#[derive(Debug, Clone)]
pub struct View {
    /// Our run.
    pub run: RunId,
    /// The name of its agent.
    pub agent: String,
    /// Its thread.
    pub thread_id: String,
    /// The client's name of the segment.
    pub run_id: String,
    /// Which stretch of the run.
    pub extent: Extent,
    /// What the client has already.
    pub cursor: Cursor,
    /// Messages that are to be forgotten, as known when the stream began.
    pub discarded: Vec<MessageId>,
    /// How a wait for the client's tools is told.
    pub client_tools: ClientTools,
    /// The client's calls of which it has the results itself.
    pub answered: BTreeSet<String>,
    /// The conversation as the client has it, where it said so.
    pub messages: Vec<Value>,
}

impl View {
    /// The number of the last event that is read without being told.
    pub fn start(&self) -> Seq {
        let before = Seq(self.extent.first_seq().0.saturating_sub(1));
        before.max(self.cursor.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u64, usize)>) {
        let found = Cursor::parse(text).map(|cursor| (cursor.after.0, cursor.skip));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_cursor_is_a_number_and_perhaps_a_count() {
        check("7", Some((7, 0)));
        check("7.2", Some((7, 2)));
        check("0.1", Some((0, 1)));
        check("-1", Some((0, 0)));
        for bad in ["", "x", "-2", "7.", "7.x", "1.2.3", ".1"] {
            check(bad, None);
        }
    }
}
