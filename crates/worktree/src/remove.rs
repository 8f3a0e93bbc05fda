//! Removing a run's worktree. Nothing that is only there is lost.

use std::path::Path;

use crate::admin;
use crate::checkout::Checkout;
use crate::delete::delete_files;
use crate::error::Error;
use crate::limits::NAMED_FILES;
use crate::lock::lock;
use crate::name::{ObjectId, RunName};
use crate::place::{Found, Place, Record, Slot, Stage};
use crate::repository::Repository;
use crate::snapshot::{Bounds, NestedFiles, Note, Scratch};
use crate::worktree::{REPOSITORY_LOCK, clear_half_made};

/// How a worktree is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// What becomes of its branch.
    pub branch: BranchFate,
    /// What happens if something cannot be saved, such as a file beyond `bounds`.
    pub unsaved: Unsaved,
    /// How much is saved.
    pub bounds: Bounds,
}

/// What becomes of the branch of a removed worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchFate {
    /// It stays.
    Keep,
    /// It is deleted, and what it was is saved.
    Delete,
}

/// What happens to a worktree of which something cannot be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsaved {
    /// It stays as it is, with [`Error::WorkNotSaved`].
    Refuse,
    /// It is lost. Notes say what it was.
    Discard,
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    /// The commit that saves what was nowhere else, and the ref that keeps it. None when everything is in a branch.
    pub saved: Option<Saved>,
    /// What that does not hold, or not as it was; the first of them, losses before others.
    pub notes: Vec<Note>,
    /// The refs that save the history of repositories inside.
    pub nested: Vec<String>,
    /// Whether the branch is still there: because it was to be kept, is checked out elsewhere or moved meanwhile.
    pub branch_kept: bool,
}

/// Saved work.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Saved {
    /// `refs/outlive/saved/<run>`.
    pub reference: String,
    /// A commit of all files; its parents are what was checked out, the run's branch, and what was saved before.
    pub commit: ObjectId,
}

impl Default for Removal {
    fn default() -> Self {
        Self {
            branch: BranchFate::Keep,
            unsaved: Unsaved::Refuse,
            bounds: Bounds::for_removal(),
        }
    }
}

impl Place {
    /// Removes the worktree that this run owns; that of another run is [`Error::WorktreeUnknown`]. Uncommitted work is
    /// saved first, untracked files included and ignored ones not. May be repeated after a crash. Whatever runs in the
    /// worktree must have ended.
    pub async fn remove(
        &self,
        repository: &Repository,
        run: &RunName,
        removal: Removal,
    ) -> Result<Removed, Error> {
        let slot = self.slot(repository, run);
        let unknown = || Error::WorktreeUnknown { run: run.clone() };
        if slot.record()?.is_none() {
            return Err(unknown());
        }
        let _own = slot.own().await?;
        let Some(record) = slot.record()? else {
            slot.forget()?;
            return Err(unknown());
        };
        if record.run != *run || Path::new(&record.common) != repository.common_dir() {
            return Err(unknown());
        }
        let mut removed = Removed {
            saved: None,
            notes: Vec::new(),
            nested: Vec::new(),
            branch_kept: false,
        };
        if record.stage == Stage::Creating {
            match clear_half_made(repository, &slot, &record).await {
                // Somebody else's, made meanwhile.
                Err(Error::BranchTaken { .. }) => removed.branch_kept = true,
                other => other?,
            }
            slot.forget()?;
            return Ok(removed);
        }
        let tip = repository.branch_tip(&run.branch()).await?;
        save(
            repository,
            &slot,
            &record,
            removal,
            tip.as_ref(),
            &mut removed,
        )
        .await?;

        let held = lock(&repository.common_dir().join(REPOSITORY_LOCK)).await?;
        delete_files(&slot).await?;
        admin::delete(repository, &slot.path)?;
        drop(held);
        if let Some(tip) = tip {
            removed.branch_kept = match removal.branch {
                BranchFate::Keep => true,
                BranchFate::Delete => !delete_branch(repository, run, &tip).await?,
            };
        }
        slot.forget()?;
        Ok(removed)
    }
}

