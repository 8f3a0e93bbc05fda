//! Commands on the worktree of a run that has ended. Each is a run of its own, of the server's own driver, on the same thread:
//! the thread's one current run is what keeps two of them, or one and an agent, from the same files.

use serde::{Deserialize, Serialize};

use crate::{AgentSpec, CheckpointId, DriverKind, RunId, WORKTREE_TASK_MS};

/// A command and the worktree it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorktreeTask {
    /// The run that made the worktree.
    pub owner: RunId,
    /// What is done.
    pub command: WorktreeCommand,
}

/// What can be done with a worktree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum WorktreeCommand {
    /// Says what a merge would do. Changes nothing.
    CheckMerge {
        /// The branch to merge into; the one that the worktree began from if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
        /// How.
        #[serde(default)]
        how: MergeHow,
    },
    /// Joins the worktree's branch into another one. Conflicts are a result, and leave everything as it was.
    Merge {
        /// The branch to merge into; the one that the worktree began from if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
        /// How.
        #[serde(default)]
        how: MergeHow,
        /// The message of a merge commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Whether what is not committed in the worktree is committed first. Else it is in the way.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        commit: bool,
    },
    /// Commits on the worktree's branch all that is not committed.
    Commit {
        /// The message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Keeps the state of the files as one more checkpoint.
    Checkpoint {},
    /// Gives the files the state of a checkpoint. The present one is kept as a checkpoint before.
    Restore {
        /// The checkpoint.
        checkpoint: CheckpointId,
        /// Whether the branch goes to the commit that was checked out then, too.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        branch: bool,
    },
    /// Removes the worktree. What is in no branch is saved under a ref before.
    Remove {
        /// Whether its branch goes with it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        branch: bool,
        /// Whether files may be lost that cannot be saved, for example because they are too large.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        discard: bool,
    },
}

/// How two branches are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeHow {
    /// By a commit with two parents, unless the other branch has not moved.
    #[default]
    Merge,
    /// By the commits of the worktree again, on top of the other branch.
    Rebase,
}

impl WorktreeCommand {
    /// Its word on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::CheckMerge { .. } => "check_merge",
            Self::Merge { .. } => "merge",
            Self::Commit { .. } => "commit",
            Self::Checkpoint {} => "checkpoint",
            Self::Restore { .. } => "restore",
            Self::Remove { .. } => "remove",
        }
    }
}

impl AgentSpec {
    /// What performs a command on a worktree of a run of this agent.
    #[must_use]
    pub fn on_worktree(&self, task: WorktreeTask) -> Self {
        Self {
            repository: self.repository.clone(),
            task: Some(task),
            ephemeral: true,
            silence_ms: WORKTREE_TASK_MS,
            stop_timeout_ms: WORKTREE_TASK_MS,
            ..Self::new(DriverKind::Worktree)
        }
    }
}
