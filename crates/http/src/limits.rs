//! Every bound of the server, named once. Those that an operator may change are the defaults of [`crate::Limits`].

use std::time::Duration;

/// Largest body of a request.
pub const BODY_BYTES: usize = 1024 * 1024;
/// So many bytes behind the bound are still read and thrown away, so that the client reads its error instead of a reset.
pub const DISCARD_BYTES: usize = 8 * 1024 * 1024;
/// Connections at once.
pub const CONNECTIONS: usize = 10_000;
/// Connections beyond the bound that are told so at once; more are closed without a word.
pub const REFUSED_CONNECTIONS: usize = 64;
/// Streams of one credential at once.
pub const STREAMS_PER_CREDENTIAL: usize = 1_000;
/// For the head of a request to arrive; also how long an idle connection is kept.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// For the body of a request to arrive.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// For an answer to begin.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(75);
/// Longest `?wait=`; shorter than [`REQUEST_TIMEOUT`].
pub const WAIT: Duration = Duration::from_mins(1);
/// Between signs of life in a silent stream.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// For requests under way to end when the server goes down.
pub const DRAIN: Duration = Duration::from_secs(5);
/// What a stream tells its client to wait before it comes back.
pub const RECONNECT: Duration = Duration::from_secs(1);
/// Most events of one page.
pub const PAGE_EVENTS: usize = 1_000;
/// Most entries of one page of a list.
pub const PAGE_ENTRIES: usize = 200;
/// Entries of a page of a list that does not say.
pub const PAGE_ENTRIES_DEFAULT: usize = 50;
/// Header bytes of a request.
pub const HEADER_BYTES: usize = 32 * 1024;
/// What a client should wait before it asks a full queue or a failing store again, seconds.
pub const RETRY_AFTER_SECONDS: u64 = 2;
/// Chunks of several runs that one write of a stream gathers.
pub const CHUNKS_PER_WRITE: usize = 64;
/// Pieces of an answer that are so small together are written from one place.
pub const GATHERED_BYTES: usize = 1024;
/// Runs of a thread that are compared with the conversation that a client sends; an older message is not known.
pub const PAST_RUNS: usize = 64;
/// How long accepting pauses when the system has no more file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A request in OpenAI's protocol that waits for the end of its response is answered after so long in any case: a little
/// before its clients give up.
pub const RESPONSE_WAIT: Duration = Duration::from_mins(9);
/// How long the cancelling of a response waits for its end.
pub const CANCEL_WAIT: Duration = Duration::from_secs(20);
/// Most runs of a thread that a response takes along which follows an earlier one than the last.
pub const BRANCH_RUNS: usize = 64;
/// A client of the AI SDK sends its whole conversation each time, of which mostly the last message is taken: its bodies may be so
/// many times as large as others.
pub const CHAT_BODY_FACTOR: usize = 16;
/// Most runs of one page of a chat's messages.
pub const CHAT_RUNS: usize = 50;
/// A page of a chat's messages takes in no more runs once it has so many bytes.
pub const CHAT_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// How long a command on a worktree is waited for before it is answered as it is.
pub const TASK_WAIT: Duration = Duration::from_secs(20);
