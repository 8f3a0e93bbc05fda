//! The chat-completions wire of OpenAI and of everybody who followed it. Pure: [`body()`] makes the bytes that go out,
//! [`Reply`] reads the bytes that come in, [`Fault`] reads an error.
//!
//! The wire is OpenAI's API reference (`POST /chat/completions`, `stream: true`); where followers differ, the place
//! that deals with it names them.

mod body;
mod calls;
mod chunk;
mod details;
mod fault;
mod models;
mod reply;
mod schema;
mod usage;

pub(crate) use body::body;
pub(crate) use fault::Fault;
pub(crate) use models::models;
pub(crate) use reply::{Events, Form, Reply};

/// The member of opaque data that names the field in which a vendor sent its reasoning and wants it back.
const ECHO: &str = "echo";
