//! A working tree that a run works in: a worktree of its own, or the user's.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::git::Call;
use crate::name::{ObjectId, RunName};
use crate::repository::Repository;

/// A working tree that a run works in. All commands name the directories of git explicitly: whatever happens to the `.git`
/// in it, none of them can end up in a repository around it.
#[derive(Debug, Clone)]
pub struct Checkout {
    pub(crate) repository: Repository,
    pub(crate) run: RunName,
    /// `.git`, or `.git/worktrees/<name>`.
    pub(crate) git_dir: PathBuf,
    pub(crate) path: PathBuf,
}

/// Who is named in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
}

/// Who is named in commits that nobody sees but through us.
pub(crate) const OURS: (&str, &str) = ("Outlive", "outlive@localhost");

impl Checkout {
    pub(crate) fn new(
        repository: Repository,
        run: RunName,
        git_dir: PathBuf,
        path: PathBuf,
    ) -> Self {
        Self {
            repository,
            run,
            git_dir,
            path,
        }
    }

    /// The run.
    pub fn run(&self) -> &RunName {
        &self.run
    }

    /// Where its files are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The repository that it belongs to.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// A command on its files.
    pub(crate) fn call(&self) -> Result<Call, Error> {
        if !self.path.is_dir() || !self.git_dir.is_dir() {
            return Err(Error::WorktreeGone {
                path: self.path.clone(),
            });
        }
        Ok(self.on(self.repository.git.call(&self.path)))
    }

    /// A command on its own refs, which works when its files are gone.
    pub(crate) fn metadata(&self) -> Call {
        self.on(self.repository.git.call(&self.git_dir))
    }

    fn on(&self, call: Call) -> Call {
        call.env("GIT_DIR", &self.git_dir)
            .env("GIT_WORK_TREE", &self.path)
    }

    /// The commit it is at. None where there is none yet.
    pub(crate) async fn head(&self) -> Result<Option<ObjectId>, Error> {
        let call = self.metadata();
        let answer = call
            .args(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
            .run()
            .await?;
        let head = String::from_utf8_lossy(&answer.stdout);
        match answer.code {
            Some(0) => Ok(ObjectId::new(head.trim_end())),
            _ if answer.complaint().is_empty() => Ok(None),
            _ => Err(answer.error()),
        }
    }

    /// The ref that its HEAD is: none when it is detached.
    pub(crate) async fn head_ref(&self) -> Result<Option<String>, Error> {
        let call = self.metadata().args(["symbolic-ref", "-q", "HEAD"]);
        let answer = call.run().await?;
        match answer.code {
            Some(0) => Ok(Some(
                String::from_utf8_lossy(&answer.stdout)
                    .trim_end()
                    .to_owned(),
            )),
            Some(1) => Ok(None),
            _ => Err(answer.error()),
        }
    }

    /// Makes a commit of a tree, without any ref to it.
    pub(crate) async fn commit_tree(
        &self,
        tree: &ObjectId,
        parents: &[&ObjectId],
        message: &str,
    ) -> Result<ObjectId, Error> {
        let by = Identity::ours();
        let call = by.on(self.metadata()).args(["commit-tree", tree.as_str()]);
        let parents = parents.iter().flat_map(|parent| ["-p", parent.as_str()]);
        let call = call.args(parents).args(["-F", "-"]);
        object(&call.input(message.to_owned().into_bytes()).text().await?)
    }
}

/// An answer that is one object's id.
pub(crate) fn object(answer: &str) -> Result<ObjectId, Error> {
    ObjectId::new(answer).ok_or_else(|| Error::GitFailed {
        command: "object".to_owned(),
        code: Some(0),
        complaint: format!("answered {answer:?}, which is no object's id"),
    })
}

impl Identity {
    /// Takes a name and a mail address as git takes them.
    pub fn new(name: impl Into<String>, email: impl Into<String>) -> Result<Self, Error> {
        let identity = Self {
            name: name.into(),
            email: email.into(),
        };
        let fits =
            |text: &str| !text.trim().is_empty() && !text.contains(['<', '>', '\n', '\r', '\0']);
        if fits(&identity.name) && fits(&identity.email) {
            Ok(identity)
        } else {
            Err(Error::IdentityBad)
        }
    }

    pub(crate) fn ours() -> Self {
        Self {
            name: OURS.0.to_owned(),
            email: OURS.1.to_owned(),
        }
    }

    /// Who git's configuration says its user is.
    pub async fn configured(repository: &Repository) -> Result<Self, Error> {
        // Without this git makes one up of the names of the user and of the machine.
        let call = repository.call().args(["-c", "user.useConfigOnly=true"]);
        let answer = call.args(["var", "GIT_AUTHOR_IDENT"]).run().await?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let parts = text
            .split_once(" <")
            .and_then(|(name, rest)| Some((name, rest.split_once('>')?.0)));
        match parts {
            Some((name, email)) if answer.code == Some(0) => Self::new(name, email),
            _ => Err(Error::IdentityMissing),
        }
    }

    pub(crate) fn on(&self, call: Call) -> Call {
        call.env("GIT_AUTHOR_NAME", &self.name)
            .env("GIT_AUTHOR_EMAIL", &self.email)
            .env("GIT_COMMITTER_NAME", &self.name)
            .env("GIT_COMMITTER_EMAIL", &self.email)
    }
}
