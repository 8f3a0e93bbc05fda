//! Model vendors: a request goes out, stream events come in.
//!
//! [`Client::stream`] sends one [`Request`] to one [`Vendor`] and gives an [`EventStream`]. The one rule a reader must
//! know: **a stream ends with [`StreamEvent::Finished`] or with an [`Error`], and nothing else is an end**. A vendor
//! that hangs up in the middle of an answer is [`Error::Disconnected`], never a short success. Dropping the stream
//! closes the connection to the vendor at once.
//!
//! Nothing here retries, chooses a vendor or reads a configuration; the caller does, with the help of
//! [`Error::is_retryable`] and [`Error::retry_after`].
//!
//! # Why our own codec
//!
//! Four wires are decoded here, each by a pure decoder of frames and a pure state machine, and not by the `genai` crate.
//! Read in its source (0.7.2), that crate takes an end of the body without `[DONE]` as a plain end of the stream and
//! `[DONE]` without a finish reason as a success; it sizes a vector by the tool-call index that the vendor sent, and
//! copies all arguments so far for every delta; its lines, its pending text and its error bodies have no bound; a refusal
//! and the index of a call do not come through; and which place usage is read from depends on the vendor's name. Each of
//! these would have to be worked around from outside, where the bytes are already gone.
//!
//! A wire is a folder (`openai/`, `anthropic/`, `gemini/`, `ollama/`) with what goes out in `body` and what comes in in
//! `reading`; frames, ends, errors and the client are shared.

pub mod limits;

mod client;
mod error;
mod event;
mod price;
mod request;
mod secret;
mod stream;
mod vendor;

#[cfg(test)]
mod cuts;

mod dialect;
mod reply;
mod told;

mod lines;
mod sse;

mod fault;
mod models;
mod retry_after;
mod turns;
mod vendor_data;

mod anthropic;
mod gemini;
mod ollama;
mod openai;

pub use client::Client;
pub use error::Error;
pub use event::{FinishReason, StreamEvent, Usage, VendorPart};
pub use price::{Price, Prices, cost};
pub use request::{Content, Media, Message, Part, Request, Role, Settings, Tool};
pub use secret::Secret;
pub use stream::EventStream;
pub use vendor::{Vendor, Wire};
