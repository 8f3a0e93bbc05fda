//! Every bound of what goes over the wire, named once.

/// Longest server-sent event that a reader takes in, bytes: an event of the log with its frame, and room.
pub const SSE_EVENT_BYTES: usize = 8 * 1024 * 1024;
/// Longest `Idempotency-Key`, bytes.
pub const IDEMPOTENCY_KEY_BYTES: usize = 200;
/// Longest word of a client about a stop or an application, bytes.
pub const WHY_BYTES: usize = 2 * 1024;
/// Largest metadata of a run or thread, bytes of its JSON.
pub const METADATA_BYTES: usize = 16 * 1024;
/// Longest title of a thread, bytes.
pub const TITLE_BYTES: usize = 1024;
/// Longest body of a thread, bytes.
pub const BODY_BYTES: usize = 256 * 1024;
/// Most labels of a thread.
pub const LABELS: usize = 64;
/// Longest label, column or note, bytes.
pub const LABEL_BYTES: usize = 200;
/// Longest text of a notice from outside, bytes.
pub const NOTICE_BYTES: usize = 4 * 1024;
/// Most parts of one input or message.
pub const PARTS: usize = 256;
/// Longest value of a secret or credential, bytes.
pub const SECRET_BYTES: usize = 16 * 1024;
/// Longest name of a secret, or in credentials, bytes.
pub const SECRET_NAME_BYTES: usize = 128;
/// Most keys and headers in the credentials of one run.
pub const CREDENTIALS: usize = 64;
/// Pieces of one text that are ready together are told as one of so many bytes at most, where a face tells them.
pub const JOINED_DELTA_BYTES: usize = 16 * 1024;
/// Most runs of one stream over several.
pub const STREAM_RUNS: usize = 50;
/// Longest life of a token, seconds.
pub const TOKEN_SECONDS: u64 = 24 * 60 * 60;
/// Life of a token that does not say, seconds.
pub const TOKEN_DEFAULT_SECONDS: u64 = 15 * 60;
/// Things that look like JSON and are tried in one answer.
pub const FIND_TRIES: usize = 32;
/// Most patterns of a schema: each may become large when it is compiled.
pub const SCHEMA_PATTERNS: usize = 64;
/// Largest compiled pattern, bytes.
pub const PATTERN_BYTES: usize = 4 * 1024 * 1024;
/// Objects of a schema that a check may pass through by references.
pub const CHECK_WORK: u64 = 10_000_000;
/// The same while all that is wrong is gathered, which takes memory as well.
pub const GATHER_WORK: u64 = 500_000;
/// Most violations that are told of one output.
pub const VIOLATIONS: usize = 16;
/// Longest sentence about a violation or a schema, bytes.
pub const VIOLATION_BYTES: usize = 400;
/// A preview is read again once its text has grown by so many bytes, or by a fraction of itself if that is more.
pub const PREVIEW_STEP_BYTES: usize = 32;
/// See [`PREVIEW_STEP_BYTES`]: the fraction is one of so many.
pub const PREVIEW_STEP_FRACTION: usize = 16;
/// Text of an answer up to which there is a preview, bytes; beyond it the preview stays as it is.
pub const PREVIEW_BYTES: usize = 2 * 1024 * 1024;
/// Output that a stream of OpenAI's protocol keeps along for its last event, bytes; behind it the log is read again.
pub const OPENAI_KEPT_BYTES: usize = 256 * 1024;
/// The same for a stream of a run that had ended when its reader came: it is over as soon as it is read.
pub const OPENAI_REPLAY_KEPT_BYTES: usize = 2 * 1024 * 1024;
