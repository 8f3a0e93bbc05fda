//! Faces: the log of a run in the words of other protocols. A face is a translation without state of its own.

pub mod openai;

mod segment;

pub use segment::{SegmentEnd, SegmentEnds, Wait, Waits};
