//! Where a coding agent works: a worktree of the run's own, the repository as it is checked out, or a directory.
//!
//! Only the run that made a worktree owns it. A run that refines it works in the same one; it is on the same thread, which has
//! one current run, so two live runs never share a worktree.

use std::path::{Path, PathBuf};

use run::event::{Notice, NoticeLevel, WorktreeReady, WorktreeSettled};
use run::snapshot::Snapshot;
use run::{CheckpointId, Cleanup, ErrorInfo, Event, RunId, WorktreeUse};
use store::Scope;
use worktree::{
    Base, Bounds, BranchFate, Error, Identity, ObjectId, Place, Removal, Repository, RunName,
    Worktree,
};

use super::checkpoints::{InGit, Unkept, noted};
use super::previews::stop_previews;
use super::task;
use crate::context::{Context, Over};

/// Why a run has no place to work.
pub(super) enum NoPlace {
    /// Somebody has to change something.
    Failed(ErrorInfo),
    /// Another attempt may do better.
    Later(ErrorInfo),
}

impl From<Error> for NoPlace {
    fn from(error: Error) -> Self {
        let info = ErrorInfo::new(error.code(), error.to_string());
        if error.may_pass() {
            Self::Later(info)
        } else {
            Self::Failed(info)
        }
    }
}

/// Where the agent works.
pub(super) struct Files {
    path: PathBuf,
    git: Option<InGit>,
    /// The owner of the worktree is another run.
    is_borrowed: bool,
    /// It was made just now.
    pub(super) is_new: bool,
}

/// The run whose worktree this run works in: its own, or that of the first run of a line of refinements.
pub(super) async fn owner(context: &Context) -> Result<RunId, Over> {
    let run = context.run();
    if let Some(task) = &run.spec.task {
        return Ok(task.owner);
    }
    let Some(source) = run.refines else {
        return Ok(run.id);
    };
    let scope = Scope::tenant(run.tenant.clone());
    let read = || context.store.snapshot(&scope, source);
    let source_files = match context.asked("read the refined run", read).await? {
        Ok(snapshot) => snapshot.worktree,
        // It was deleted, and its worktree with it.
        Err(_) => None,
    };
    Ok(source_files.map_or(run.id, |files| files.owner.unwrap_or(source)))
}

impl Files {
    /// Makes or finds the place. Says what is new.
    pub(super) async fn prepare(
        context: &Context,
        data: &Path,
        snapshot: &Snapshot,
        owner: RunId,
    ) -> Result<(Self, Vec<Event>), NoPlace> {
        let run = context.run();
        let spec = &run.spec;
        let is_borrowed = owner != run.id;
        let Some(repository) = spec.repository.as_deref().map(Path::new) else {
            return Self::directory(spec.directory.as_deref());
        };
        let repository = Repository::open(repository).await?;
        let own = name(run.id);
        let (checkout, worktree, base) = match spec.worktree_use() {
            WorktreeUse::None => return Self::directory(repository.top().to_str()),
            WorktreeUse::Shared => {
                // What is checked out may have moved since the first attempt: by the agent's own commits.
                let known = snapshot.worktree.as_ref();
                let known = known.and_then(|worktree| ObjectId::new(&worktree.base));
                let base = match known {
                    Some(base) => Some(base),
                    None => repository
                        .resolve(&Base::Head)
                        .await
                        .ok()
                        .map(|base| base.commit),
                };
                (repository.shared(own.clone()), None, base)
            }
            WorktreeUse::PerRun => {
                let place = Place::open(data)?;
                let name = name(owner);
                let worktree = match place.find(&repository, &name) {
                    Ok(worktree) => {
                        worktree.lock().await?;
                        worktree
                    }
                    Err(Error::WorktreeUnknown { .. })
                        if !is_borrowed && snapshot.worktree.is_none() =>
                    {
                        let base = spec.base.clone().map_or(Base::Head, Base::Named);
                        place.create(&repository, &name, &base).await?
                    }
                    Err(Error::WorktreeUnknown { .. }) => {
                        return Err(NoPlace::Failed(task::gone()));
                    }
                    Err(error) => return Err(error.into()),
                };
                let base = worktree.base().commit.clone();
                (worktree.checkout().clone(), Some(worktree), Some(base))
            }
        };
        let path = checkout.path().to_owned();
        if !path.is_dir() {
            return Err(Error::WorktreeGone { path }.into());
        }
        let last = repository.checkpoint_numbers(checkout.run()).await?.pop();
        let mut events = Vec::new();
        if snapshot.worktree.is_none() {
            let ready = WorktreeReady {
                path: path.display().to_string(),
                branch: worktree.as_ref().map(Worktree::branch),
                base: base.as_ref().map(ToString::to_string).unwrap_or_default(),
                owner: (is_borrowed && worktree.is_some()).then_some(owner),
            };
            events.push(ready.into());
        }
        let files = Self {
            path,
            is_new: worktree.is_some() && !is_borrowed,
            git: Some(InGit {
                checkout,
                worktree,
                base,
                last,
            }),
            is_borrowed,
        };
        Ok((files, events))
    }

