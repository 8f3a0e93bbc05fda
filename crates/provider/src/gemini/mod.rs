//! Google's Gemini. Pure: [`body()`] makes the bytes that go out, [`Reading`] reads what comes in.
//!
//! The wire is the Gemini API reference (`POST /v1beta/models/{model}:streamGenerateContent?alt=sse`). A part may carry
//! the signature of the thought that led to it; it goes back with the part, and newer models refuse a call without one.

mod body;
mod reading;
mod schema;

pub(crate) use body::{body, path};
pub(crate) use reading::Reading;

/// The member of opaque data that this wire gives out, and of the wire itself.
const SIGNATURE: &str = "thoughtSignature";
const OWN: [&str; 1] = [SIGNATURE];
