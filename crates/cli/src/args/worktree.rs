//! `outlive worktree`.

use clap::{Args, Subcommand};
use run::{CheckpointId, MergeHow, WorktreeCommand};

use super::runs::{RunRef, Watching};

/// `outlive preview`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive preview last
  outlive preview last play
  outlive preview last play -d
  outlive preview last play --stop

Previews are commands of the configuration: [repositories.game.previews.play] command = \"cargo run\". One is run in the worktree of \
a coding agent's run, also while the agent is at work, as a run of its own: Ctrl-C leaves it running, --stop ends it.")]
pub(crate) struct Preview {
    #[command(flatten)]
    pub(crate) run: RunRef,
    /// The preview; lists all of them if missing
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Stop it
    #[arg(long, requires = "name")]
    pub(crate) stop: bool,
    #[command(flatten)]
    pub(crate) watching: Watching,
}

/// `outlive worktree`
#[derive(Debug, Subcommand)]
#[command(after_long_help = "\
Examples:
  outlive worktree check last
  outlive worktree merge last --commit
  outlive worktree merge last --into develop --rebase
  outlive worktree restore last w2
  outlive worktree remove last --branch

Each works on the worktree of a run of a coding agent that has ended, and is refused while another run is at work in it. Nothing is \
lost: restoring keeps the present state as a checkpoint first, removing saves what is in no branch under refs/outlive/saved/.")]
pub(crate) enum WorktreeVerb {
    /// Say what a merge would do; change nothing
    Check(Check),
    /// Merge its branch into the one that it began from
    Merge(Merge),
    /// Commit on its branch what is not committed
    Commit(Commit),
    /// Keep the state of its files as one more checkpoint
    Checkpoint(Checkpoint),
    /// Give its files the state of a checkpoint
    Restore(Restore),
    /// Remove it
    Remove(RemoveWorktree),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    run: RunRef,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    #[command(flatten)]
    run: RunRef,
    #[command(flatten)]
    target: Target,
    /// Commit first what is not committed
    #[arg(long)]
    commit: bool,
    /// The message of the commit
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

#[derive(Debug, Args)]
struct Target {
    /// The branch to merge into, if not the one that the worktree began from
    #[arg(long, value_name = "BRANCH")]
    into: Option<String>,
    /// Put its commits on top of the branch, without a merge commit
    #[arg(long)]
    rebase: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Commit {
    #[command(flatten)]
    run: RunRef,
    /// The message of the commit
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    run: RunRef,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    run: RunRef,
    /// The checkpoint, as `outlive show` names it, for example w2
    #[arg(value_parser = |text: &str| CheckpointId::parse(text))]
    checkpoint: CheckpointId,
    /// Take the branch back to the commit of then, too
    #[arg(long)]
    branch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveWorktree {
    #[command(flatten)]
    run: RunRef,
    /// Delete its branch, too
    #[arg(long)]
    branch: bool,
    /// Remove it even if it has files that cannot be saved
    #[arg(long)]
    discard: bool,
}

impl Target {
    fn how(&self) -> MergeHow {
        if self.rebase {
            MergeHow::Rebase
        } else {
            MergeHow::Merge
        }
    }
}

impl WorktreeVerb {
    /// The run that is named, and what is done with its worktree.
    pub(crate) fn command(self) -> (String, WorktreeCommand) {
        match self {
            Self::Check(Check { run, target }) => {
                let how = target.how();
                let into = target.into;
                (run.run, WorktreeCommand::CheckMerge { into, how })
            }
            Self::Merge(Merge {
                run,
                target,
                commit,
                message,
            }) => {
                let how = target.how();
                let into = target.into;
                (
                    run.run,
                    WorktreeCommand::Merge {
                        into,
                        how,
                        message,
                        commit,
                    },
                )
            }
            Self::Commit(Commit { run, message }) => (run.run, WorktreeCommand::Commit { message }),
            Self::Checkpoint(Checkpoint { run }) => (run.run, WorktreeCommand::Checkpoint {}),
            Self::Restore(Restore {
                run,
                checkpoint,
                branch,
            }) => (run.run, WorktreeCommand::Restore { checkpoint, branch }),
            Self::Remove(RemoveWorktree {
                run,
                branch,
                discard,
            }) => (run.run, WorktreeCommand::Remove { branch, discard }),
        }
    }
}
