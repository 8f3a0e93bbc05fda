//! Every bound of this crate. Hitting one is an error that names it.

use std::time::Duration;

/// Bytes of one line, and of the data of one event, in a vendor's stream. Inline images are the longest honest ones.
pub const LINE_BYTES: usize = 8 << 20;

/// Bytes of a reply that comes as one JSON document although a stream was asked for.
pub const WHOLE_REPLY_BYTES: usize = 16 << 20;

/// Bytes of a request's body.
pub const REQUEST_BYTES: usize = 64 << 20;

/// Bytes that are read of the body of an error answer.
pub const ERROR_BODY_BYTES: usize = 64 << 10;

/// Bytes of a vendor's words that are kept in an error; the cut is marked.
pub const VENDOR_MESSAGE_BYTES: usize = 2000;

/// Bytes of undecodable input that are shown in an error.
pub const SNIPPET_BYTES: usize = 200;

/// Bytes of a vendor's list of models.
pub const MODELS_BYTES: usize = 8 << 20;

/// Bytes of all that one reply says: text, thoughts, arguments of calls. Some models repeat themselves for ever.
pub const SAID_BYTES: usize = 4 << 20;

/// Tool calls in one reply.
pub const TOOL_CALLS: usize = 128;

/// Bytes of arguments that are held for a call whose name has not come yet.
pub const HELD_ARGS_BYTES: usize = 64 << 10;

/// Bytes of opaque data of one reply that the vendor wants back.
pub const VENDOR_DATA_BYTES: usize = 1 << 20;

/// Blocks that a vendor's reply has open at once.
pub const OPEN_BLOCKS: usize = 128;

/// How deep a schema may be nested that is rewritten for a vendor's structured mode; a deeper one is told in words.
pub const SCHEMA_DEPTH: usize = 64;

/// The most tokens of an answer where the wire wants a number and the request has none. Anthropic's thinking is part of
/// it; every current model can give more.
pub const ANTHROPIC_MAX_TOKENS: u32 = 16_384;

/// Secrets shorter than this are not searched for in a vendor's words: they would blot out innocent text.
pub const REDACTED_BYTES_MIN: usize = 6;

/// How long a connection may take; set by [`Client::builder`](crate::Client::builder).
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the headers of an answer may take, unless the request says otherwise. A local vendor loads its model first.
pub const HEADER_TIMEOUT: Duration = Duration::from_mins(5);

/// How long a stream may give no byte, unless the request says otherwise.
pub const STALL_TIMEOUT: Duration = Duration::from_mins(2);

/// How long the body of an error answer is waited for.
pub const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a list of models may take in all.
pub const MODELS_TIMEOUT: Duration = Duration::from_secs(10);

/// A longer wait asked for by a vendor is taken as nonsense and ignored.
pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(168);