    fn directory(path: Option<&str>) -> Result<(Self, Vec<Event>), NoPlace> {
        let path = path.map_or_else(std::env::current_dir, |path| Path::new(path).canonicalize());
        let path = path.map_err(|error| {
            let message = format!("the agent's directory cannot be used: {error}");
            NoPlace::Failed(ErrorInfo::new("directory_missing", message))
        })?;
        let files = Self {
            path,
            git: None,
            is_borrowed: false,
            is_new: false,
        };
        Ok((files, Vec::new()))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the state of the files, and says what the run has changed in all. A failure is a notice: the work goes on.
    pub(super) async fn capture(&mut self, context: &Context) -> Result<Vec<Event>, Over> {
        let Some(git) = &mut self.git else {
            return Ok(Vec::new());
        };
        match git.capture(context).await {
            Ok((_, events)) => Ok(events),
            Err(Unkept::Git(error)) => Ok(vec![failed("checkpoint_failed", &error)]),
            Err(Unkept::Over(over)) => Err(over),
        }
    }

    /// The worktree, where there is one.
    pub(super) fn worktree(&self) -> Option<&Worktree> {
        self.git.as_ref()?.worktree.as_ref()
    }

    /// The same as [`Self::capture`], for who asks for nothing else.
    pub(super) async fn checkpoint(
        &mut self,
        context: &Context,
    ) -> Result<(CheckpointId, Vec<Event>), Unkept> {
        self.in_git()?.capture(context).await
    }

    /// Gives the files the state of a checkpoint, with the branch if asked for. Says under which checkpoint the present state is
    /// kept.
    pub(super) async fn restore(
        &mut self,
        context: &Context,
        number: u32,
        with_branch: bool,
    ) -> Result<(CheckpointId, Vec<Event>), Unkept> {
        self.in_git()?.restore(context, number, with_branch).await
    }

    fn in_git(&mut self) -> Result<&mut InGit, Error> {
        let path = &self.path;
        let gone = || Error::WorktreeGone { path: path.clone() };
        self.git.as_mut().ok_or_else(gone)
    }

    /// The run goes on in them after all.
    pub(super) async fn keep(&self) -> Option<Event> {
        let worktree = self.git.as_ref()?.worktree.as_ref()?;
        let error = worktree.lock().await.err()?;
        Some(failed("worktree_unlocked", &error))
    }

    /// Says how the run leaves its files, and does with them what its agent's configuration says. No process may be at work
    /// in them.
    pub(super) async fn settle(
        &mut self,
        context: &Context,
        data: &Path,
        leaving: Leaving,
    ) -> (Vec<Event>, Left) {
        let Some(git) = &self.git else {
            return (Vec::new(), Left::There);
        };
        let spec = &context.run().spec;
        let mut events = Vec::new();
        if let (Leaving::Done, true, Some(worktree)) =
            (leaving, spec.commit_leftovers, &git.worktree)
        {
            events.extend(commit(context, worktree).await);
        }
        let settled = match git.checkout.settle(Bounds::default()).await {
            Ok(settled) => {
                events.extend(noted(settled.notes));
                let head = settled.head.map(|head| head.to_string());
                Some((head.unwrap_or_default(), settled.dirty.files > 0))
            }
            Err(error) => {
                events.push(failed("worktree_unsettled", &error));
                None
            }
        };
        let mut left = Left::There;
        if let Some(worktree) = &git.worktree {
            if spec.cleanup == Cleanup::OnFinish && !self.is_borrowed {
                let (store, run) = (&context.store, context.run().id);
                stop_previews(store, run).await;
                let removed = remove(data, worktree).await;
                if removed.is_ok() {
                    left = Left::Removed;
                    // Without it the run looks as if its worktree were there, which the next command on it finds out.
                    let note = || store.worktree_removed(run);
                    let _ = context.asked("note that the worktree is gone", note).await;
                    // One may have been started in the meantime.
                    stop_previews(store, run).await;
                }
                events.push(removed.unwrap_or_else(|error| failed("worktree_kept", &error)));
            } else if let Err(error) = worktree.unlock().await {
                events.push(failed("worktree_locked", &error));
            }
        }
        if let Some((head, dirty)) = settled {
            let removed = left == Left::Removed;
            events.push(
                WorktreeSettled {
                    head,
                    dirty,
                    removed,
                }
                .into(),
            );
        }
        (events, left)
    }
}

/// What is left of a run's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// All of it.
    There,
    /// Nothing.
    Removed,
}

/// How a run leaves its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Its work is done.
    Done,
    /// It was stopped or failed.
    Undone,
}

async fn commit(context: &Context, worktree: &Worktree) -> Vec<Event> {
    let repository = worktree.checkout().repository();
    let committed = async {
        let author = Identity::configured(repository).await?;
        let message = format!("Leftovers of run {}", context.run().id);
        worktree
            .commit_leftovers(&message, &author, Bounds::default())
            .await
    };
    match committed.await {
        Ok(committed) => noted(committed.notes),
        Err(error) => vec![failed("leftovers_not_committed", &error)],
    }
}

async fn remove(data: &Path, worktree: &Worktree) -> Result<Event, Error> {
    let removal = Removal {
        branch: BranchFate::Delete,
        ..Removal::default()
    };
    let place = Place::open(data)?;
    let repository = worktree.checkout().repository();
    let removed = place.remove(repository, worktree.run(), removal).await?;
    let text = match removed.saved {
        Some(saved) => format!(
            "the worktree was removed; what was in no other branch is saved as {}",
            saved.reference
        ),
        None => "the worktree was removed; there was nothing to save".to_owned(),
    };
    Ok(Notice::new(NoticeLevel::Info, "worktree_removed", text).into())
}

/// The name of a run in git.
pub(super) fn name(run: RunId) -> RunName {
    RunName::new(run.to_string()).expect("a run's id has digits, letters and hyphens alone")
}

fn failed(code: &str, error: &Error) -> Event {
    Notice::new(NoticeLevel::Warning, code, error.to_string()).into()
}
