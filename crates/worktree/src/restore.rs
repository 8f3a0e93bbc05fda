//! Going back to a checkpoint.

use crate::checkout::Checkout;
use crate::checkpoint::{Captured, Checkpoint};
use crate::error::Error;
use crate::limits::{FILES, NAMED_FILES};
use crate::settle::ensure_idle;
use crate::snapshot::{Bounds, NestedFiles};
use crate::worktree::Worktree;

/// What a restoration did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Restored {
    /// What the files were before, so that it can be undone.
    pub before: Captured,
    /// What they are now.
    pub now: Checkpoint,
}

impl Checkout {
    /// Makes the files what they were at a checkpoint. The present ones are kept as a checkpoint first. Ignored files, files
    /// that were too big for a checkpoint and what is in submodules stay as they are; where such a file is in the way
    /// nothing is done. The index, HEAD and the branches are not touched.
    pub async fn restore(&self, number: u32, bounds: Bounds) -> Result<Restored, Error> {
        let now = self.repository.checkpoint(&self.run, number).await?;
        let snapshot = self.snapshot(bounds, NestedFiles::Taken).await?;
        let before = self.keep(&snapshot).await?;
        let files = self.in_the_way(&before.tree, &now.tree).await?;
        if !files.is_empty() {
            return Err(Error::RestoreBlocked { files });
        }
        // Its index knows the files as they are, so git finds out by itself if one changes before it is written.
        let call = snapshot.index.call(self)?.args(["read-tree", "-m", "-u"]);
        let call = call.args([before.tree.as_str(), now.tree.as_str()]);
        let answer = call.time(FILES).run().await?;
        if answer.code != Some(0) {
            let files = named(answer.complaint());
            return Err(if files.is_empty() {
                answer.error()
            } else {
                Error::RestoreBlocked { files }
            });
        }
        let before = Captured {
            checkpoint: before,
            notes: snapshot.notes,
            more_notes: snapshot.more_notes,
        };
        Ok(Restored { before, now })
    }
}

impl Worktree {
    /// Makes the files what they were at a checkpoint, and the run's branch too: its later commits are only in the
    /// checkpoint that is taken first, and the index is reset. Refused when the run has checked out another branch.
    pub async fn restore_with_head(&self, number: u32, bounds: Bounds) -> Result<Restored, Error> {
        let checkout = self.checkout();
        ensure_idle(&checkout.git_dir, &checkout.path)?;
        let head = checkout.head_ref().await?;
        if head != Some(self.run().branch_ref()) {
            return Err(Error::HeadElsewhere {
                head: head.unwrap_or_else(|| "a commit without a branch".to_owned()),
            });
        }
        let restored = checkout.restore(number, bounds).await?;
        let (old, new) = (&restored.before.checkpoint.head, &restored.now.head);
        if let (Some(old), Some(new)) = (old, new) {
            let branch = self.run().branch_ref();
            if old != new
                && !checkout
                    .repository
                    .move_ref(&branch, new, Some(old))
                    .await?
            {
                return Err(Error::BranchMoved {
                    branch: self.branch(),
                });
            }
        }
        let reset = checkout.call()?.args(["reset", "--quiet"]);
        reset.time(FILES).done().await?;
        Ok(restored)
    }
}

/// The files that git names as being in the way.
pub(crate) fn named(complaint: &str) -> Vec<String> {
    let told = complaint
        .lines()
        .filter(|line| line.contains("would be") || line.contains("not uptodate"));
    let quoted = told.filter_map(|line| {
        let (_, rest) = line.split_once('\'')?;
        Some(rest.rsplit_once('\'')?.0.to_owned())
    });
    quoted.take(NAMED_FILES).collect()
}
