//! What can go wrong, in words for people and with a code for programs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::limits::GIT_VERSION;
use crate::name::{ObjectId, RunName};

/// Why something was not done. Unless a variant says otherwise nothing was changed, and nothing is ever lost.
#[derive(Debug, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "each variant's text says what it is, with its fields"
)]
pub enum Error {
    #[error("there is no git program at `{}`; install git", program.display())]
    GitMissing { program: PathBuf },
    #[error("git {found} is too old; install {}.{} or newer", GIT_VERSION.0, GIT_VERSION.1)]
    GitTooOld { found: String },
    #[error("`{}` does not exist or is no directory", path.display())]
    PathMissing { path: PathBuf },
    #[error("`{}` is not UTF-8 text, which the record of a worktree needs", path.display())]
    PathNotText { path: PathBuf },
    #[error("`{}` is in no git repository; name one, or run `git init` and make a commit there", path.display())]
    NotARepository { path: PathBuf },
    #[error("`{}` is a bare repository, without files to work on; name one of its worktrees or a clone", path.display())]
    RepositoryBare { path: PathBuf },
    #[error("`{}` is a submodule of `{}`; name that repository, which records its commits", path.display(), parent.display())]
    RepositorySubmodule { path: PathBuf, parent: PathBuf },
    #[error("git does not trust `{}`, which belongs to another user; add it to `safe.directory` in the configuration of the user that runs this server", path.display())]
    RepositoryNotTrusted { path: PathBuf },
    #[error("the repository has no commit yet; make a first one to begin from")]
    BaseUnborn,
    #[error(
        "`{name}` names no commit here; nothing is fetched, so fetch it first if it is on a remote"
    )]
    BaseUnknown { name: String },
    #[error("there is no branch `{branch}`")]
    BranchUnknown { branch: String },
    #[error(
        "the branch `{branch}` exists already and was not made for this run; rename or delete it"
    )]
    BranchTaken { branch: String },
    #[error("`{}` is in the way and not a worktree of this run; move it elsewhere", path.display())]
    PlaceTaken { path: PathBuf },
    #[error("`{}` has files and was not made by this server; name an empty directory for its data", path.display())]
    PlaceNotOurs { path: PathBuf },
    #[error("run {run} has a worktree that began elsewhere, at {base}")]
    WorktreeExists { run: RunName, base: ObjectId },
    #[error("run {run} owns no worktree of this repository")]
    WorktreeUnknown { run: RunName },
    #[error("the worktree `{}` is gone; its branch and its checkpoints are still in the repository", path.display())]
    WorktreeGone { path: PathBuf },
    #[error("`{}` leads out of the directory of worktrees; nothing was touched", path.display())]
    WorktreeOutside { path: PathBuf },
    #[error("the record `{}` of a worktree cannot be read: {why}", path.display())]
    RecordUnreadable { path: PathBuf, why: String },
    #[error("others keep worktrees of this repository busy; it was not free within {} s", waited.as_secs())]
    RepositoryBusy { waited: Duration },
    #[error("git found `{}` in the way: another git command is at work or crashed; if none runs, delete that file", file.display())]
    RepositoryLocked { file: PathBuf },
    #[error("the disk is full; free some space and try again")]
    DiskFull,
    #[error("the system does not permit it: {detail}")]
    PermissionDenied { detail: String },
    #[error("the repository lacks objects, as a partial clone does; fetch them first: {detail}")]
    ObjectsMissing { detail: String },
    #[error("there is no checkpoint {number} of run {run}")]
    CheckpointUnknown { run: RunName, number: u32 },
    #[error("run {run} has too many checkpoints")]
    CheckpointsFull { run: RunName },
    #[error("files kept changing while they were read; try again when it is quiet: {detail}")]
    FilesUnsteady { detail: String },
    #[error("files that no checkpoint holds are in the way: {}", .files.join(", "))]
    RestoreBlocked { files: Vec<String> },
    #[error("another branch than the run's is checked out ({head}); its history is not moved")]
    HeadElsewhere { head: String },
    #[error("a {operation} is under way in `{}`; finish or abort it first", path.display())]
    OperationInProgress {
        path: PathBuf,
        operation: &'static str,
    },
    #[error(
        "nothing says who the author is; give one, or set user.name and user.email in git's configuration"
    )]
    IdentityMissing,
    #[error("an author's name or mail is empty or has one of `<`, `>` or a line break")]
    IdentityBad,
    #[error("the branch `{branch}` has moved meanwhile; try again")]
    BranchMoved { branch: String },
    #[error("`{branch}` is checked out in `{}`, with uncommitted changes: {}; commit or stash them first", path.display(), .files.join(", "))]
    BranchDirty {
        branch: String,
        path: PathBuf,
        files: Vec<String>,
    },
    #[error(
        "`{branch}` and the run's branch have no common commit here, as in a shallow clone whose history is cut off; fetch more of it"
    )]
    HistoriesUnrelated { branch: String },
    #[error("commit {commit} joins two histories, which a rebase cannot move; merge instead")]
    RebaseOverMerge { commit: ObjectId },
    #[error("the branch has more than {most} commits to rebase; merge instead")]
    RebaseTooLong { most: usize },
    #[error("not everything in the worktree could be saved, so it was not removed: {}", .files.join(", "))]
    WorkNotSaved { files: Vec<String> },
    #[error("`git {command}` took longer than {} s and was ended", after.as_secs())]
    GitTimeout { command: String, after: Duration },
    #[error("`git {command}` said more than {bytes} bytes")]
    GitTooMuch { command: String, bytes: usize },
    #[error("`git {command}` failed ({}): {complaint}", code.map_or("killed".to_owned(), |code| format!("code {code}")))]
    GitFailed {
        command: String,
        code: Option<i32>,
        complaint: String,
    },
    #[error("failed to use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Error {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::GitMissing { .. } => "git_missing",
            Self::GitTooOld { .. } => "git_too_old",
            Self::PathMissing { .. } => "path_missing",
            Self::PathNotText { .. } => "path_not_text",
            Self::NotARepository { .. } => "not_a_repository",
            Self::RepositoryBare { .. } => "repository_bare",
            Self::RepositorySubmodule { .. } => "repository_submodule",
            Self::RepositoryNotTrusted { .. } => "repository_not_trusted",
            Self::BaseUnborn => "base_unborn",
            Self::BaseUnknown { .. } => "base_unknown",
            Self::BranchUnknown { .. } => "branch_unknown",
            Self::BranchTaken { .. } => "branch_taken",
            Self::PlaceTaken { .. } => "place_taken",
            Self::PlaceNotOurs { .. } => "place_not_ours",
            Self::WorktreeExists { .. } => "worktree_exists",
            Self::WorktreeUnknown { .. } => "worktree_unknown",
            Self::WorktreeGone { .. } => "worktree_gone",
            Self::WorktreeOutside { .. } => "worktree_outside",
            Self::RecordUnreadable { .. } => "record_unreadable",
            Self::RepositoryBusy { .. } => "repository_busy",
            Self::RepositoryLocked { .. } => "repository_locked",
            Self::DiskFull => "disk_full",
            Self::PermissionDenied { .. } => "permission_denied",
            Self::ObjectsMissing { .. } => "objects_missing",
            Self::CheckpointUnknown { .. } => "checkpoint_unknown",
            Self::CheckpointsFull { .. } => "checkpoints_full",
            Self::FilesUnsteady { .. } => "files_unsteady",
            Self::RestoreBlocked { .. } => "restore_blocked",
            Self::HeadElsewhere { .. } => "head_elsewhere",
            Self::OperationInProgress { .. } => "operation_in_progress",
            Self::IdentityMissing => "identity_missing",
            Self::IdentityBad => "identity_bad",
            Self::BranchMoved { .. } => "branch_moved",
            Self::BranchDirty { .. } => "branch_dirty",
            Self::HistoriesUnrelated { .. } => "histories_unrelated",
            Self::RebaseOverMerge { .. } => "rebase_over_merge",
            Self::RebaseTooLong { .. } => "rebase_too_long",
            Self::WorkNotSaved { .. } => "work_not_saved",
            Self::GitTimeout { .. } => "git_timeout",
            Self::GitTooMuch { .. } => "git_too_much",
            Self::GitFailed { .. } => "git_failed",
            Self::Io { .. } => "io",
        }
    }

    /// Another try later may do, without anybody changing what was asked for.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::RepositoryBusy { .. }
                | Self::RepositoryLocked { .. }
                | Self::DiskFull
                | Self::FilesUnsteady { .. }
                | Self::BranchMoved { .. }
                | Self::GitTimeout { .. }
        )
    }

    /// Git met another git command at work, and may be called again at once.
    pub(crate) fn is_race(&self) -> bool {
        match self {
            Self::RepositoryLocked { .. } => true,
            // A worktree that another command has half made; they are read without a lock.
            Self::GitFailed { complaint, .. } => {
                complaint.contains("/commondir") || complaint.contains("/gitdir")
            }
            _ => false,
        }
    }

    /// For `map_err` on what the standard library does with `path`.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::PermissionDenied {
                    detail: format!("{}: {source}", path.display()),
                }
            }
            _ => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// What a failed command meant, by what it said in the C locale.
    pub(crate) fn of_git(command: &str, code: Option<i32>, complaint: &str, dir: &Path) -> Self {
        let says = |text: &str| complaint.contains(text);
        if says("No space left on device") || says("Disk quota exceeded") {
            Self::DiskFull
        } else if let Some(file) = lock_in_the_way(complaint) {
            Self::RepositoryLocked { file }
        } else if says("detected dubious ownership") {
            Self::RepositoryNotTrusted {
                path: dir.to_owned(),
            }
        } else if says("not a git repository") {
            Self::NotARepository {
                path: dir.to_owned(),
            }
        } else if says("Permission denied") || says("Read-only file system") {
            Self::PermissionDenied {
                detail: complaint.trim().to_owned(),
            }
        } else if says("lazy fetching disabled") || says("could not fetch") && says("promisor") {
            Self::ObjectsMissing {
                detail: complaint.trim().to_owned(),
            }
        } else {
            Self::GitFailed {
                command: command.to_owned(),
                code,
                complaint: complaint.trim().to_owned(),
            }
        }
    }
}

