//! Every bound of the store, named once.

use std::time::Duration;

/// Bytes of a client's name of a segment.
pub const SEGMENT_NAME_BYTES: usize = 200;

/// A lock that another process holds is tried for this long.
pub const LOCK_WAIT: Duration = Duration::from_millis(500);
/// Between two tries.
pub const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// Most operations that wait for the writer before senders wait for room.
pub const WRITER_QUEUE: usize = 8 * 1024;
/// Most operations of one commit.
pub const COMMIT_OPS: usize = 4 * 1024;
/// Largest append, bytes as printed: what a follower may be given at once.
pub const APPEND_BYTES: usize = 4 * 1024 * 1024;
/// A commit that has written so many bytes takes no more operations; the others are in the next one.
pub const COMMIT_BYTES: usize = 8 * 1024 * 1024;
/// A run's events are folded into a chunk when so many bytes have gathered: with one more event they still fit two pages.
pub const CHUNK_BYTES: usize = 7_700;
/// Rows of the journal that are longer are compressed, bytes: shorter ones take one page as they are.
pub const JOURNAL_PACK_BYTES: usize = 4_000;
/// A follower's bytes per read.
pub const READ_BYTES: usize = 256 * 1024;
/// Bytes of a run's newest events that stay in memory while somebody follows it.
pub const TAIL_BYTES: usize = 16 * 1024;
/// Events waiting in the journal are folded when they are this old, milliseconds.
pub const FOLD_AGE_MS: u64 = 2_000;
/// Most runs that one commit folds because of their age.
pub const FOLDS_PER_COMMIT: usize = 64;
/// The journal may hold so many bytes of commits; beyond it the oldest runs are folded first.
pub const JOURNAL_BYTES: u64 = 8 * 1024 * 1024;
/// The write-ahead log is made this large at first, so that commits overwrite instead of growing a file, bytes.
pub const WAL_BYTES: u64 = 16 * 1024 * 1024;
/// Uncompressed bytes of one chunk of a compacted run.
pub const COMPACT_BYTES: usize = 128 * 1024;
/// Most entries of one page of a list.
pub const PAGE_ENTRIES: usize = 200;
/// Bytes of metadata of a run or thread, as JSON.
pub const METADATA_BYTES: usize = 16 * 1024;
/// Runs of one tenant that may be queued, unless a setting says otherwise.
pub const QUEUED_RUNS: u32 = 10_000;
/// Runs that may stand in line on one thread.
pub const LINE_RUNS: u32 = 1_000;
/// How long an idempotency key is remembered, milliseconds.
pub const IDEMPOTENCY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Hints of changes that a board may be behind before it has to fetch everything again.
pub const FEED_HINTS: usize = 1_024;
/// Connections that read.
pub const READERS: usize = 2;
/// Largest blob, bytes.
pub const BLOB_BYTES: usize = 32 * 1024 * 1024;
/// Most secrets of one tenant.
pub const SECRETS: usize = 1_000;
/// Most runs of one page of a thread's history: each has an input, which may be large.
pub const HISTORY_RUNS: usize = 16;
/// A snapshot is stored as a checkpoint when reading it had to fold so many events.
pub const SNAPSHOT_EVERY: u64 = 2_000;
/// Most runs that one sweep settles of each kind.
pub const SWEEP_RUNS: usize = 256;
/// How long the writer waits for another process that has locked the file, unless a setting says otherwise,
/// milliseconds.
pub const LOCKED_WAIT_MS: u64 = 10_000;
