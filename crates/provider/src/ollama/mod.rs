//! Ollama's own wire. Pure: [`body()`] makes the bytes that go out, [`Reading`] reads what comes in.
//!
//! The wire is Ollama's API reference (`POST /api/chat`): a JSON document in each line, of which the last says `done`.

mod body;
mod reading;

pub(crate) use body::body;
pub(crate) use reading::Reading;

/// The member of opaque data that says that the thoughts go back, and the only field in which they do.
const ECHO: &str = "echo";
const THINKING: &str = "thinking";
const OWN: [&str; 1] = [ECHO];
