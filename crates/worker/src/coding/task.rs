//! Commands on the worktree of a run that has ended: merge, commit, checkpoint, restore, remove. The run that performs one is
//! the current run of its thread, so no agent and no other command is at work in the same files.

use std::path::Path;

use run::{ErrorInfo, Event, MergeHow, Outcome, Reason, RunId, WorktreeCommand, WorktreeTask};
use serde_json::{Value, json};
use worktree::{
    Bounds, BranchFate, Error, How, Identity, Merge, Place, Removal, Repository, Unsaved, Worktree,
};

use super::CodingAgents;
use super::checkpoints::Unkept;
use super::files::{Files, Leaving, NoPlace, name};
use super::previews::stop_previews;
use crate::context::{Context, Over};
use crate::driver::Ending;
use crate::limits::NAMED_DIRTY;

/// Why a command was not done.
enum Failed {
    Told(ErrorInfo),
    Over(Over),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Told(match error {
            Error::WorktreeUnknown { .. } => gone(),
            error => ErrorInfo::new(error.code(), error.to_string()),
        })
    }
}

impl From<Over> for Failed {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

impl From<Unkept> for Failed {
    fn from(unkept: Unkept) -> Self {
        match unkept {
            Unkept::Git(error) => error.into(),
            Unkept::Over(over) => over.into(),
        }
    }
}

impl From<NoPlace> for Failed {
    fn from(no: NoPlace) -> Self {
        match no {
            NoPlace::Failed(error) | NoPlace::Later(error) => Self::Told(error),
        }
    }
}

/// The worktree is not there any more.
pub(super) fn gone() -> ErrorInfo {
    let message =
        "the worktree was removed; what was in it is in the repository, under refs/outlive/saved/";
    ErrorInfo::new("worktree_gone", message)
}

impl CodingAgents {
    /// Performs a command on a worktree.
    pub(crate) async fn on_worktree(&self, mut context: Context) -> Ending {
        match perform(&self.data, &mut context).await {
            Ok(output) => Ending::Finished(Outcome::completed().with_output(output)),
            Err(Failed::Told(error)) => Ending::Finished(Outcome::failed(Reason::Error, error)),
            Err(Failed::Over(over)) => over.into(),
        }
    }
}

async fn perform(data: &Path, context: &mut Context) -> Result<Value, Failed> {
    let spec = context.run().spec.clone();
    let (Some(WorktreeTask { owner, command }), Some(repository)) = (&spec.task, &spec.repository)
    else {
        let error = ErrorInfo::new("task_missing", "the run does not say what is to be done");
        return Err(Failed::Told(error));
    };
    let open = async || Repository::open(Path::new(repository)).await;
    match command {
        WorktreeCommand::CheckMerge { into, how } => {
            let source = Source::find(data, open().await?, *owner)?;
            let into = source.target(into.as_deref())?;
            let how = joined(*how);
            let run = name(*owner);
            let merge = source.repository.check_merge(&run, &into, how).await?;
            let mut output = merged(&merge, &into);
            output["uncommitted"] = source.uncommitted().await?.n_files.into();
            Ok(output)
        }
        WorktreeCommand::Merge {
            into,
            how,
            message,
            commit,
        } => {
            let source = Source::find(data, open().await?, *owner)?;
            let into = source.target(into.as_deref())?;
            let by = Identity::configured(&source.repository).await?;
            source
                .ensure_committed(*commit, &by, message.as_deref())
                .await?;
            let fallback = format!("Merge run {owner} into {into}");
            let message = message.as_deref().unwrap_or(&fallback);
            let how = joined(*how);
            let run = name(*owner);
            let merge = source.repository.merge(&run, &into, how, &by, message);
            Ok(merged(&merge.await?, &into))
        }
        WorktreeCommand::Commit { message } => {
            in_files(
                data,
                context,
                *owner,
                async |files: &mut Files, _: &Context| {
                    let worktree = files.worktree().ok_or_else(|| Failed::Told(gone()))?;
                    let by = Identity::configured(worktree.checkout().repository()).await?;
                    let done = commit(worktree, &by, message.as_deref()).await?;
                    Ok((json!({ "commit": done }), Vec::new()))
                },
            )
            .await
        }
        WorktreeCommand::Checkpoint {} => {
            in_files(
                data,
                context,
                *owner,
                async |files: &mut Files, context: &Context| {
                    let (checkpoint, events) = files.checkpoint(context).await?;
                    Ok((json!({ "checkpoint": checkpoint }), events))
                },
            )
            .await
        }
        WorktreeCommand::Restore { checkpoint, branch } => {
            let number = checkpoint.number().ok_or_else(|| {
                let message = format!("{checkpoint} is no checkpoint's id; they are w1, w2, …");
                Failed::Told(ErrorInfo::new("checkpoint_unknown", message))
            })?;
            in_files(
                data,
                context,
                *owner,
                async |files: &mut Files, context: &Context| {
                    let (before, events) = files.restore(context, number, *branch).await?;
                    let output = json!({ "restored": checkpoint, "before": before });
                    Ok((output, events))
                },
            )
            .await
        }
        WorktreeCommand::Remove { branch, discard } => {
            let removal = Removal {
                branch: if *branch {
                    BranchFate::Delete
                } else {
                    BranchFate::Keep
                },
                unsaved: if *discard {
                    Unsaved::Discard
                } else {
                    Unsaved::Refuse
                },
                ..Removal::default()
            };
            remove(data, context, open().await?, *owner, removal).await
        }
    }
}

async fn remove(
    data: &Path,
    context: &Context,
    repository: Repository,
    owner: RunId,
    removal: Removal,
) -> Result<Value, Failed> {
    stop_previews(&context.store, owner).await;
    let removed = Place::open(data)?
        .remove(&repository, &name(owner), removal)
        .await;
    let removed = match removed {
        Ok(removed) => Ok(json!(removed)),
        // An attempt before this one has done it and could not say so.
        Err(Error::WorktreeUnknown { .. }) if context.resumes() => Ok(json!({})),
        Err(Error::WorktreeUnknown { .. }) => Err(Failed::Told(gone())),
        Err(error) => return Err(error.into()),
    };
    let note = || context.store.worktree_removed(owner);
    let noted = context.asked("note that the worktree is gone", note);
    noted.await?.map_err(|_| Over)?;
    // One may have been started in the meantime.
    stop_previews(&context.store, owner).await;
    removed
}

/// Does something in the files of the worktree and says how it leaves them.
async fn in_files(
    data: &Path,
    context: &mut Context,
    owner: RunId,
    act: impl AsyncFnOnce(&mut Files, &Context) -> Result<(Value, Vec<Event>), Failed>,
) -> Result<Value, Failed> {
    let snapshot = context.snapshot().await?;
    let (mut files, events) = Files::prepare(context, data, &snapshot, owner).await?;
    context.emit(events).await?;
    let done = act(&mut files, context).await;
    let (output, mut events) = match done {
        Ok((output, events)) => (Ok(output), events),
        Err(failed) => (Err(failed), Vec::new()),
    };
    let (settled, _) = files.settle(context, data, Leaving::Undone).await;
    events.extend(settled);
    context.emit(events).await?;
    output
}

async fn commit(
    worktree: &Worktree,
    by: &Identity,
    message: Option<&str>,
) -> Result<Option<String>, Error> {
    let fallback = format!("Work of run {}", worktree.run());
    let message = message.unwrap_or(&fallback);
    let committed = worktree.commit_leftovers(message, by, Bounds::default());
    Ok(committed.await?.commit.map(|commit| commit.to_string()))
}

/// What a merge takes: a branch, and the worktree it is checked out in as long as that is there.
struct Source {
    repository: Repository,
    worktree: Option<Worktree>,
}

/// What is not committed.
struct Uncommitted {
    n_files: usize,
    /// The first of them.
    named: Vec<String>,
}

impl Source {
    fn find(data: &Path, repository: Repository, owner: RunId) -> Result<Self, Error> {
        let worktree = match Place::open(data)?.find(&repository, &name(owner)) {
            Ok(worktree) => Some(worktree),
            Err(Error::WorktreeUnknown { .. } | Error::WorktreeGone { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            repository,
            worktree,
        })
    }

    /// The branch to merge into.
    fn target(&self, asked: Option<&str>) -> Result<String, Failed> {
        if let Some(branch) = asked {
            if branch.starts_with("outlive/") {
                // Its worktree has a lease of its own, which is not this thread's.
                let message = format!("{branch} is the branch of a run; merge into one of yours");
                return Err(Failed::Told(ErrorInfo::new("into_refused", message)));
            }
            return Ok(branch.to_owned());
        }
        let base = self.worktree.as_ref().map(Worktree::base);
        base.and_then(|base| base.branch.clone()).ok_or_else(|| {
            let message = if self.worktree.is_some() {
                "the worktree began from a commit and not from a branch; say `into`"
            } else {
                "the worktree is gone, and where it began with it; say `into`"
            };
            Failed::Told(ErrorInfo::new("into_missing", message))
        })
    }

    async fn uncommitted(&self) -> Result<Uncommitted, Error> {
        let Some(worktree) = &self.worktree else {
            return Ok(Uncommitted {
                n_files: 0,
                named: Vec::new(),
            });
        };
        let dirty = worktree.checkout().settle(Bounds::default()).await?.dirty;
        let named = dirty.list.into_iter().take(NAMED_DIRTY);
        Ok(Uncommitted {
            n_files: dirty.files,
            named: named.map(|change| change.path).collect(),
        })
    }

    /// A merge takes commits: what is none of them would silently stay behind.
    async fn ensure_committed(
        &self,
        may_commit: bool,
        by: &Identity,
        message: Option<&str>,
    ) -> Result<(), Failed> {
        let Some(worktree) = &self.worktree else {
            return Ok(());
        };
        if may_commit {
            commit(worktree, by, message).await?;
            return Ok(());
        }
        let Uncommitted { n_files, named } = self.uncommitted().await?;
        if n_files == 0 {
            return Ok(());
        }
        let named = named.join(", ");
        let n_files = match n_files {
            1 => "a file in the worktree is".to_owned(),
            n => format!("{n} files in the worktree are"),
        };
        let message =
            format!("{n_files} not committed ({named}); merge with `commit` to take it along");
        Err(Failed::Told(ErrorInfo::new("worktree_dirty", message)))
    }
}

fn joined(how: MergeHow) -> How {
    match how {
        MergeHow::Merge => How::Merge,
        MergeHow::Rebase => How::Rebase,
    }
}

fn merged(merge: &Merge, into: &str) -> Value {
    let mut output = json!(merge);
    output["into"] = into.into();
    output
}
