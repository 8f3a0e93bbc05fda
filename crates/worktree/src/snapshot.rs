//! The files of a working tree as a tree of git, taken through an index of our own: the user's index, HEAD and branches
//! are not touched.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::checkout::{Checkout, object};
use crate::error::Error;
use crate::git::Call;
use crate::limits::{
    CHECKPOINT_BYTES, CHECKPOINT_FILE_BYTES, CHECKPOINT_FILES, FILES, NESTED, NOTES, SAVED_BYTES,
    SNAPSHOT_TRIES, STALE_SCRATCH,
};
use crate::name::ObjectId;
use crate::place::age;

/// How much a snapshot takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all changed files.
    pub total_bytes: u64,
    /// Changed files.
    pub files: usize,
}

/// Something that a snapshot does not hold, or not as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Note {
    /// What.
    pub kind: NoteKind,
    /// Where, from the top of the working tree.
    pub path: String,
}

/// Why a [`Note`] was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A file with more bytes than [`Bounds::file_bytes`] was left as it was before.
    TooBig,
    /// So was a file for which the other bounds had no room.
    NoRoom,
    /// So was a file that cannot be read.
    Unreadable,
    /// So was a pipe, a socket or a device in place of a file.
    Special,
    /// A repository inside the working tree: its files are taken as plain files, its history is not.
    Nested,
    /// A submodule with uncommitted changes, of which only its commit is taken.
    SubmoduleDirty,
}

/// What becomes of repositories inside the working tree that are not submodules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NestedFiles {
    Taken,
    Left,
}

/// A working tree's files at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) tree: ObjectId,
    /// The first of them, losses before others.
    pub(crate) notes: Vec<Note>,
    /// Notes beyond those.
    pub(crate) more_notes: usize,
    /// Repositories inside, submodules among them.
    pub(crate) inside: Vec<Inside>,
    pub(crate) index: Scratch,
}

/// A repository inside a working tree.
#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) path: PathBuf,
    /// A snapshot holds its commit, and not its files.
    pub(crate) is_submodule: bool,
}

/// An index of our own beside the real one, deleted when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: TempDir,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            file_bytes: CHECKPOINT_FILE_BYTES,
            total_bytes: CHECKPOINT_BYTES,
            files: CHECKPOINT_FILES,
        }
    }
}

impl Bounds {
    /// For what is saved before a worktree is removed.
    pub fn for_removal() -> Self {
        Self {
            file_bytes: SAVED_BYTES,
            total_bytes: SAVED_BYTES,
            files: CHECKPOINT_FILES,
        }
    }
}

impl NoteKind {
    /// The snapshot lacks something of the run's work.
    pub(crate) fn is_loss(self) -> bool {
        match self {
            Self::TooBig | Self::NoRoom | Self::Unreadable => true,
            // Saved by other means, or nothing that a file could hold.
            Self::Special | Self::Nested | Self::SubmoduleDirty => false,
        }
    }
}

impl Checkout {
    /// Takes a snapshot of all files that are tracked or not ignored.
    pub(crate) async fn snapshot(
        &self,
        bounds: Bounds,
        nested: NestedFiles,
    ) -> Result<Snapshot, Error> {
        for _ in 1..SNAPSHOT_TRIES {
            match self.try_snapshot(bounds, nested).await {
                Err(Error::FilesUnsteady { .. }) => {}
                other => return other,
            }
        }
        self.try_snapshot(bounds, nested).await
    }

    async fn try_snapshot(&self, bounds: Bounds, nested: NestedFiles) -> Result<Snapshot, Error> {
        let mut index = Scratch::of(self)?;
        let changed = match self.changed(&index).await {
            // A broken index is no reason to lose the files.
            Err(Error::GitFailed { complaint, .. }) if complaint.contains("index") => {
                index = Scratch::of_head(self).await?;
                self.changed(&index).await?
            }
            other => other?,
        };
        let mut found = Found::default();
        found.paths.extend(split(&changed));
        self.add_untracked(&index, nested, &mut found).await?;
        self.note_submodules(&index, &mut found).await?;

        let top = self.path.clone();
        let measured = tokio::task::spawn_blocking(move || found.measure(&top, bounds));
        let mut found = measured.await.map_err(|error| Error::FilesUnsteady {
            detail: error.to_string(),
        })?;
        // First what is gone: a directory that became a link must not be looked through.
        let take: [(_, &[&str]); 2] = [
            (&found.gone, &["--force-remove"]),
            (&found.paths, &["--add", "--remove", "--replace"]),
        ];
        for (paths, options) in take.into_iter().filter(|(paths, _)| !paths.is_empty()) {
            let update = index.call(self)?.arg("update-index").args(options);
            let update = update.args(["-z", "--stdin"]).input(join(paths));
            update.time(FILES).done().await.map_err(unsteady)?;
        }
        let tree = index.call(self)?.args(["write-tree"]);
        let tree = object(&tree.text().await.map_err(unsteady)?)?;
        let more_notes = found.notes.len().saturating_sub(NOTES);
        found.notes.sort_unstable();
        found.notes.truncate(NOTES);
        Ok(Snapshot {
            tree,
            notes: found.notes,
            more_notes,
            inside: found.inside,
            index,
        })
    }

