//! Server-sent events (HTML standard): the bodies of all streams.
//!
//! A stream copies frames that are ready in the store. What it adds itself has no id, so that a client's
//! `Last-Event-ID` is always the number of the last event that it has seen.

mod cursor;
mod frames;
mod live;
mod preview;
mod several;

pub(crate) use cursor::{After, Cursors, last_event_id, wants_stream};
pub(crate) use frames::{RESET, feed_frame};
pub(crate) use live::{Chunk, Manner, OneRun, one_run, stream, stream_in};
pub(crate) use preview::previewed;
pub(crate) use several::several_runs;
