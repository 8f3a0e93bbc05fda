//! Why the store could not do what was asked: one enum per kind of call.

use std::path::PathBuf;

use run::{Refused, RunId, Seq, Status, ThreadId};

/// The store cannot work now. What was asked did not happen, or it is not known whether it did; asking again is safe
/// where the call says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store is unavailable: {message}")]
pub struct Unavailable {
    /// A stable word: `disk_full`, `locked`, `read_only`, `corrupt`, `closed`, `internal`, `io`; `too_large`
    /// for a blob.
    pub code: &'static str,
    /// What the database said.
    pub message: String,
}

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the store {path} is held by another process ({holder})")]
    Held {
        /// The file.
        path: PathBuf,
        /// What the other process said of itself.
        holder: String,
    },
    /// It was written by a later version.
    #[error(
        "the store {path} has schema version {found}, this program knows up to {known}; use a newer program"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The file or its directory cannot be used.
    #[error("failed to open the store {path}: {message}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
}

/// A read failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no such thing, or not for this caller.
    #[error("unknown")]
    Unknown,
    /// The store cannot work now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A log could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// There is no such run, or not for this caller.
    #[error("unknown")]
    Unknown,
    /// The cursor is not one that this log can have given.
    #[error("the log ends at {last}, it cannot have given the cursor {after}")]
    CursorUnknown {
        /// The cursor.
        after: Seq,
        /// The last number.
        last: Seq,
    },
    /// The log has been deleted by age.
    #[error("the events of this run were deleted by the retention setting")]
    LogExpired,
    /// The store cannot work now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A run could not be started.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StartError {
    /// The thread has a current run.
    #[error("thread {thread} has a current run")]
    AlreadyActive {
        /// The thread.
        thread: ThreadId,
        /// Its current run.
        run: RunId,
    },
    /// The run to be superseded is not the current one.
    #[error("the named run is not the current one of its thread")]
    SupersedeMismatch {
        /// The run that is current, or the last one when none is.
        current: Option<RunId>,
    },
    /// The thread is somebody else's.
    #[error("unknown")]
    Unknown,
    /// `steer` was asked for and the current run refused.
    #[error(transparent)]
    Refused(Refused),
    /// Too many runs are queued.
    #[error("{max} runs are queued already")]
    QueueFull {
        /// The bound.
        max: u32,
    },
    /// The idempotency key was used with another body.
    #[error("this idempotency key was used for another request")]
    KeyReused {
        /// The run of the first use.
        run: RunId,
    },
    /// The store cannot work now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A command of a client was not carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// There is no such run, or not for this caller.
    #[error("unknown")]
    Unknown,
    /// The run refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Apply: only a succeeded run can be applied.
    #[error("only a succeeded run can be applied, this one is {0}")]
    NotSucceeded(Status),
    /// The store cannot work now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A write of a worker was not carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorkError {
    /// There is no such run any more.
    #[error("unknown")]
    Unknown,
    /// The run refused: an old fence, an ended run, an event that does not fit.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// An event is larger than the bound.
    #[error("a {kind} event of {bytes} bytes is larger than the {max} that fit")]
    TooLarge {
        /// Its type.
        kind: String,
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// The store cannot work now; the same write may be repeated under its number.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A run or thread could not be deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    /// There is none, or not for this caller.
    #[error("unknown")]
    Unknown,
    /// It is not over.
    #[error("run {0} is open")]
    Open(RunId),
    /// Another run works in its worktree.
    #[error("run {0} works in its worktree")]
    WorktreeInUse(RunId),
    /// The store cannot work now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A thread could not be made or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThreadError {
    /// There is none, or not for this caller.
    #[error("unknown")]
    Unknown,
    /// The id is taken.
    #[error("thread {0} exists already")]
    Exists(ThreadId),
    /// The parent does not exist, or would be its own ancestor.
    #[error("the parent thread is unknown")]
    ParentUnknown,
    /// The store cannot work now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