    /// The tracked files that may have changed.
    async fn changed(&self, index: &Scratch) -> Result<Vec<u8>, Error> {
        let list = [
            "diff-files",
            "--name-only",
            "-z",
            "--ignore-submodules=dirty",
        ];
        index.call(self)?.args(list).time(FILES).stdout().await
    }

    /// Finds files that git does not know, also in repositories inside, which git shows as one path.
    async fn add_untracked(
        &self,
        index: &Scratch,
        nested: NestedFiles,
        found: &mut Found,
    ) -> Result<(), Error> {
        let list = ["ls-files", "--others", "--exclude-standard", "-z"];
        let listed = index.call(self)?.args(list).time(FILES).stdout().await?;
        let mut inside = found.take(b"", &listed);
        while let Some(path) = inside.pop() {
            let place = self.path.join(OsStr::from_bytes(&path));
            found.note(&path, NoteKind::Nested);
            if nested == NestedFiles::Left {
                continue;
            }
            if found.inside.len() == NESTED {
                found.note(&path, NoteKind::NoRoom);
                continue;
            }
            found.inside.push(Inside {
                path: place.clone(),
                is_submodule: false,
            });
            let call = self.repository.git.call(&place).time(FILES);
            let list = [
                "ls-files",
                "--cached",
                "--others",
                "--exclude-standard",
                "-z",
            ];
            let answer = call
                .env("GIT_CEILING_DIRECTORIES", &self.path)
                .args(list)
                .run()
                .await?;
            if answer.code == Some(0) && !answer.cut {
                let mut prefix = path;
                prefix.push(b'/');
                inside.extend(found.take(&prefix, &answer.stdout));
            } else {
                found.note(&path, NoteKind::Unreadable);
            }
        }
        Ok(())
    }

    async fn note_submodules(&self, index: &Scratch, found: &mut Found) -> Result<(), Error> {
        let list = ["ls-files", "--stage", "-z"];
        let listed = index.call(self)?.args(list).stdout().await?;
        let submodules = split(&listed).filter_map(|line| {
            let tab = line.iter().position(|&byte| byte == b'\t')?;
            line.starts_with(b"160000 ")
                .then(|| line[tab + 1..].to_vec())
        });
        for path in submodules.collect::<BTreeSet<_>>() {
            let place = self.path.join(OsStr::from_bytes(&path));
            if !place.join(".git").exists() {
                continue;
            }
            if found.inside.len() == NESTED {
                found.note(&path, NoteKind::NoRoom);
                continue;
            }
            found.inside.push(Inside {
                path: place.clone(),
                is_submodule: true,
            });
            let call = self.repository.git.call(&place).time(FILES);
            let answer = call.args(["status", "--porcelain", "-z"]).run().await?;
            if answer.code != Some(0) || !answer.stdout.is_empty() {
                found.note(&path, NoteKind::SubmoduleDirty);
            }
        }
        Ok(())
    }
}

/// What may have changed.
#[derive(Debug, Default)]
struct Found {
    paths: BTreeSet<Vec<u8>>,
    /// Those of them that are not there any more.
    gone: BTreeSet<Vec<u8>>,
    notes: Vec<Note>,
    inside: Vec<Inside>,
}

impl Found {
    /// Takes a list of files below `prefix`, and gives those that are repositories.
    fn take(&mut self, prefix: &[u8], listed: &[u8]) -> Vec<Vec<u8>> {
        let mut inside = Vec::new();
        for path in split(listed) {
            let mut path = [prefix, &path].concat();
            if path.ends_with(b"/") {
                path.pop();
                inside.push(path);
            } else {
                self.paths.insert(path);
            }
        }
        inside
    }

    fn note(&mut self, path: &[u8], kind: NoteKind) {
        self.notes.push(Note {
            path: String::from_utf8_lossy(path).into_owned(),
            kind,
        });
    }

