//! Repositories inside a worktree, submodules among them: their history is in the worktree too, and goes with it.

use std::path::Path;

use crate::checkout::Checkout;
use crate::error::Error;
use crate::limits::{FILES, NESTED_BYTES};
use crate::remove::{Removal, Unsaved};
use crate::repository::Repository;
use crate::snapshot::{Inside, NestedFiles, NoteKind};

impl Checkout {
    /// Copies what is only in this nested repository to refs that begin with `reference`: the files as they are, and all
    /// its refs. False: all of it is on a remote, or it cannot be read as a repository, and its files are all there is.
    pub(crate) async fn save_nested(
        &self,
        inside: &Inside,
        reference: &str,
        removal: Removal,
    ) -> Result<bool, Error> {
        let is_submodule = inside.is_submodule;
        let inside = inside.path.as_path();
        let not_saved = || {
            let name = inside.strip_prefix(&self.path).unwrap_or(inside);
            Error::WorkNotSaved {
                files: vec![name.display().to_string()],
            }
        };
        let git = self.repository.git.clone();
        // A worktree of some repository keeps its history there.
        if !inside.join(".git").is_dir() && !inside.join(".git").is_file() {
            return Ok(false);
        }
        let Some(nested) = Repository::inside(git, inside).await? else {
            return Ok(false);
        };
        if nested.common_dir() == self.repository.common_dir() {
            return Ok(false);
        }
        let checkout = nested.shared(self.run.clone());
        let head = checkout.head().await?;
        if is_submodule {
            let bounds = removal.bounds;
            let snapshot = checkout.snapshot(bounds, NestedFiles::Left).await?;
            let clean = match &head {
                Some(head) => nested.tree_of(head).await? == snapshot.tree,
                None => nested.empty_tree().await? == snapshot.tree,
            };
            let lost = snapshot
                .notes
                .iter()
                .any(|note| note.kind != NoteKind::Special);
            if lost && removal.unsaved == Unsaved::Refuse {
                return Err(not_saved());
            }
            if !clean {
                checkout.keep(&snapshot).await?;
            }
        }
        let unique = nested
            .call()
            .args(["rev-list", "--max-count=1", "--all", "HEAD"]);
        let unique = match &head {
            Some(_) => unique,
            None => nested.call().args(["rev-list", "--max-count=1", "--all"]),
        };
        let unique = unique.args(["--not", "--remotes", "--"]).text().await?;
        if unique.is_empty() {
            return Ok(false);
        }
        let fits = !nested.is_shallow() && nested.packed_bytes().await? <= NESTED_BYTES;
        if !fits {
            return match removal.unsaved {
                Unsaved::Refuse => Err(not_saved()),
                Unsaved::Discard => Ok(false),
            };
        }
        // A fetch from a directory: nothing leaves the machine.
        let call = self
            .repository
            .call()
            .args(["-c", "protocol.file.allow=always"]);
        let call = call.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]);
        let call = call.args(["--no-recurse-submodules", "--no-auto-maintenance"]);
        let call = call.arg(nested.top()).time(FILES);
        let call = call.arg(format!("+refs/*:{reference}*"));
        // A commit without a branch is in no ref.
        let head = head.map(|_| format!("+HEAD:{reference}HEAD"));
        call.args(head).done().await?;
        Ok(true)
    }
}

impl Repository {
    /// The repository whose working tree begins at this directory. None where there is none, or a broken one.
    async fn inside(git: crate::git::Git, top: &Path) -> Result<Option<Self>, Error> {
        match Self::working_in(git, top).await {
            Ok(repository) if repository.top() == top => Ok(Some(repository)),
            Ok(_)
            | Err(
                Error::GitFailed { .. }
                | Error::NotARepository { .. }
                | Error::RepositoryBare { .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn packed_bytes(&self) -> Result<u64, Error> {
        let counted = self.call().args(["count-objects", "-v"]).text().await?;
        let sizes = counted.lines().filter_map(|line| {
            let (name, kib) = line.split_once(": ")?;
            matches!(name, "size" | "size-pack").then(|| kib.parse::<u64>().ok())?
        });
        Ok(sizes.sum::<u64>() * 1024)
    }
}
