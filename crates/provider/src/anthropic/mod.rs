//! Anthropic's messages. Pure: [`body()`] makes the bytes that go out, [`Reading`] reads what comes in.
//!
//! The wire is Anthropic's API reference (`POST /v1/messages`, `stream: true`). Each block of thinking is signed for
//! itself and must go back unchanged, in its place, while tools are used.

mod body;
mod reading;
mod schema;
mod thinking;

pub(crate) use body::body;
pub(crate) use reading::Reading;

/// The header that names the version of the wire, and that version.
pub(crate) const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

/// The members of opaque data that this wire gives out: the signature of a block of thinking, and a block that the
/// vendor alone can read.
const SIGNATURE: &str = "signature";
const REDACTED: &str = "redacted_thinking";
const OWN: [&str; 2] = [SIGNATURE, REDACTED];
