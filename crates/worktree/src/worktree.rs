//! The worktree of a run: making it, and finding it again.

use std::io;
use std::path::Path;

use tokio::time::sleep;

use crate::admin;
use crate::checkout::Checkout;
use crate::delete::delete_files;
use crate::error::Error;
use crate::limits::{FILES, LOCK_PAUSE, LOCK_TRIES};
use crate::lock::{Held, lock};
use crate::name::RunName;
use crate::place::{Found, Place, Record, Slot, Stage, gone};
use crate::repository::{Base, BaseCommit, Repository};

/// The lock of a repository against others that make and remove worktrees, in its common directory.
pub(crate) const REPOSITORY_LOCK: &str = "outlive.lock";

/// A worktree of a run's own, on a branch of its own.
#[derive(Debug, Clone)]
pub struct Worktree {
    checkout: Checkout,
    base: BaseCommit,
}

impl Worktree {
    /// Its files.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        self.checkout.path()
    }

    /// The run that owns it.
    pub fn run(&self) -> &RunName {
        self.checkout.run()
    }

    /// Its branch.
    pub fn branch(&self) -> String {
        self.run().branch()
    }

    /// What it began from.
    pub fn base(&self) -> &BaseCommit {
        &self.base
    }

    /// Lets `git worktree prune` forget it once its directory is gone. For when its run has ended and it stays.
    pub async fn unlock(&self) -> Result<(), Error> {
        self.set_locked("unlock", "is not locked").await
    }

    /// Keeps it from being pruned again, for a run that goes on in it. A new one is locked.
    pub async fn lock(&self) -> Result<(), Error> {
        self.set_locked("lock", "already locked").await
    }

    async fn set_locked(&self, verb: &str, done_before: &str) -> Result<(), Error> {
        let repository = self.checkout.repository();
        let _held = lock(&repository.common_dir().join(REPOSITORY_LOCK)).await?;
        let mut call = repository.call().args(["worktree", verb]);
        if verb == "lock" {
            call = call.args(["--reason", &reason(self.run())]);
        }
        match call.arg(self.path()).patiently().await {
            Err(Error::GitFailed { complaint, .. }) if complaint.contains(done_before) => Ok(()),
            other => other,
        }
    }
}

impl Place {
    /// Makes the worktree of a run, on the branch `outlive/<run>`, locked against pruning. Making it again gives the same
    /// one; what a crash left half made is made anew. On an error nothing of it stays.
    pub async fn create(
        &self,
        repository: &Repository,
        run: &RunName,
        base: &Base,
    ) -> Result<Worktree, Error> {
        let base = repository.resolve(base).await?;
        let slot = self.slot(repository, run);
        let own = slot.own().await?;
        match slot.record()? {
            Some(record) if record.stage == Stage::Ready => {
                if record.base.commit != base.commit {
                    return Err(Error::WorktreeExists {
                        run: run.clone(),
                        base: record.base.commit,
                    });
                }
                return attach(repository, &slot, record);
            }
            Some(record) => clear_half_made(repository, &slot, &record).await?,
            None => {
                if let Err(error) = ensure_free(repository, &slot, run).await {
                    slot.forget()?;
                    return Err(error);
                }
            }
        }
        let mut record = Record::new(repository, run, base)?;
        slot.write(&record)?;
        let made = make(repository, &slot, &record, &own).await;
        let made = match made {
            Ok(()) => {
                record.stage = Stage::Ready;
                slot.write(&record)
            }
            failed => failed,
        };
        if let Err(error) = made {
            record.stage = Stage::Creating;
            // What cannot be cleared now, on a full disk, is cleared by the next try or by the removal.
            if clear_half_made(repository, &slot, &record).await.is_ok() {
                slot.forget()?;
            }
            return Err(error);
        }
        attach(repository, &slot, record)
    }

    /// The worktree that a run owns.
    pub fn find(&self, repository: &Repository, run: &RunName) -> Result<Worktree, Error> {
        let slot = self.slot(repository, run);
        match slot.record()? {
            Some(record) if record.stage == Stage::Ready => attach(repository, &slot, record),
            _ => Err(Error::WorktreeUnknown { run: run.clone() }),
        }
    }
}

