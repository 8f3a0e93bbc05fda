//! Every bound of this crate. Hitting one is an item, an error or a line in the log, never a silent cut.

use std::time::Duration;

/// Bytes taken from a pipe by one read, and so the most that one [`Output`](crate::Output) holds.
pub const READ_BYTES: usize = 32 * 1024;

/// Bytes of one line of an agent's protocol. Some agents repeat the whole message in every event, so it is generous.
pub const LINE_BYTES: usize = 16 * 1024 * 1024;

/// Bytes kept of a line that was too long, enough to name it in an error.
pub const LINE_HEAD_BYTES: usize = 256;

/// Bytes of a mark or of a run's id in a child's environment.
pub const MARKER_BYTES: usize = 200;

/// How long the pipes of an exited child are read for what its own children still say. What the child itself wrote
/// is always read, however long that takes.
pub const DRAIN: Duration = Duration::from_millis(250);

/// Children whose start is under way at once; further starts wait.
pub const STARTS: usize = 32;

/// How long a sweep goes on while it still finds something.
pub const SWEEP: Duration = Duration::from_secs(5);

/// Rounds in a row that must find nothing before a sweep believes it.
pub const CLEAN_ROUNDS: u32 = 2;

/// The longest pause between two rounds of a sweep, or two looks at a group that was told to end.
pub const PAUSE: Duration = Duration::from_millis(50);

/// Bytes read of a process's environment. The kernel's own bound on arguments and environment together is 6 MiB.
#[cfg(target_os = "linux")]
pub const ENVIRON_BYTES: u64 = 8 * 1024 * 1024;

/// How often adopted orphans that died are collected, while there are children at all.
#[cfg(target_os = "linux")]
pub const REAP_EVERY: Duration = Duration::from_secs(1);

/// How long a dead child that may belong to somebody else in this process is left for them to collect.
#[cfg(target_os = "linux")]
pub const REAP_PATIENCE: Duration = Duration::from_secs(5);

/// How long an agent may take to answer its first questions. The slowest took 22 s at its very first start.
pub const HANDSHAKE: Duration = Duration::from_mins(1);

/// How long an end that may not be the end is waited out: an agent that tries again says so at once.
pub const SETTLE: Duration = Duration::from_secs(1);

/// Bytes of a frame that is kept as it is.
pub const RAW_BYTES: usize = 1024 * 1024;

/// Bytes of an agent's words in a notice or a title; what is left out is said.
pub const SHOWN_BYTES: usize = 2000;

/// Calls, messages, requests, tasks, inputs and unanswered questions of ours, each, that one agent has open at once.
pub const OPEN_ITEMS: usize = 256;

/// Unknown kinds of frames that are named, each once.
pub const ODD_KINDS: usize = 50;

/// Bytes remembered of the end of a text that is sent as a whole again and again.
pub const GROWN_TAIL_BYTES: usize = 256;

/// Bytes of one message of an agent that never says where its messages end; a longer one goes on as another.
pub const MESSAGE_BYTES: usize = 1024 * 1024;
