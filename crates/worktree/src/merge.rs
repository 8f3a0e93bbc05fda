//! The way of a run's work into a branch: tried without a worktree, then done by compare-and-set.

use std::path::PathBuf;

use crate::checkout::{Checkout, Identity, object};
use crate::conflict::{Conflict, Joined};
use crate::error::Error;
use crate::limits::{FILES, NAMED_FILES, REBASE_COMMITS};
use crate::listed::Listed;
use crate::lock::lock;
use crate::name::{ObjectId, RunName};
use crate::repository::Repository;
use crate::settle::ensure_idle;
use crate::snapshot::split;
use crate::worktree::REPOSITORY_LOCK;

/// What a merge of a run's branch into another would do, or did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Merge {
    /// The branch has all of it already.
    UpToDate {
        /// Where the branch is.
        at: ObjectId,
    },
    /// The branch only moves forward to the run's last commit.
    FastForward {
        /// Where the branch was.
        from: ObjectId,
        /// Where it is then.
        to: ObjectId,
    },
    /// Both have gone on, and fit together.
    Joined {
        /// Where the branch was.
        from: ObjectId,
        /// The new commit it is at. None when it was only tried.
        to: Option<ObjectId>,
    },
    /// Both have changed the same things. Nothing was done.
    Conflicts {
        /// Where the branch is.
        at: ObjectId,
        /// The files, by path.
        conflicts: Vec<Conflict>,
        /// Conflicts beyond those.
        more: usize,
    },
}

/// How a run's work gets into a branch that has gone on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By a commit that joins both.
    Merge,
    /// By new commits with the same changes, one for each, behind those of the branch. The run's own branch stays.
    Rebase,
}

impl Repository {
    /// Says what [`Repository::merge`] would do now. Changes nothing, and needs no worktree. What is not committed in the
    /// run's worktree does not count.
    pub async fn check_merge(&self, run: &RunName, into: &str, how: How) -> Result<Merge, Error> {
        let by = Identity::ours();
        let merge = self.prepare(run, into, how, &by, "check").await?;
        Ok(match merge {
            Merge::Joined { from, .. } => Merge::Joined { from, to: None },
            other => other,
        })
    }

    /// Brings the run's commits into a branch, which must not move meanwhile. Where it only has to move forward it does.
    ///
    /// If the branch is checked out in a working tree, that must have no uncommitted changes of tracked files; its files
    /// are then updated with it, by `git merge --ff-only` there, which overwrites no untracked file.
    pub async fn merge(
        &self,
        run: &RunName,
        into: &str,
        how: How,
        by: &Identity,
        message: &str,
    ) -> Result<Merge, Error> {
        let _held = lock(&self.common_dir().join(REPOSITORY_LOCK)).await?;
        let place = self.checked_out(into).await?;
        if let Some(place) = &place {
            self.ensure_clean(place, into).await?;
        }
        self.ensure_not_rebasing(into).await?;
        let merge = self.prepare(run, into, how, by, message).await?;
        let (from, to) = match &merge {
            Merge::UpToDate { .. } | Merge::Conflicts { .. } | Merge::Joined { to: None, .. } => {
                return Ok(merge);
            }
            Merge::FastForward { from, to } | Merge::Joined { from, to: Some(to) } => (from, to),
        };
        if let Some(place) = place {
            self.move_checked_out(run, &place, into, (from, to)).await?;
        } else {
            let name = format!("refs/heads/{into}");
            if !self.move_ref(&name, to, Some(from)).await? {
                return Err(moved(into));
            }
        }
        Ok(merge)
    }

    /// Makes the commits that a branch would get, without moving it.
    async fn prepare(
        &self,
        run: &RunName,
        into: &str,
        how: How,
        by: &Identity,
        message: &str,
    ) -> Result<Merge, Error> {
        let tip = |branch: String| async move {
            let tip = self.branch_tip(&branch).await?;
            tip.ok_or(Error::BranchUnknown { branch })
        };
        let from = tip(into.to_owned()).await?;
        let ours = tip(run.branch()).await?;
        let call = self
            .call()
            .args(["merge-base", from.as_str(), ours.as_str()]);
        let answer = call.run().await?;
        let fork = String::from_utf8_lossy(&answer.stdout)
            .trim_end()
            .to_owned();
        let fork = match answer.code {
            Some(0) => object(&fork)?,
            Some(1) => {
                return Err(Error::HistoriesUnrelated {
                    branch: into.to_owned(),
                });
            }
            _ => return Err(answer.error()),
        };
        if fork == ours {
            return Ok(Merge::UpToDate { at: from });
        }
        if fork == from {
            return Ok(Merge::FastForward { from, to: ours });
        }
        let joined = match how {
            How::Merge => match self.join(None, &from, &ours).await? {
                Joined::Tree(tree) => {
                    let parents = [&from, &ours];
                    Ok(self.commit(&tree, &parents, by, message).await?)
                }
                Joined::Conflicts(conflicts) => Err(conflicts),
            },
            How::Rebase => self.rebase(&fork, &from, &ours, by).await?,
        };
        Ok(match joined {
            Ok(to) => Merge::Joined { from, to: Some(to) },
            Err(mut conflicts) => {
                let more = conflicts.len().saturating_sub(NAMED_FILES);
                conflicts.truncate(NAMED_FILES);
                Merge::Conflicts {
                    at: from,
                    conflicts,
                    more,
                }
            }
        })
    }

