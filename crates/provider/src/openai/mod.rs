//! The chat-completions wire of OpenAI and of everybody who followed it. Pure: [`body()`] makes the bytes that go out,
//! [`Reading`] reads what comes in.
//!
//! The wire is OpenAI's API reference (`POST /chat/completions`, `stream: true`); where followers differ, the place
//! that deals with it names them.

mod body;
mod calls;
mod chunk;
mod details;
mod reading;
mod schema;
mod usage;

pub(crate) use body::body;
pub(crate) use reading::Reading;

/// The member of opaque data that names the field in which a vendor sent its reasoning and wants it back.
const ECHO: &str = "echo";

/// The members of opaque data that this wire gives out.
const OWN: [&str; 3] = [ECHO, "reasoning_details", "extra_content"];