/// The file of `Unable to create '….lock': File exists`.
fn lock_in_the_way(complaint: &str) -> Option<PathBuf> {
    let before = complaint.split(".lock': File exists").next()?;
    let quoted = before.rsplit('\'').next()?;
    (before.len() < complaint.len()).then(|| PathBuf::from(format!("{quoted}.lock")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Error;

    #[test]
    fn what_git_says_becomes_a_code() {
        for (complaint, code) in [
            ("fatal: write error: No space left on device", "disk_full"),
            (
                "error: unable to write file: Disk quota exceeded",
                "disk_full",
            ),
            (
                "fatal: Unable to create '/r/.git/index.lock': File exists.\n\nAnother git process",
                "repository_locked",
            ),
            (
                "error: cannot lock ref 'refs/heads/x': Unable to create '/r/.git/refs/heads/x.lock': File exists.",
                "repository_locked",
            ),
            (
                "fatal: detected dubious ownership in repository at '/r'",
                "repository_not_trusted",
            ),
            (
                "fatal: not a git repository (or any of the parent directories): .git",
                "not_a_repository",
            ),
            (
                "error: insufficient permission for adding an object\nfatal: x: Permission denied",
                "permission_denied",
            ),
            ("fatal: bad revision", "git_failed"),
        ] {
            let error = Error::of_git("x", Some(128), complaint, Path::new("/r"));
            assert_eq!(error.code(), code, "{complaint}");
        }
    }

    #[test]
    fn the_lock_in_the_way_is_named() {
        let complaint = "error: cannot lock ref 'refs/heads/x': Unable to create '/r/.git/refs/heads/x.lock': File exists.";
        let Error::RepositoryLocked { file } =
            Error::of_git("x", Some(1), complaint, Path::new("/r"))
        else {
            panic!("no lock");
        };
        assert_eq!(file, Path::new("/r/.git/refs/heads/x.lock"));
    }
}
