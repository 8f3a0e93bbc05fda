//! The end of a run's work: where it stands, and a commit of what it left uncommitted.

use std::path::Path;

use crate::changes::Changes;
use crate::checkout::{Checkout, Identity, object};
use crate::error::Error;
use crate::limits::FILES;
use crate::name::ObjectId;
use crate::snapshot::{Bounds, NestedFiles, Note};
use crate::worktree::Worktree;

/// Where a run's work stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Settled {
    /// The commit that is checked out.
    pub head: Option<ObjectId>,
    /// The branch that is checked out, which need not be the run's.
    pub branch: Option<String>,
    /// What is not committed, untracked files included.
    pub dirty: Changes,
    /// What that does not count; the first of them, losses before others.
    pub notes: Vec<Note>,
}

/// A commit of leftovers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Committed {
    /// The commit. None when there was nothing to commit.
    pub commit: Option<ObjectId>,
    /// What it does not hold; the first of them, losses before others.
    pub notes: Vec<Note>,
}

impl Checkout {
    /// Says where the work stands. Changes nothing.
    pub async fn settle(&self, bounds: Bounds) -> Result<Settled, Error> {
        let head = self.head().await?;
        let branch = self.head_ref().await?;
        let branch = branch.map(|name| name.trim_start_matches("refs/heads/").to_owned());
        let snapshot = self.snapshot(bounds, NestedFiles::Taken).await?;
        let from = match &head {
            Some(head) => self.repository.tree_of(head).await?,
            None => self.repository.empty_tree().await?,
        };
        let dirty = self.repository.changes_of(&from, &snapshot.tree).await?;
        Ok(Settled {
            head,
            branch,
            dirty,
            notes: snapshot.notes,
        })
    }
}

impl Worktree {
    /// Commits everything that is not committed and not ignored, on what is checked out. Repositories inside are left out.
    /// No hook runs. Refused in the middle of a merge or rebase, which only its author can finish.
    pub async fn commit_leftovers(
        &self,
        message: &str,
        author: &Identity,
        bounds: Bounds,
    ) -> Result<Committed, Error> {
        let checkout = self.checkout();
        ensure_idle(&checkout.git_dir, &checkout.path)?;
        let repository = checkout.repository();
        let head = checkout.head().await?;
        let snapshot = checkout.snapshot(bounds, NestedFiles::Left).await?;
        let before = match &head {
            Some(head) => repository.tree_of(head).await?,
            None => repository.empty_tree().await?,
        };
        let notes = snapshot.notes;
        if snapshot.tree == before {
            return Ok(Committed {
                commit: None,
                notes,
            });
        }
        let call = author.on(checkout.metadata());
        let call = call.args(["commit-tree", snapshot.tree.as_str()]);
        let parents = head.iter().flat_map(|head| ["-p", head.as_str()]);
        let call = call.args(parents).args(["-F", "-"]);
        let message = message.trim_end().to_owned() + "\n";
        let commit = object(&call.input(message.into_bytes()).text().await?)?;
        let old = head.map_or_else(|| commit.none_like(), |head| head.to_string());
        let update = checkout
            .metadata()
            .args(["update-ref", "-m", "outlive: leftovers"]);
        update
            .args(["HEAD", commit.as_str(), &old])
            .patiently()
            .await?;
        let reset = checkout.call()?.args(["reset", "--quiet"]);
        reset.time(FILES).done().await?;
        Ok(Committed {
            commit: Some(commit),
            notes,
        })
    }
}

/// No merge, rebase or the like is half done in this working tree.
pub(crate) fn ensure_idle(git_dir: &Path, path: &Path) -> Result<(), Error> {
    const OPERATIONS: &[(&str, &str)] = &[
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
        ("BISECT_LOG", "bisection"),
    ];
    let under_way = OPERATIONS
        .iter()
        .find(|(file, _)| git_dir.join(file).exists());
    match under_way {
        Some(&(_, operation)) => Err(Error::OperationInProgress {
            path: path.to_owned(),
            operation,
        }),
        None => Ok(()),
    }
}
