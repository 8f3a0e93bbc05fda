//! A repository that runs work in.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::checkout::Checkout;
use crate::error::Error;
use crate::git::{Call, Git};
use crate::name::{ObjectId, RunName};

/// A repository with files, found from a path in one of its working trees.
///
/// A shallow clone is taken: its history is cut off far behind what a run begins from, and only a merge may need what is
/// not there, which then says so. Bare repositories have no files of their own to begin with (a worktree of one is taken),
/// and what is done in a submodule is only kept by its parent, so both are refused.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(crate) git: Git,
    common: PathBuf,
    git_dir: PathBuf,
    top: PathBuf,
    shallow: bool,
}

/// What a worktree begins from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// What is checked out where the repository was opened.
    Head,
    /// A branch, a remote's branch as last fetched, a tag or a commit.
    Named(String),
}

/// A base, resolved. It is what a run's changes are counted from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BaseCommit {
    /// The commit.
    pub commit: ObjectId,
    /// The local branch that it was named by, into which the work can be merged.
    pub branch: Option<String>,
}

impl Repository {
    /// Finds the repository of a path with the `git` of the search path.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(Git::find().await?, path).await
    }

    /// The same with this git.
    pub async fn open_with(git: Git, path: &Path) -> Result<Self, Error> {
        if !path.is_dir() {
            return Err(Error::PathMissing {
                path: path.to_owned(),
            });
        }
        let show = ["rev-parse", "--show-superproject-working-tree"];
        let parent = git.call(path).args(show).text().await?;
        if !parent.is_empty() {
            return Err(Error::RepositorySubmodule {
                path: path.to_owned(),
                parent: parent.into(),
            });
        }
        Self::working_in(git, path).await
    }

    /// The repository of a working tree of any kind.
    pub(crate) async fn working_in(git: Git, path: &Path) -> Result<Self, Error> {
        let ask = |args: &[&str]| git.call(path).arg("rev-parse").args(args).text();
        let kinds = ask(&[
            "--is-inside-work-tree",
            "--is-bare-repository",
            "--is-shallow-repository",
        ])
        .await?;
        let kinds: Vec<_> = kinds.lines().map(|line| line == "true").collect();
        let [inside, bare, shallow] = kinds[..] else {
            return Err(Error::NotARepository {
                path: path.to_owned(),
            });
        };
        if bare && !inside {
            return Err(Error::RepositoryBare {
                path: path.to_owned(),
            });
        }
        if !inside {
            // Somewhere in `.git` itself.
            return Err(Error::NotARepository {
                path: path.to_owned(),
            });
        }
        let absolute = "--path-format=absolute";
        let common = ask(&[absolute, "--git-common-dir"]).await?;
        let git_dir = ask(&[absolute, "--git-dir"]).await?;
        let top = ask(&[absolute, "--show-toplevel"]).await?;
        Ok(Self {
            common: real(&common)?,
            git_dir: real(&git_dir)?,
            top: real(&top)?,
            git,
            shallow,
        })
    }

    /// The repository with this common directory, for work on what all worktrees share. Its working trees may be gone.
    pub(crate) async fn reopen(git: Git, common: &Path) -> Result<Self, Error> {
        let common = common.canonicalize().map_err(|_| Error::PathMissing {
            path: common.to_owned(),
        })?;
        let repository = Self {
            git,
            git_dir: common.clone(),
            top: common.clone(),
            common,
            shallow: false,
        };
        let shallow = ["rev-parse", "--is-shallow-repository"];
        let shallow = repository.call().args(shallow).text().await? == "true";
        Ok(Self {
            shallow,
            ..repository
        })
    }

    /// The directory that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        &self.common
    }

    /// The working tree of the path that it was opened by.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Whether its history is cut off.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// A short name of it that is the same from each of its worktrees.
    pub fn key(&self) -> String {
        let digest = Sha256::digest(self.common.as_os_str().as_encoded_bytes());
        let mut key = String::new();
        for byte in &digest[..8] {
            let _ = write!(key, "{byte:02x}");
        }
        key
    }

    /// The working tree that it was opened by, for a run that works there instead of in a worktree of its own.
    pub fn shared(&self, run: RunName) -> Checkout {
        Checkout::new(self.clone(), run, self.git_dir.clone(), self.top.clone())
    }

    /// Finds the commit that a base names. Nothing is fetched.
    pub async fn resolve(&self, base: &Base) -> Result<BaseCommit, Error> {
        match base {
            Base::Head => {
                let commit = self.commit_of("HEAD").await?.ok_or(Error::BaseUnborn)?;
                let branch = self.call().args(["symbolic-ref", "-q", "--short", "HEAD"]);
                let answer = branch.run().await?;
                let branch = (answer.code == Some(0)).then(|| {
                    String::from_utf8_lossy(&answer.stdout)
                        .trim_end()
                        .to_owned()
                });
                Ok(BaseCommit { commit, branch })
            }
            Base::Named(name) => {
                // First, because a branch may have the name of a tag.
                if let Some(commit) = self.branch_tip(name).await? {
                    return Ok(BaseCommit {
                        commit,
                        branch: Some(name.clone()),
                    });
                }
                let commit = self.commit_of(name).await?;
                let commit = commit.ok_or_else(|| Error::BaseUnknown { name: name.clone() })?;
                Ok(BaseCommit {
                    commit,
                    branch: None,
                })
            }
        }
    }

    /// The commit that a branch is at, if there is a branch of exactly this name.
    pub(crate) async fn branch_tip(&self, branch: &str) -> Result<Option<ObjectId>, Error> {
        let call = self.call().args(["show-ref", "--verify", "--hash", "--"]);
        let answer = call.arg(format!("refs/heads/{branch}")).run().await?;
        let tip = String::from_utf8_lossy(&answer.stdout);
        match answer.code {
            Some(0) => Ok(ObjectId::new(tip.trim_end())),
            _ if answer.says("not a valid ref") => Ok(None),
            _ => Err(answer.error()),
        }
    }

    /// The commit that a revision names, if it names one.
    pub(crate) async fn commit_of(&self, revision: &str) -> Result<Option<ObjectId>, Error> {
        let answer = self
            .call()
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{revision}^{{commit}}"))
            .run()
            .await?;
        if answer.code == Some(0) {
            Ok(ObjectId::new(
                String::from_utf8_lossy(&answer.stdout).trim_end(),
            ))
        } else if answer.complaint().is_empty() || !answer.says("lazy fetching") {
            Ok(None)
        } else {
            Err(answer.error())
        }
    }

    /// A command on what all worktrees share: refs and objects. It works beside all files, so that no path in an answer
    /// is told from where the user's are.
    pub(crate) fn call(&self) -> Call {
        self.git
            .call(&self.common)
            .env("GIT_DIR", &self.git_dir)
            .env("GIT_WORK_TREE", &self.common)
    }

    /// Moves a ref from one object to another. None as the old one is a ref that must not be there yet. False: somebody else
    /// was faster.
    pub(crate) async fn move_ref(
        &self,
        name: &str,
        new: &ObjectId,
        old: Option<&ObjectId>,
    ) -> Result<bool, Error> {
        let old = old.map_or_else(|| new.none_like(), ToString::to_string);
        let call = self.call().args(["update-ref", "-m", "outlive"]);
        let moved = call.args([name, new.as_str(), &old]).patiently().await;
        compared(moved)
    }

    /// Deletes a ref that is at this object. False: it has moved meanwhile.
    pub(crate) async fn delete_ref(&self, name: &str, old: &ObjectId) -> Result<bool, Error> {
        let call = self.call().args(["update-ref", "-d", name, old.as_str()]);
        compared(call.patiently().await)
    }

    /// The refs that begin with `prefix`, without it, and their objects.
    pub(crate) async fn refs(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>, Error> {
        let call = self
            .call()
            .args(["for-each-ref", "--format=%(objectname) %(refname)"]);
        let listed = call.arg(prefix).text().await?;
        let refs = listed.lines().filter_map(|line| {
            let (object, name) = line.split_once(' ')?;
            Some((
                name.strip_prefix(prefix)?.to_owned(),
                ObjectId::new(object)?,
            ))
        });
        Ok(refs.collect())
    }

    /// Deletes what was kept of a run: its checkpoints, and what removals saved. For when the run itself is deleted.
    pub async fn forget(&self, run: &RunName) -> Result<(), Error> {
        let mut commands = Vec::new();
        for prefix in [run.checkpoint_refs(), run.nested_refs()] {
            for (name, object) in self.refs(&prefix).await? {
                commands.extend(format!("delete {prefix}{name} {object}\n").into_bytes());
            }
        }
        let saved = run.saved_ref();
        if let Some(object) = self.commit_of(&saved).await? {
            commands.extend(format!("delete {saved} {object}\n").into_bytes());
        }
        if commands.is_empty() {
            return Ok(());
        }
        let call = self.call().args(["update-ref", "--stdin"]);
        call.input(commands).patiently().await
    }
}

/// Whether the old value of a ref was the expected one.
fn compared(moved: Result<(), Error>) -> Result<bool, Error> {
    match moved {
        Ok(()) => Ok(true),
        Err(Error::GitFailed { complaint, .. })
            if [
                "but expected",
                "reference already exists",
                "unable to resolve reference",
            ]
            .iter()
            .any(|text| complaint.contains(text)) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn real(path: &str) -> Result<PathBuf, Error> {
    let path = Path::new(path);
    path.canonicalize().map_err(Error::at(path))
}
