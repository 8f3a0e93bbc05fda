//! What git keeps of a worktree in the repository: `<common>/worktrees/<name>`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::place::{Slot, gone};
use crate::repository::Repository;

/// The entries of a worktree with this path. More than one is what crashes leave.
pub(crate) fn of_path(repository: &Repository, path: &Path) -> Result<Vec<PathBuf>, Error> {
    let dotgit = path.join(".git");
    let entries = all(repository)?.into_iter().filter(|entry| {
        let Ok(text) = fs::read(entry.join("gitdir")) else {
            return false;
        };
        let named = Path::new(std::str::from_utf8(text.trim_ascii_end()).unwrap_or_default());
        // Newer git can be told to write it relative to the entry.
        let named = if named.is_relative() {
            plain(&entry.join(named))
        } else {
            named.to_owned()
        };
        named == dotgit
    });
    Ok(entries.collect())
}

/// The one entry that works: complete, and of this path.
pub(crate) fn sound(repository: &Repository, path: &Path) -> Result<Option<PathBuf>, Error> {
    let entries = of_path(repository, path)?;
    let whole = |entry: &PathBuf| {
        ["HEAD", "commondir"]
            .iter()
            .all(|file| entry.join(file).is_file())
    };
    Ok(entries.into_iter().find(whole))
}

/// Deletes the entries of a worktree whose directory is gone. The caller holds the lock of the repository.
pub(crate) fn delete(repository: &Repository, path: &Path) -> Result<(), Error> {
    for entry in of_path(repository, path)? {
        gone(fs::remove_dir_all(&entry)).map_err(Error::at(&entry))?;
    }
    tidy(repository);
    Ok(())
}

/// Deletes what a crash left of a worktree that was being made: entries of its path, and one of its name that does not
/// say of which path it is. The caller holds the lock of the repository.
pub(crate) fn delete_half_made(repository: &Repository, slot: &Slot) -> Result<(), Error> {
    delete(repository, &slot.path)?;
    for entry in all(repository)? {
        let ours = entry.file_name() == slot.path.file_name();
        let blank = fs::read(entry.join("gitdir")).is_ok_and(|text| text.is_empty());
        if ours && (blank || !entry.join("gitdir").exists()) {
            gone(fs::remove_dir_all(&entry)).map_err(Error::at(&entry))?;
        }
    }
    tidy(repository);
    Ok(())
}

/// Git keeps no empty directory of worktrees either.
fn tidy(repository: &Repository) {
    let _ = fs::remove_dir(repository.common_dir().join("worktrees"));
}

fn all(repository: &Repository) -> Result<Vec<PathBuf>, Error> {
    let dir = repository.common_dir().join("worktrees");
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::at(&dir))?,
    };
    let directories = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(directories.map(|entry| entry.path()).collect())
}

/// The path without `.` and `..`, by its text alone: what it names may be gone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
