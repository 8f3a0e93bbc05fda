//! Deleting the files of a worktree of ours.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::error::Error;
use crate::place::{Found, Slot, gone};

/// Deletes the directory of a worktree and all in it. It gets another name first, so that it is there or not there to
/// everybody else; what a crash leaves under that name goes with the next call. Links are deleted, never followed.
pub(crate) async fn delete_files(slot: &Slot) -> Result<(), Error> {
    let slot = slot.clone();
    let deleted = tokio::task::spawn_blocking(move || {
        sweep(&slot)?;
        if slot.look(&slot.path)? == Found::Directory {
            fs::rename(&slot.path, &slot.doomed).map_err(Error::at(&slot.path))?;
            sweep(&slot)?;
        }
        Ok(())
    });
    deleted.await.unwrap_or_else(|gone| {
        Err(Error::Io {
            path: "worktree".into(),
            source: io::Error::other(gone),
        })
    })
}

fn sweep(slot: &Slot) -> Result<(), Error> {
    if slot.look(&slot.doomed)? == Found::Nothing {
        return Ok(());
    }
    let deleted = match fs::remove_dir_all(&slot.doomed) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // Caches of build tools make their directories read-only.
            open_up(&slot.doomed);
            fs::remove_dir_all(&slot.doomed)
        }
        other => other,
    };
    gone(deleted).map_err(Error::at(&slot.doomed))
}

/// Lets the owner delete what is in this directory. What fails shows in the deletion.
fn open_up(dir: &Path) {
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}
