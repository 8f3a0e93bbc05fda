//! Worktrees of ours that nobody needs any more.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;
use crate::git::Git;
use crate::name::RunName;
use crate::place::{Place, Record, age, read_record};
use crate::remove::{Removal, Removed};
use crate::repository::Repository;

/// Which worktrees are orphans.
#[derive(Debug, Clone, Copy)]
pub enum Orphaned<'a> {
    /// Those whose run is not one of these.
    NotOf(&'a HashSet<RunName>),
    /// Those that nothing was written to for this time, as far as their own directory tells.
    Idle(Duration),
}

/// A worktree of ours, found by its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The run that owns it.
    pub run: RunName,
    /// The common directory of its repository.
    pub repository: PathBuf,
    /// Where it is, or was.
    pub path: PathBuf,
    /// How long ago something was written to it.
    pub idle: Duration,
}

impl Place {
    /// Finds orphans, in the marked directory only. A record that cannot be read is logged and left alone.
    pub fn orphans(&self, which: Orphaned<'_>) -> Result<Vec<Orphan>, Error> {
        let mut orphans = Vec::new();
        let root = self.root();
        for dir in fs::read_dir(root).map_err(Error::at(root))?.flatten() {
            if !dir.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let dir = dir.path();
            for file in fs::read_dir(&dir).map_err(Error::at(&dir))?.flatten() {
                let file = file.path();
                if file.extension().is_none_or(|extension| extension != "json") {
                    continue;
                }
                match read_record(&file) {
                    Ok(Some(record)) => orphans.extend(orphan(&file, record, which)),
                    Ok(None) => {}
                    Err(error) => tracing::warn!("left a worktree alone: {error}"),
                }
            }
        }
        orphans.sort_by(|a, b| a.run.cmp(&b.run));
        Ok(orphans)
    }

    /// Removes an orphan as its run would have. Its repository must be there: without it nothing could be saved.
    pub async fn remove_orphan(
        &self,
        git: Git,
        orphan: &Orphan,
        removal: Removal,
    ) -> Result<Removed, Error> {
        let repository = Repository::reopen(git, &orphan.repository).await?;
        self.remove(&repository, &orphan.run, removal).await
    }
}

fn orphan(file: &std::path::Path, record: Record, which: Orphaned<'_>) -> Option<Orphan> {
    // Its name is what the worktree is found by; one that says something else was put there by somebody else.
    if file.file_stem()?.to_str()? != record.run.as_str() {
        return None;
    }
    let path = file.with_extension("");
    let idle = age(file).min(if path.exists() {
        age(&path)
    } else {
        Duration::MAX
    });
    let is_orphan = match which {
        Orphaned::NotOf(runs) => !runs.contains(&record.run),
        Orphaned::Idle(time) => idle >= time,
    };
    is_orphan.then(|| Orphan {
        run: record.run,
        repository: record.common.into(),
        path,
        idle,
    })
}