/// Saves what is in no branch that stays.
async fn save(
    repository: &Repository,
    slot: &Slot,
    record: &Record,
    removal: Removal,
    tip: Option<&ObjectId>,
    removed: &mut Removed,
) -> Result<(), Error> {
    let there = slot.look(&slot.path)? == Found::Directory;
    let entry = admin::sound(repository, &slot.path)?;
    let run = &record.run;
    // Where git knows nothing of it any more, its files are compared with those of the repository.
    let git_dir = entry.as_deref().unwrap_or(repository.common_dir());
    let checkout = Checkout::new(
        repository.clone(),
        run.clone(),
        git_dir.to_owned(),
        slot.path.clone(),
    );
    let head = match &entry {
        Some(_) => checkout.head().await?,
        None => tip.cloned(),
    };
    let tree = if there {
        let snapshot = checkout
            .snapshot(removal.bounds, NestedFiles::Taken)
            .await?;
        let lost = snapshot.notes.iter().filter(|note| note.kind.is_loss());
        let lost: Vec<_> = lost
            .map(|note| note.path.clone())
            .take(NAMED_FILES)
            .collect();
        if removal.unsaved == Unsaved::Refuse && !lost.is_empty() {
            return Err(Error::WorkNotSaved { files: lost });
        }
        removed.notes = snapshot.notes;
        for (number, inside) in (1..).zip(&snapshot.inside) {
            let reference = format!("{}{number}/", run.nested_refs());
            if checkout.save_nested(inside, &reference, removal).await? {
                removed.nested.push(reference);
            }
        }
        Some(snapshot.tree)
    } else if entry.is_some() {
        // Deleted by hand: what was staged is still known.
        let index = Scratch::of(&checkout)?;
        let call = index.on(checkout.metadata()).arg("write-tree");
        call.text().await.ok().and_then(ObjectId::new)
    } else {
        None
    };

    let base = Some(&record.base.commit);
    let clean = match (&tree, &head) {
        (Some(tree), Some(head)) => repository.tree_of(head).await? == *tree,
        (Some(tree), None) => repository.empty_tree().await? == *tree,
        (None, _) => true,
    };
    let kept = |commit: Option<&ObjectId>| {
        commit.is_none() || commit == base || commit == tip && removal.branch == BranchFate::Keep
    };
    if clean && kept(head.as_ref()) && kept(tip) {
        return Ok(());
    }
    let tree = match (tree, head.as_ref().or(tip)) {
        (Some(tree), _) => tree,
        (None, Some(commit)) => repository.tree_of(commit).await?,
        (None, None) => return Ok(()),
    };
    removed.saved = Some(keep(&checkout, &tree, head.as_ref(), tip).await?);
    Ok(())
}

/// Puts saved files and history under the run's ref, over what an earlier try saved.
async fn keep(
    checkout: &Checkout,
    tree: &ObjectId,
    head: Option<&ObjectId>,
    tip: Option<&ObjectId>,
) -> Result<Saved, Error> {
    let repository = checkout.repository();
    let reference = checkout.run.saved_ref();
    loop {
        let before = repository.commit_of(&reference).await?;
        let mut parents: Vec<_> = head.into_iter().collect();
        parents.extend(tip.filter(|tip| head != Some(tip)));
        if let Some(before) = &before
            && repository.tree_of(before).await? == *tree
            && repository.holds(before, &parents).await?
        {
            return Ok(Saved {
                reference,
                commit: before.clone(),
            });
        }
        parents.extend(&before);
        let message = format!(
            "What the worktree of run {} held when it was removed\n",
            checkout.run
        );
        let commit = checkout.commit_tree(tree, &parents, &message).await?;
        if repository
            .move_ref(&reference, &commit, before.as_ref())
            .await?
        {
            return Ok(Saved { reference, commit });
        }
    }
}

impl Repository {
    /// Whether all these commits are in the history of `of`.
    async fn holds(&self, of: &ObjectId, commits: &[&ObjectId]) -> Result<bool, Error> {
        if commits.is_empty() {
            return Ok(true);
        }
        let call = self.call().args(["rev-list", "--max-count=1"]);
        let call = call.args(commits.iter().map(|commit| commit.as_str()));
        Ok(call
            .args([&format!("^{of}"), "--"])
            .text()
            .await?
            .is_empty())
    }
}

/// Deletes the branch of a run and what was configured for it. False: it is in use elsewhere or has moved.
async fn delete_branch(
    repository: &Repository,
    run: &RunName,
    tip: &ObjectId,
) -> Result<bool, Error> {
    let branch = run.branch();
    if repository.checked_out(&branch).await?.is_some() {
        return Ok(false);
    }
    if !repository.delete_ref(&run.branch_ref(), tip).await? {
        return Ok(false);
    }
    let settings = format!("^branch\\.{}\\.", branch.replace('.', "\\."));
    let call = repository
        .call()
        .args(["config", "--local", "--get-regexp"]);
    if call.arg(settings).run().await?.code == Some(0) {
        let call = repository
            .call()
            .args(["config", "--local", "--remove-section"]);
        call.arg(format!("branch.{branch}")).patiently().await?;
    }
    Ok(true)
}