    /// Makes the commits from `fork` to `ours` again, behind `onto`.
    async fn rebase(
        &self,
        fork: &ObjectId,
        onto: &ObjectId,
        ours: &ObjectId,
        by: &Identity,
    ) -> Result<Result<ObjectId, Vec<Conflict>>, Error> {
        let call = self
            .call()
            .args(["rev-list", "--reverse", "--topo-order", "--parents"]);
        let list = call.args([&format!("{fork}..{ours}"), "--"]).text().await?;
        let commits: Vec<_> = list.lines().collect();
        if commits.len() > REBASE_COMMITS {
            return Err(Error::RebaseTooLong {
                most: REBASE_COMMITS,
            });
        }
        let mut tip = onto.clone();
        for line in commits {
            let ids: Vec<_> = line.split(' ').filter_map(ObjectId::new).collect();
            let [commit, parent] = &ids[..] else {
                let commit = object(line.split(' ').next().unwrap_or_default())?;
                return Err(Error::RebaseOverMerge { commit });
            };
            let tree = match self.join(Some(parent), &tip, commit).await? {
                Joined::Tree(tree) => tree,
                Joined::Conflicts(conflicts) => return Ok(Err(conflicts)),
            };
            // The branch has this change already.
            if tree == self.tree_of(&tip).await? {
                continue;
            }
            tip = self.commit_again(commit, &tree, &tip, by).await?;
        }
        Ok(Ok(tip))
    }

    async fn commit(
        &self,
        tree: &ObjectId,
        parents: &[&ObjectId],
        by: &Identity,
        message: &str,
    ) -> Result<ObjectId, Error> {
        let call = by.on(self.call()).args(["commit-tree", tree.as_str()]);
        let call = call.args(parents.iter().flat_map(|parent| ["-p", parent.as_str()]));
        let message = message.trim_end().to_owned() + "\n";
        let call = call.args(["-F", "-"]).input(message.into_bytes());
        object(&call.text().await?)
    }

    /// Makes a commit with another tree and parent: author, time and message stay.
    async fn commit_again(
        &self,
        commit: &ObjectId,
        tree: &ObjectId,
        parent: &ObjectId,
        by: &Identity,
    ) -> Result<ObjectId, Error> {
        let format = "--format=%an%x00%ae%x00%ad%x00%B";
        let call = self
            .call()
            .args(["show", "--no-patch", "--no-notes", "--date=raw"]);
        // Git puts one line break behind what the format gives.
        let shown = call.args(["--no-show-signature", format, commit.as_str()]);
        let shown = shown.text().await?;
        let mut parts = shown.splitn(4, '\0');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let call = by.on(self.call());
        let call = call
            .env("GIT_AUTHOR_NAME", part())
            .env("GIT_AUTHOR_EMAIL", part())
            .env("GIT_AUTHOR_DATE", part());
        let call = call.args(["commit-tree", tree.as_str(), "-p", parent.as_str()]);
        let call = call.args(["-F", "-"]).input(part().into_bytes());
        object(&call.text().await?)
    }

    /// The working tree of a branch has no changes that a merge could mix up.
    async fn ensure_clean(&self, place: &Listed, branch: &str) -> Result<(), Error> {
        ensure_idle(&self.git_dir_of(place).await?, &place.path)?;
        let status = [
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=no",
            "--no-renames",
        ];
        let call = self.git.call(&place.path).args(status);
        let dirty = call.time(FILES).stdout().await?;
        if dirty.is_empty() {
            return Ok(());
        }
        let files = split(&dirty).map(|line| {
            let path = line.get(3..).unwrap_or_default();
            String::from_utf8_lossy(path).into_owned()
        });
        Err(Error::BranchDirty {
            branch: branch.to_owned(),
            path: place.path.clone(),
            files: files.take(NAMED_FILES).collect(),
        })
    }

    /// No worktree rebases this branch, which it would move at the end.
    async fn ensure_not_rebasing(&self, branch: &str) -> Result<(), Error> {
        for worktree in self.worktrees().await? {
            let git_dir = self.git_dir_of(&worktree).await?;
            for state in ["rebase-merge", "rebase-apply"] {
                let head = git_dir.join(state).join("head-name");
                let head = std::fs::read_to_string(head).unwrap_or_default();
                if head.trim_end().strip_prefix("refs/heads/") == Some(branch) {
                    return Err(Error::OperationInProgress {
                        path: worktree.path,
                        operation: "rebase",
                    });
                }
            }
        }
        Ok(())
    }

    /// Moves a branch with the files of the working tree that it is checked out in.
    async fn move_checked_out(
        &self,
        run: &RunName,
        place: &Listed,
        branch: &str,
        (from, to): (&ObjectId, &ObjectId),
    ) -> Result<(), Error> {
        let git_dir = self.git_dir_of(place).await?;
        let there = Checkout::new(self.clone(), run.clone(), git_dir, place.path.clone());
        let files = there.in_the_way(from, to).await?;
        if !files.is_empty() {
            return Err(Error::BranchDirty {
                branch: branch.to_owned(),
                path: place.path.clone(),
                files,
            });
        }
        let merge = [
            "merge",
            "--ff-only",
            "--quiet",
            "--no-autostash",
            to.as_str(),
        ];
        let merge = self.git.call(&place.path).args(merge).time(FILES);
        let merged = merge.done().await;
        match (merged, self.branch_tip(branch).await?) {
            (_, Some(tip)) if tip == *to => Ok(()),
            (Err(error), Some(tip)) if tip == *from => Err(error),
            _ => Err(moved(branch)),
        }
    }

    async fn git_dir_of(&self, place: &Listed) -> Result<PathBuf, Error> {
        let git_dir = ["rev-parse", "--path-format=absolute", "--git-dir"];
        let git_dir = self.git.call(&place.path).args(git_dir).text().await?;
        Ok(git_dir.into())
    }
}

fn moved(branch: &str) -> Error {
    Error::BranchMoved {
        branch: branch.to_owned(),
    }
}