fn reason(run: &RunName) -> String {
    format!("outlive run {run}")
}

fn attach(repository: &Repository, slot: &Slot, record: Record) -> Result<Worktree, Error> {
    let gone = || Error::WorktreeGone {
        path: slot.path.clone(),
    };
    if slot.look(&slot.path)? == Found::Nothing {
        return Err(gone());
    }
    let git_dir = admin::sound(repository, &slot.path)?.ok_or_else(gone)?;
    let path = slot.path.clone();
    Ok(Worktree {
        checkout: Checkout::new(repository.clone(), record.run, git_dir, path),
        base: record.base,
    })
}

/// Nothing of anybody's is where the worktree and its branch will be.
async fn ensure_free(repository: &Repository, slot: &Slot, run: &RunName) -> Result<(), Error> {
    if slot.path.symlink_metadata().is_ok() {
        return Err(Error::PlaceTaken {
            path: slot.path.clone(),
        });
    }
    // A branch `outlive` leaves no room for `outlive/…`.
    for branch in [run.branch(), "outlive".to_owned()] {
        if repository.branch_tip(&branch).await?.is_some() {
            return Err(Error::BranchTaken { branch });
        }
    }
    Ok(())
}

async fn make(
    repository: &Repository,
    slot: &Slot,
    record: &Record,
    own: &Held,
) -> Result<(), Error> {
    let run = &record.run;
    let held = lock(&repository.common_dir().join(REPOSITORY_LOCK)).await?;
    let add = repository
        .call()
        .args(["worktree", "add", "--quiet", "--no-track", "--no-checkout"])
        .args(["--lock", "--reason", &reason(run), "-b", &run.branch()])
        .arg(&slot.path)
        .arg(record.base.commit.as_str())
        .under(&held);
    let mut pause = LOCK_PAUSE;
    for _ in 1..LOCK_TRIES {
        match add.again().done().await {
            Ok(()) => break,
            // The user's own commands take no turn. What failed may have made the branch.
            Err(error) if error.is_race() => clear_under(repository, slot, record).await?,
            Err(error) => return Err(error),
        }
        sleep(pause).await;
        pause *= 2;
    }
    if admin::sound(repository, &slot.path)?.is_none() {
        add.done().await?;
    }
    drop(held);
    // The files take longest and need no turn: nobody else touches this worktree's index.
    let git_dir = admin::sound(repository, &slot.path)?;
    let git_dir = git_dir.ok_or_else(|| Error::WorktreeGone {
        path: slot.path.clone(),
    })?;
    let path = slot.path.clone();
    let checkout = Checkout::new(repository.clone(), run.clone(), git_dir, path);
    let reset = checkout.call()?.args(["reset", "--quiet", "--hard"]);
    reset.under(own).time(FILES).done().await
}

/// Deletes what there is of a worktree in which nobody has worked yet.
pub(crate) async fn clear_half_made(
    repository: &Repository,
    slot: &Slot,
    record: &Record,
) -> Result<(), Error> {
    let _held = lock(&repository.common_dir().join(REPOSITORY_LOCK)).await?;
    clear_under(repository, slot, record).await
}

/// The same for who holds the lock of the repository.
async fn clear_under(repository: &Repository, slot: &Slot, record: &Record) -> Result<(), Error> {
    delete_files(slot).await?;
    admin::delete_half_made(repository, slot)?;
    let name = record.run.branch_ref();
    // Only commands of this run take the lock of this run's branch, and none of them is alive.
    let stale = repository.common_dir().join(format!("{name}.lock"));
    match gone(std::fs::remove_file(&stale)) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
        other => other.map_err(Error::at(&stale))?,
    }
    if repository.branch_tip(&record.run.branch()).await?.is_none() {
        return Ok(());
    }
    if repository.delete_ref(&name, &record.base.commit).await? {
        Ok(())
    } else {
        Err(Error::BranchTaken {
            branch: record.run.branch(),
        })
    }
}
