//! Files that nobody has a copy of, where others are about to be written. Git itself writes over ignored ones.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::checkout::Checkout;
use crate::error::Error;
use crate::limits::{FILES, NAMED_FILES};
use crate::name::ObjectId;

impl Checkout {
    /// The files that would be lost if the working tree, whose tracked files are those of `from`, became `to`.
    pub(crate) async fn in_the_way(
        &self,
        from: &ObjectId,
        to: &ObjectId,
    ) -> Result<Vec<String>, Error> {
        let list = ["diff-tree", "-r", "-z", "--raw", "--no-renames"];
        let call = self.call()?.args(list).args([from.as_str(), to.as_str()]);
        let listed = call.time(FILES).stdout().await?;
        let top = self.path.clone();
        let found = tokio::task::spawn_blocking(move || find(&top, &listed));
        found.await.map_err(|error| Error::FilesUnsteady {
            detail: error.to_string(),
        })
    }
}

fn find(top: &Path, listed: &[u8]) -> Vec<String> {
    let mut parts = listed.split(|&byte| byte == 0);
    let (mut new, mut old) = (Vec::new(), HashSet::new());
    while let (Some(head), Some(path)) = (parts.next(), parts.next()) {
        let path = top.join(OsStr::from_bytes(path));
        let was_submodule = head.starts_with(b":160000 ");
        if head.ends_with(b"D") {
            old.insert(path);
        } else if head.ends_with(b"A") || was_submodule && head.ends_with(b"T") {
            new.push(path);
        }
    }
    let mut found = HashSet::new();
    for path in new {
        let above = path.ancestors().skip(1).take_while(|above| *above != top);
        for file in above.filter(|above| fs::symlink_metadata(above).is_ok_and(|at| !at.is_dir())) {
            keep(file, &old, &mut found);
        }
        if path.symlink_metadata().is_ok_and(|at| at.is_dir()) {
            keep_all(&path, &old, &mut found);
        } else if path.symlink_metadata().is_ok() {
            keep(&path, &old, &mut found);
        }
        if found.len() >= NAMED_FILES {
            break;
        }
    }
    let name = |path: PathBuf| {
        let name = path.strip_prefix(top).unwrap_or(&path);
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<_> = found.into_iter().map(name).collect();
    names.sort_unstable();
    names
}

fn keep(path: &Path, old: &HashSet<PathBuf>, found: &mut HashSet<PathBuf>) {
    if !old.contains(path) && found.len() < NAMED_FILES {
        found.insert(path.to_owned());
    }
}

/// Every file below a directory.
fn keep_all(dir: &Path, old: &HashSet<PathBuf>, found: &mut HashSet<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if found.len() >= NAMED_FILES {
            return;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            keep_all(&entry.path(), old, found);
        } else {
            keep(&entry.path(), old, found);
        }
    }
}
