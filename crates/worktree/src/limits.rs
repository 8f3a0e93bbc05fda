//! Every bound of this crate. Hitting one is an error or a note, never a silent cut.

use std::time::Duration;

/// The oldest git whose `merge-tree` takes a base of its own.
pub const GIT_VERSION: (u32, u32) = (2, 40);

/// How long a command may take that only reads or writes metadata.
pub const PLUMBING: Duration = Duration::from_mins(2);

/// How long a command may take that reads or writes all files of a working tree.
pub const FILES: Duration = Duration::from_mins(15);

/// How long the pipes of a command that has ended are read, in case something it left behind holds them open.
pub const DRAIN: Duration = Duration::from_secs(1);

/// How long a command that is stopped has to delete its lock files.
pub const GRACE: Duration = Duration::from_millis(500);

/// Bytes of a command's answer. Lists of a repository's files are the longest.
pub const ANSWER_BYTES: usize = 128 * 1024 * 1024;

/// Bytes kept of what a command says about an error.
pub const COMPLAINT_BYTES: usize = 8 * 1024;

/// Bytes that are free on a disk of which a failed write without a reason is taken to be full.
pub const NEARLY_FULL_BYTES: u64 = 1024 * 1024;

/// How long to wait for others that create or remove worktrees of one repository.
pub const LOCK_WAIT: Duration = Duration::from_mins(5);

/// How often a command is repeated that met a lock of another git command.
pub const LOCK_TRIES: u32 = 6;

/// The pause before the first of those; each further one doubles it.
pub const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// Bytes of a run's name.
pub const RUN_NAME_BYTES: usize = 100;

/// Bytes of the file that says whose a worktree is.
pub const RECORD_BYTES: u64 = 64 * 1024;

/// Bytes of one file in a checkpoint. A bigger one is left out, with a note.
pub const CHECKPOINT_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of all changed files that one checkpoint takes up.
pub const CHECKPOINT_BYTES: u64 = 1024 * 1024 * 1024;

/// The same two bounds for what is saved before a worktree is removed, where nothing may be left out.
pub const SAVED_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Changed files that one checkpoint takes up.
pub const CHECKPOINT_FILES: usize = 200_000;

/// Checkpoints of one run.
pub const CHECKPOINTS: u32 = 100_000;

/// How often a checkpoint begins again because files changed under its hands.
pub const SNAPSHOT_TRIES: u32 = 3;

/// Left-out files that are named; further ones are only counted.
pub const NOTES: usize = 100;

/// Repositories inside a worktree that are looked into.
pub const NESTED: usize = 50;

/// Bytes of the packs of a nested repository whose history is saved.
pub const NESTED_BYTES: u64 = 512 * 1024 * 1024;

/// Files that a list of changes names; the totals count all.
pub const CHANGES: usize = 3_000;

/// Files that an error or a list of conflicts names.
pub const NAMED_FILES: usize = 200;

/// Commits that a rebase moves.
pub const REBASE_COMMITS: usize = 500;

/// A temporary index that a crash left behind is cleared after this time.
pub const STALE_SCRATCH: Duration = Duration::from_hours(1);
