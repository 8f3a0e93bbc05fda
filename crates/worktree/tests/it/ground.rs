//! A repository of a user, a place for worktrees, and proof that the user's things stayed as they were.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use worktree::{
    Base, Bounds, Captured, Changes, Error, ObjectId, Place, Point, Removal, Removed, Repository,
    RunName, Worktree,
};

pub(crate) struct Ground {
    dir: TempDir,
    pub(crate) place: Place,
}

/// What belongs to the user, byte by byte.
#[derive(PartialEq, Eq)]
pub(crate) struct Theirs {
    refs: String,
    files: BTreeMap<PathBuf, (Vec<u8>, u32, i64, i64)>,
}

impl std::fmt::Debug for Theirs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.refs)?;
        for (path, (bytes, mode, seconds, nanos)) in &self.files {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(100)]);
            let path = path.display();
            writeln!(
                f,
                "{path} {mode:o} {seconds}.{nanos} {} {text:?}",
                bytes.len()
            )?;
        }
        Ok(())
    }
}

impl Ground {
    /// A repository with a commit on `main`, a changed, a staged and an untracked file.
    pub(crate) fn new() -> Self {
        let ground = Self::empty();
        let repo = ground.repo();
        write(&repo, "a.txt", "one\ntwo\nthree\n");
        write(&repo, "src/lib.rs", "pub fn a() {}\n");
        write(&repo, ".gitignore", "target/\n*.log\n");
        git(&repo, &["add", "."]);
        git(&repo, &["commit", "-qm", "first"]);
        write(&repo, "a.txt", "one\n2\nthree\n");
        write(&repo, "staged.txt", "staged\n");
        git(&repo, &["add", "staged.txt"]);
        write(&repo, "untracked.txt", "mine\n");
        ground
    }

    /// A repository without a commit.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::open(&dir.path().join("data")).unwrap();
        let ground = Self { dir, place };
        init(&ground.repo());
        ground
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir().join("repo")
    }

    pub(crate) async fn open(&self) -> Repository {
        Repository::open(&self.repo()).await.unwrap()
    }

    /// The worktree of the run `r1`, from what is checked out.
    pub(crate) async fn worktree(&self) -> (Repository, Worktree) {
        let repository = self.open().await;
        let made = create(&self.place, &repository, "r1", Base::Head)
            .await
            .unwrap();
        (repository, made)
    }

    /// A user who has committed all, on `main`.
    pub(crate) fn clean(&self) {
        git(&self.repo(), &["add", "."]);
        git(&self.repo(), &["commit", "-qm", "second"]);
    }

    pub(crate) fn theirs(&self) -> Theirs {
        theirs(&self.repo())
    }
}

pub(crate) fn theirs(repo: &Path) -> Theirs {
    let refs = git(repo, &["for-each-ref"]);
    let refs = refs.lines().filter(|line| {
        !line.contains("\trefs/outlive/") && !line.contains("\trefs/heads/outlive/")
    });
    let mut files = BTreeMap::new();
    let mut dirs = vec![repo.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let at = path.symlink_metadata().unwrap();
            let name = path.strip_prefix(repo).unwrap();
            if name == Path::new(".git") {
                for file in [
                    "index",
                    "HEAD",
                    "config",
                    "packed-refs",
                    "ORIG_HEAD",
                    "FETCH_HEAD",
                    "shallow",
                ] {
                    keep(&mut files, &path.join(file), &name.join(file));
                }
            } else if at.is_dir() {
                dirs.push(path);
            } else {
                keep(&mut files, &path, name);
            }
        }
    }
    Theirs {
        refs: refs.collect::<Vec<_>>().join("\n"),
        files,
    }
}

fn keep(files: &mut BTreeMap<PathBuf, (Vec<u8>, u32, i64, i64)>, path: &Path, name: &Path) {
    if let Ok(at) = path.symlink_metadata() {
        let bytes = fs::read(path).unwrap_or_default();
        let meta = (bytes, at.mode(), at.mtime(), at.mtime_nsec());
        files.insert(name.to_owned(), meta);
    }
}

pub(crate) fn run(name: &str) -> RunName {
    RunName::new(name).unwrap()
}

pub(crate) fn init(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    git(dir, &["init", "-q", "-b", "main"]);
    git(dir, &["config", "user.name", "User"]);
    git(dir, &["config", "user.email", "user@example.com"]);
}

/// What a command says; it must succeed.
#[track_caller]
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(dir)
        .args(["-c", "core.fsync=none"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_ALLOW_PROTOCOL", "file")
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {complaint}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

pub(crate) async fn create(
    place: &Place,
    repository: &Repository,
    name: &str,
    base: Base,
) -> Result<Worktree, Error> {
    place.create(repository, &run(name), &base).await
}

pub(crate) async fn remove(
    place: &Place,
    repository: &Repository,
    name: &str,
    removal: Removal,
) -> Result<Removed, Error> {
    place.remove(repository, &run(name), removal).await
}

/// Whether a command succeeds.
pub(crate) fn git_does(dir: &Path, args: &[&str]) -> bool {
    let output = Command::new("git").current_dir(dir).args(args).output();
    output.unwrap().status.success()
}

pub(crate) fn write(dir: &Path, name: &str, text: impl AsRef<[u8]>) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

pub(crate) fn id(dir: &Path, revision: &str) -> ObjectId {
    ObjectId::new(git(dir, &["rev-parse", "--verify", revision])).unwrap()
}

#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

pub(crate) async fn capture(worktree: &Worktree) -> Captured {
    let captured = worktree.checkout().capture(Bounds::default());
    captured.await.unwrap()
}

/// What changed from the base of a worktree to a checkpoint: `kind path +added -deleted`.
pub(crate) async fn since_base(
    repository: &Repository,
    worktree: &Worktree,
    checkpoint: u32,
) -> Vec<String> {
    let base = Point::Commit(worktree.base().commit.clone());
    let to = Point::Checkpoint(checkpoint);
    let changes = repository.changes(worktree.run(), &base, &to).await;
    lines(&changes.unwrap())
}

pub(crate) fn lines(changes: &Changes) -> Vec<String> {
    let line = |change: &worktree::Change| {
        let from = change.old_path.as_ref();
        let from = from.map_or_else(String::new, |path| format!("{path} -> "));
        let counts = if change.binary {
            "binary".to_owned()
        } else {
            format!("+{} -{}", change.additions, change.deletions)
        };
        format!("{:?} {from}{} {counts}", change.kind, change.path)
    };
    changes.list.iter().map(line).collect()
}
