//! The server's own directory of worktrees, kept in order: what belongs to a run that was deleted goes, and what nobody has
//! touched for long, if the configuration says so. Nothing is lost: what is in no branch is saved under a ref first.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use run::{CallId, Cleanup, Input, RunId, Trigger, WorktreeCommand, WorktreeTask};
use store::{RunRecord, Scope, Start, StartError, Store, Unavailable};
use tokio_util::sync::CancellationToken;
use worktree::{BranchFate, Git, Orphan, Orphaned, Place, Removal};

use super::previews::stop_previews;
use crate::limits::HOUSEKEEPING;
use crate::looping::child_id;
use crate::settings::{Clock, system_clock};

/// Keeps worktrees in order.
#[derive(Clone)]
pub struct Housekeeper {
    /// Which runs there are.
    pub store: Store,
    /// Where worktrees are kept.
    pub data: PathBuf,
    /// How long a worktree stays that nobody has touched; for ever if missing.
    pub keep: Option<Duration>,
    /// The time.
    pub clock: Clock,
}

impl Housekeeper {
    /// Keeps the worktrees below `data` in order.
    pub fn new(store: Store, data: PathBuf, keep: Option<Duration>) -> Self {
        Self {
            store,
            data,
            keep,
            clock: Arc::new(system_clock),
        }
    }

    /// Looks at once and then again and again, until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        // What could not be removed is not tried, and complained about, every time.
        let mut left = HashSet::new();
        loop {
            self.look(&mut left).await;
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(HOUSEKEEPING) => {}
            }
        }
    }

    /// Looks once. `left` are those that were not removed before.
    pub async fn look(&self, left: &mut HashSet<RunId>) {
        // A server without coding agents has no such directory, and needs none.
        if !self.data.join("worktrees").is_dir() {
            return;
        }
        if let Err(error) = self.look_at(left).await {
            tracing::warn!("failed to look for worktrees without a run: {error}");
        }
    }

    async fn look_at(&self, left: &mut HashSet<RunId>) -> Result<(), Trouble> {
        let place = Place::open(&self.data)?;
        let all = place.orphans(Orphaned::NotOf(&HashSet::new()))?;
        let owner = |orphan: &Orphan| RunId::parse(orphan.run.as_str()).ok();
        let known = self
            .store
            .known(all.iter().filter_map(owner).collect())
            .await?;
        for worktree in all {
            let Some(run) = owner(&worktree) else {
                continue;
            };
            match known.iter().find(|record| record.id == run) {
                Some(record) => self.age(record, &worktree).await?,
                None if left.contains(&run) => {}
                // Another store's on the same directory, or newer than the copy that this store came from.
                None if !self.store.was_deleted(run).await? => {}
                None => {
                    stop_previews(&self.store, run).await;
                    if let Err(error) = clear(&place, &worktree).await {
                        left.insert(run);
                        tracing::warn!(
                            "left the worktree {} of a run that is gone: {error}",
                            worktree.path.display()
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// Removes what is old by a run on its thread, which keeps everybody else out of the worktree meanwhile.
    async fn age(&self, owner: &RunRecord, worktree: &Orphan) -> Result<(), Unavailable> {
        // One that should have gone at the end of its run: nobody was there, as when a parked run is stopped.
        let is_late = owner.spec.cleanup == Cleanup::OnFinish;
        let keep = if is_late {
            Some(Duration::ZERO)
        } else {
            self.keep
        };
        let Some(keep) = keep else {
            return Ok(());
        };
        let now = (self.clock)();
        let is_old = |since: u64| Duration::from_millis(since) >= keep;
        if !owner.control.is_final()
            || owner.worktree_removed_at.is_some()
            || worktree.idle < keep
            || !is_old(now.ms_since(owner.control.updated_at))
        {
            return Ok(());
        }
        let scope = Scope {
            tenant: owner.tenant.clone(),
            user: owner.created_by.clone(),
        };
        // A run that refined it since then has used it, too.
        let last = self.store.thread_run(&scope, &owner.thread).await;
        let is_left = match last {
            Ok(Some(last)) => {
                last.control.is_final() && is_old(now.ms_since(last.control.updated_at))
            }
            Ok(None) | Err(_) => false,
        };
        if !is_left {
            return Ok(());
        }
        let command = WorktreeCommand::Remove {
            branch: is_late,
            discard: false,
        };
        let task = WorktreeTask {
            owner: owner.id,
            command,
        };
        let start = Start {
            trigger: Trigger::Schedule,
            ..Start::new(
                child_id(owner.id, &CallId::nth(0)),
                scope,
                owner.thread.clone(),
                "worktree".to_owned(),
                owner.spec.on_worktree(task),
                Input::text("remove"),
            )
        };
        match self.store.start(start).await {
            Err(StartError::Unavailable(why)) => Err(why),
            // Somebody is at work on the thread, or the queue is full: the next look comes.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

async fn clear(place: &Place, worktree: &Orphan) -> Result<(), worktree::Error> {
    let removal = Removal {
        // Nobody can name it by its run any more.
        branch: BranchFate::Delete,
        ..Removal::default()
    };
    let git = Git::find().await?;
    let removed = place.remove_orphan(git, worktree, removal).await?;
    let saved = removed.saved.map_or_else(
        || "there was nothing to save".to_owned(),
        |saved| format!("what was in no branch is saved as {}", saved.reference),
    );
    tracing::info!(
        "removed the worktree {} of a run that is gone; {saved}",
        worktree.path.display()
    );
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Git(#[from] worktree::Error),
    #[error(transparent)]
    Store(#[from] Unavailable),
}
