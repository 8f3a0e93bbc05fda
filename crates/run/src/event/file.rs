//! Worktrees, diffs and checkpoints.

use serde::{Deserialize, Serialize};

use crate::{CheckpointId, RunId};

/// The run's worktree is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorktreeReady {
    /// Where, on the node.
    pub path: String,
    /// Its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit it began from.
    pub base: String,
    /// The run that owns it and alone may remove it, where this run works in that of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<RunId>,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileChange {
    /// Its path in the repository.
    pub path: String,
    /// `added`, `modified`, `deleted`, `renamed`.
    pub change: String,
    /// Lines added.
    pub additions: u64,
    /// Lines removed.
    pub deletions: u64,
}

/// The diff of the run as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiffUpdated {
    /// The changed files; the first of them where there are many.
    pub files: Vec<FileChange>,
    /// How many files changed, where `files` does not name all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_files: Option<u64>,
    /// Lines added in all.
    pub additions: u64,
    /// Lines removed in all.
    pub deletions: u64,
    /// The blob of the run that holds the diff as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// Whether the text was cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A state of the worktree was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointCaptured {
    /// Its id.
    pub checkpoint: CheckpointId,
    /// The git ref that holds it.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// How many files changed since the one before.
    pub files: u64,
    /// `captured`, or `skipped` with nothing to keep.
    pub status: String,
    /// What changed since the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<DiffUpdated>,
}

/// The worktree as the run left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorktreeSettled {
    /// The commit at its head.
    pub head: String,
    /// Whether something is not committed.
    pub dirty: bool,
    /// Whether it was removed, with what was in no other branch saved under a ref.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}