    /// Leaves out what does not fit and what no tree can hold. Blocks.
    fn measure(mut self, top: &Path, bounds: Bounds) -> Self {
        let (mut files, mut bytes) = (0, 0_u64);
        let mut real = HashSet::from([top.to_owned()]);
        for path in std::mem::take(&mut self.paths) {
            let place = top.join(OsStr::from_bytes(&path));
            let at = match fs::symlink_metadata(&place) {
                Ok(at) if is_within(place.parent(), &mut real) => at,
                _ => {
                    self.gone.insert(path);
                    continue;
                }
            };
            let left = if at.is_dir() || at.is_symlink() {
                // A directory here is a submodule, or stands where a file was.
                None
            } else if !at.is_file() {
                Some(NoteKind::Special)
            } else if at.len() > bounds.file_bytes {
                Some(NoteKind::TooBig)
            } else if files >= bounds.files || bytes + at.len() > bounds.total_bytes {
                Some(NoteKind::NoRoom)
            } else if is_unreadable(&place) {
                Some(NoteKind::Unreadable)
            } else {
                files += 1;
                bytes += at.len();
                None
            };
            match left {
                Some(kind) => self.note(&path, kind),
                None => {
                    self.paths.insert(path);
                }
            }
        }
        self
    }
}

/// Whether a directory is reached without any link. `real` are those known to be, the top among them.
fn is_within(dir: Option<&Path>, real: &mut HashSet<PathBuf>) -> bool {
    let Some(dir) = dir else { return false };
    if real.contains(dir) {
        return true;
    }
    let within =
        fs::symlink_metadata(dir).is_ok_and(|at| at.is_dir()) && is_within(dir.parent(), real);
    if within {
        real.insert(dir.to_owned());
    }
    within
}

fn is_unreadable(path: &Path) -> bool {
    File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

impl Scratch {
    /// A copy of the real index, so that only what has changed is read.
    pub(crate) fn of(checkout: &Checkout) -> Result<Self, Error> {
        let scratch = Self::empty(checkout)?;
        let (real, copy) = (checkout.git_dir.join("index"), scratch.path());
        match fs::copy(&real, &copy) {
            // As before the first commit.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(scratch),
            other => other.map_err(Error::at(&real))?,
        };
        // A file that was written in the same tick as the index is compared by content: git knows it by the time of the
        // index, which the copy must have too.
        let at = fs::metadata(&real).and_then(|found| found.modified());
        let file = File::options().write(true).open(&copy);
        file.and_then(|file| file.set_modified(at?))
            .map_err(Error::at(&copy))?;
        Ok(scratch)
    }

    /// An index of what is committed.
    async fn of_head(checkout: &Checkout) -> Result<Self, Error> {
        let scratch = Self::empty(checkout)?;
        if let Some(head) = checkout.head().await? {
            let read = scratch.call(checkout)?.args(["read-tree", head.as_str()]);
            read.done().await?;
        }
        Ok(scratch)
    }

    fn empty(checkout: &Checkout) -> Result<Self, Error> {
        const PREFIX: &str = "outlive-index-";
        let git_dir = &checkout.git_dir;
        for entry in fs::read_dir(git_dir).into_iter().flatten().flatten() {
            let ours = entry.file_name().as_bytes().starts_with(PREFIX.as_bytes());
            if ours && age(&entry.path()) > STALE_SCRATCH {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(git_dir);
        Ok(Self {
            dir: dir.map_err(Error::at(git_dir))?,
        })
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("index")
    }

    /// A command with this index.
    pub(crate) fn call(&self, checkout: &Checkout) -> Result<Call, Error> {
        Ok(self.on(checkout.call()?))
    }

    pub(crate) fn on(&self, call: Call) -> Call {
        call.env("GIT_INDEX_FILE", self.path())
    }
}

/// Files that change while they are read make git give up.
fn unsteady(error: Error) -> Error {
    match error {
        Error::GitFailed { complaint, .. } => Error::FilesUnsteady { detail: complaint },
        other => other,
    }
}

/// The parts of a list whose parts end with a zero.
pub(crate) fn split(list: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let parts = list.split(|&byte| byte == 0);
    parts.filter(|part| !part.is_empty()).map(<[u8]>::to_vec)
}

fn join(parts: &BTreeSet<Vec<u8>>) -> Vec<u8> {
    let mut list = Vec::new();
    for part in parts {
        list.extend_from_slice(part);
        list.push(0);
    }
    list
}
