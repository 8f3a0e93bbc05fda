//! Names that clients of other protocols give to segments: stretches of a run between two waits for its client. AG-UI calls
//! one a run, OpenAI a response, the AI SDK a stream.

use run::{RunId, Seq};

/// A client's name of a segment, unique for a protocol and a user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SegmentName {
    /// The protocol, one word of ours.
    pub face: &'static str,
    /// The client's id, at most [`SEGMENT_NAME_BYTES`](crate::SEGMENT_NAME_BYTES).
    pub id: String,
}

/// A stretch of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The run.
    pub run: RunId,
    /// The number of its first event. It goes on to the next wait for the client, or to the end.
    pub first_seq: Seq,
}
