//! The directory of ours in which all worktrees are: `<data>/worktrees/<repository>/<run>`, each beside the record that
//! says whose it is. Nothing outside it is ever removed.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::Error;
use crate::limits::RECORD_BYTES;
use crate::lock::{Held, lock};
use crate::name::RunName;
use crate::repository::{BaseCommit, Repository};

const MARKER: &str = ".outlive";
const MARKER_TEXT: &str =
    "Worktrees of runs, made and removed by Outlive. Put nothing of your own here.\n";

/// The marked directory of worktrees.
#[derive(Debug, Clone)]
pub struct Place {
    root: PathBuf,
}

/// Where one run's worktree is, whether it exists or not.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    root: PathBuf,
    pub(crate) path: PathBuf,
    /// Says whose it is. Written before it is made, deleted after it is gone.
    pub(crate) record: PathBuf,
    /// Held by who makes or removes it.
    pub(crate) lock: PathBuf,
    /// Its name while its files are being deleted.
    pub(crate) doomed: PathBuf,
}

/// Whose a worktree is, as it is stored.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct Record {
    pub(crate) version: u32,
    pub(crate) run: RunName,
    /// The common directory of its repository.
    pub(crate) common: String,
    pub(crate) base: BaseCommit,
    pub(crate) stage: Stage,
}

/// How far it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Perhaps there is nothing, or half of it. Nobody has worked there yet.
    Creating,
    /// All of it was there.
    Ready,
}

/// What is at a path of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Directory,
}

impl Place {
    /// Takes `<data>/worktrees`, and makes it when there is none. A directory with files that was not made by us is
    /// refused.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let root = data.join("worktrees");
        fs::create_dir_all(&root).map_err(Error::at(&root))?;
        let root = root.canonicalize().map_err(Error::at(&root))?;
        if root.to_str().is_none() {
            return Err(Error::PathNotText { path: root });
        }
        let marker = root.join(MARKER);
        if !marker.is_file() {
            let mut entries = fs::read_dir(&root).map_err(Error::at(&root))?;
            let is_foreign = |entry: fs::DirEntry| {
                let name = entry.file_name();
                // What a crash between the two files leaves, or another one who makes them in this moment.
                name != ".gitignore" && !name.to_string_lossy().starts_with(MARKER)
            };
            // What is foreign may be a worktree in a directory that somebody has marked since.
            if entries.any(|entry| entry.is_ok_and(is_foreign)) && !marker.is_file() {
                return Err(Error::PlaceNotOurs { path: root });
            }
            // A data directory inside a repository must not look like a change of it.
            let ignore = root.join(".gitignore");
            fs::write(&ignore, "*\n").map_err(Error::at(&ignore))?;
            write_whole(&marker, MARKER_TEXT.as_bytes())?;
        }
        Ok(Self { root })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn slot(&self, repository: &Repository, run: &RunName) -> Slot {
        self.slot_of(&repository.key(), run)
    }

    pub(crate) fn slot_of(&self, key: &str, run: &RunName) -> Slot {
        let dir = self.root.join(key);
        Slot {
            root: self.root.clone(),
            path: dir.join(run.as_str()),
            record: dir.join(format!("{run}.json")),
            lock: dir.join(format!("{run}.lock")),
            doomed: dir.join(format!("{run}.removing")),
        }
    }
}

impl Slot {
    pub(crate) fn dir(&self) -> &Path {
        self.path.parent().unwrap_or(&self.root)
    }

