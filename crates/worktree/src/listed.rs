//! The worktrees of a repository, as git lists them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::error::Error;
use crate::repository::Repository;

/// One of them, the user's own among them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) path: PathBuf,
    /// Without `refs/heads/`. None when it is detached or bare.
    pub(crate) branch: Option<String>,
}

impl Repository {
    /// All whose directory is there.
    pub(crate) async fn worktrees(&self) -> Result<Vec<Listed>, Error> {
        let call = self.call().args(["worktree", "list", "--porcelain", "-z"]);
        let mut listed = read(&call.stdout().await?);
        listed.retain(|worktree| worktree.path.is_dir());
        Ok(listed)
    }

    /// Where a branch is checked out.
    pub(crate) async fn checked_out(&self, branch: &str) -> Result<Option<Listed>, Error> {
        let listed = self.worktrees().await?;
        let has_it = |worktree: &Listed| worktree.branch.as_deref() == Some(branch);
        Ok(listed.into_iter().find(has_it))
    }
}

fn read(answer: &[u8]) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for line in answer.split(|&byte| byte == 0) {
        if let Some(path) = line.strip_prefix(b"worktree ") {
            listed.push(Listed {
                path: OsStr::from_bytes(path).into(),
                branch: None,
            });
        } else if let (Some(branch), Some(last)) =
            (line.strip_prefix(b"branch refs/heads/"), listed.last_mut())
        {
            last.branch = Some(String::from_utf8_lossy(branch).into_owned());
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::{Listed, read};

    #[test]
    fn worktrees_are_listed_with_their_branches() {
        let answer = b"worktree /r\0HEAD a\0branch refs/heads/main\0\0worktree /d\n1\0HEAD a\0detached\0\0worktree /b\0bare\0\0";
        let worktree = |path: &str, branch: Option<&str>| Listed {
            path: path.into(),
            branch: branch.map(str::to_owned),
        };
        assert_eq!(
            read(answer),
            [
                worktree("/r", Some("main")),
                worktree("/d\n1", None),
                worktree("/b", None)
            ]
        );
    }
}
