//! Faces: protocols that clients speak already, as translations of the one log. Pure, and without a state of their own:
//! what a face says follows from the log and from the request.

pub mod agui;
pub mod aisdk;
pub mod openai;

mod segment;

pub use segment::{SegmentEnd, SegmentEnds, Wait, Waits};