    /// Waits for the right to make or remove it.
    pub(crate) async fn own(&self) -> Result<Held, Error> {
        loop {
            self.prepare()?;
            match lock(&self.lock).await {
                // Removing the last other one took the directory with it.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
    }

    /// Makes the directory it lies in.
    fn prepare(&self) -> Result<(), Error> {
        let dir = self.dir();
        match fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::at(dir)(error));
            }
            _ => {}
        }
        self.look(&self.path).map(|_| ())
    }

    /// What is at one of its paths. An error when the way there leads out of the marked directory: a symbolic link in
    /// place of a directory of ours could make us delete anything.
    pub(crate) fn look(&self, path: &Path) -> Result<Found, Error> {
        let outside = || Error::WorktreeOutside {
            path: path.to_owned(),
        };
        if !self.root.join(MARKER).is_file() {
            return Err(outside());
        }
        let mut last = Found::Directory;
        for step in [self.dir(), path] {
            last = match fs::symlink_metadata(step) {
                Ok(found) if found.is_dir() => Found::Directory,
                Ok(_) => return Err(outside()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
                Err(error) => return Err(Error::at(step)(error)),
            };
            if last == Found::Nothing {
                break;
            }
            let real = step.canonicalize().map_err(Error::at(step))?;
            if real != step || !real.starts_with(&self.root) {
                return Err(outside());
            }
        }
        Ok(last)
    }

    /// Whose it is. None when it was never made, or is removed.
    pub(crate) fn record(&self) -> Result<Option<Record>, Error> {
        read_record(&self.record)
    }

    pub(crate) fn write(&self, record: &Record) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(record).map_err(|error| Error::RecordUnreadable {
            path: self.record.clone(),
            why: error.to_string(),
        })?;
        write_whole(&self.record, &text)
    }

    /// Deletes the record and the lock's file. The caller holds the lock.
    pub(crate) fn forget(&self) -> Result<(), Error> {
        for path in [&self.record, &self.lock] {
            gone(fs::remove_file(path)).map_err(Error::at(path))?;
        }
        // The last one takes the repository's directory with it; it is not empty for others.
        let _ = fs::remove_dir(self.dir());
        Ok(())
    }
}

/// The record in this file, and none where there is no file.
pub(crate) fn read_record(path: &Path) -> Result<Option<Record>, Error> {
    let unreadable = |why: String| Error::RecordUnreadable {
        path: path.to_owned(),
        why,
    };
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(unreadable("it is no file".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::at(path)(error)),
    }
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(Error::at(path))?;
    file.take(RECORD_BYTES)
        .read_to_end(&mut text)
        .map_err(Error::at(path))?;
    let record: Record =
        serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
    if record.version != Record::VERSION {
        return Err(unreadable(format!(
            "version {} is not known",
            record.version
        )));
    }
    Ok(Some(record))
}

impl Record {
    pub(crate) const VERSION: u32 = 1;

    pub(crate) fn new(
        repository: &Repository,
        run: &RunName,
        base: BaseCommit,
    ) -> Result<Self, Error> {
        let text = |path: &Path| {
            let text = path.to_str().map(str::to_owned);
            text.ok_or_else(|| Error::PathNotText {
                path: path.to_owned(),
            })
        };
        Ok(Self {
            version: Self::VERSION,
            run: run.clone(),
            common: text(repository.common_dir())?,
            base,
            stage: Stage::Creating,
        })
    }
}

/// Writes a file of which a crash leaves all or nothing.
fn write_whole(path: &Path, text: &[u8]) -> Result<(), Error> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut named = tempfile::Builder::new();
    let half = named.prefix(MARKER).tempfile_in(dir);
    let mut file = half.map_err(Error::at(dir))?;
    file.write_all(text).map_err(Error::at(path))?;
    file.as_file().sync_data().map_err(Error::at(path))?;
    file.persist(path)
        .map_err(|error| Error::at(path)(error.error))?;
    Ok(())
}

/// Deleting what is not there has worked.
pub(crate) fn gone(deleted: io::Result<()>) -> io::Result<()> {
    match deleted {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// How long ago a path was last written to.
pub(crate) fn age(path: &Path) -> std::time::Duration {
    let modified = path.symlink_metadata().and_then(|found| found.modified());
    modified
        .ok()
        .and_then(|at| SystemTime::now().duration_since(at).ok())
        .unwrap_or_default()
}
