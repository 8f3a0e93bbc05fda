//! Checkpoints: what the files of a run were at a moment, kept under `refs/outlive/checkpoints/<run>/<number>`.

use crate::checkout::{Checkout, object};
use crate::error::Error;
use crate::limits::CHECKPOINTS;
use crate::name::{ObjectId, RunName};
use crate::repository::Repository;
use crate::snapshot::{Bounds, NestedFiles, Note, Snapshot};

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Checkpoint {
    /// From 1, in the order in which they were taken.
    pub number: u32,
    /// The ref that keeps it.
    pub reference: String,
    /// A commit of the files, whose parent is `head`.
    pub commit: ObjectId,
    /// The files.
    pub tree: ObjectId,
    /// The commit that was checked out. None before the first one.
    pub head: Option<ObjectId>,
}

/// A checkpoint that was just taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Captured {
    /// What was taken.
    pub checkpoint: Checkpoint,
    /// What it does not hold, or not as it is; the first of them, losses before others.
    pub notes: Vec<Note>,
    /// Notes beyond those.
    pub more_notes: usize,
}

impl Checkout {
    /// Takes a checkpoint of all files that are tracked or not ignored. The index, HEAD, the branches and the files stay
    /// as they are.
    pub async fn capture(&self, bounds: Bounds) -> Result<Captured, Error> {
        let snapshot = self.snapshot(bounds, NestedFiles::Taken).await?;
        let checkpoint = self.keep(&snapshot).await?;
        Ok(Captured {
            checkpoint,
            notes: snapshot.notes,
            more_notes: snapshot.more_notes,
        })
    }

    /// Makes a checkpoint of a snapshot.
    pub(crate) async fn keep(&self, snapshot: &Snapshot) -> Result<Checkpoint, Error> {
        let run = &self.run;
        let head = self.head().await?;
        let prefix = run.checkpoint_refs();
        let mut last = self.repository.checkpoint_numbers(run).await?;
        let mut number = last.pop().unwrap_or(0);
        loop {
            number += 1;
            if number > CHECKPOINTS {
                return Err(Error::CheckpointsFull { run: run.clone() });
            }
            let message = format!("Checkpoint {number} of run {run}\n");
            let parents: Vec<_> = head.iter().collect();
            let commit = self.commit_tree(&snapshot.tree, &parents, &message).await?;
            let reference = format!("{prefix}{number}");
            let kept = match self.repository.move_ref(&reference, &commit, None).await {
                // A crash left the lock of this very ref, which nobody else would take.
                Err(Error::RepositoryLocked { file })
                    if file.ends_with(format!("{reference}.lock")) =>
                {
                    false
                }
                other => other?,
            };
            // Taken twice at once they get two numbers.
            if kept {
                return Ok(Checkpoint {
                    number,
                    reference,
                    commit,
                    tree: snapshot.tree.clone(),
                    head,
                });
            }
        }
    }
}

impl Repository {
    /// The numbers of a run's checkpoints, in order.
    pub async fn checkpoint_numbers(&self, run: &RunName) -> Result<Vec<u32>, Error> {
        let refs = self.refs(&run.checkpoint_refs()).await?;
        let mut numbers: Vec<_> = refs
            .into_iter()
            .filter_map(|(name, _)| name.parse().ok())
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// One checkpoint of a run. It is there as long as its run, whatever became of the worktree.
    pub async fn checkpoint(&self, run: &RunName, number: u32) -> Result<Checkpoint, Error> {
        let reference = format!("{}{number}", run.checkpoint_refs());
        let unknown = || Error::CheckpointUnknown {
            run: run.clone(),
            number,
        };
        let commit = self.commit_of(&reference).await?.ok_or_else(unknown)?;
        let call = self.call().args(["show", "--no-patch", "--format=%T %P"]);
        let answer = call.arg(commit.as_str()).text().await?;
        let mut ids = answer.split(' ').filter_map(ObjectId::new);
        Ok(Checkpoint {
            number,
            reference,
            tree: ids.next().ok_or_else(unknown)?,
            head: ids.next(),
            commit,
        })
    }

    /// The tree with nothing in it.
    pub(crate) async fn empty_tree(&self) -> Result<ObjectId, Error> {
        object(&self.call().arg("mktree").text().await?)
    }
}
