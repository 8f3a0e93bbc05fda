//! What changed between two states: the files with their counts, and the text of it.

use crate::error::Error;
use crate::limits::{CHANGES, FILES};
use crate::name::{ObjectId, RunName};
use crate::repository::Repository;

/// A state of a run's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// A checkpoint of the run.
    Checkpoint(u32),
    /// A commit, such as the one that it began from, or what a removal saved.
    Commit(ObjectId),
    /// No files at all.
    Nothing,
}

/// What changed between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// Changed files, also those that `list` does not name.
    pub files: usize,
    /// Added lines of all of them.
    pub additions: u64,
    /// Deleted lines of all of them.
    pub deletions: u64,
    /// The first of them, by path.
    pub list: Vec<Change>,
}

/// One file that changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Where it is, or was if it is deleted.
    pub path: String,
    /// Where it was before, if it was moved.
    pub old_path: Option<String>,
    /// What happened to it.
    pub kind: ChangeKind,
    /// It has no lines that could be counted.
    pub binary: bool,
    /// Lines that are new.
    pub additions: u64,
    /// Lines that are gone.
    pub deletions: u64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its contents or its mode changed.
    Modified,
    /// It has another path, and perhaps other contents.
    Renamed,
    /// It is another kind of thing: a link, a file, a submodule.
    Retyped,
}

/// A diff as text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DiffText {
    /// As `git diff` prints it. Bytes that are no text are replaced.
    pub text: String,
    /// There was more, which the bound cut off behind a whole line.
    pub truncated: bool,
}

impl Repository {
    /// Lists what changed from one state of a run to another. Renamed files are found by likeness.
    pub async fn changes(&self, run: &RunName, from: &Point, to: &Point) -> Result<Changes, Error> {
        let (from, to) = (self.tree_at(run, from).await?, self.tree_at(run, to).await?);
        self.changes_of(&from, &to).await
    }

    /// The same as text, of which at most `bytes` are given.
    pub async fn diff(
        &self,
        run: &RunName,
        from: &Point,
        to: &Point,
        bytes: usize,
    ) -> Result<DiffText, Error> {
        let (from, to) = (self.tree_at(run, from).await?, self.tree_at(run, to).await?);
        let options = [
            "diff-tree",
            "-r",
            "-p",
            "-M",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--submodule=short",
            "--src-prefix=a/",
            "--dst-prefix=b/",
        ];
        let call = self.call().args(options).args([from.as_str(), to.as_str()]);
        let answer = call.time(FILES).bytes(bytes).run().await?;
        if answer.code != Some(0) && !answer.cut {
            return Err(answer.error());
        }
        let mut text = answer.stdout;
        if answer.cut {
            let line = text.iter().rposition(|&byte| byte == b'\n');
            text.truncate(line.map_or(0, |at| at + 1));
        }
        Ok(DiffText {
            text: String::from_utf8_lossy(&text).into_owned(),
            truncated: answer.cut,
        })
    }

    pub(crate) async fn changes_of(
        &self,
        from: &ObjectId,
        to: &ObjectId,
    ) -> Result<Changes, Error> {
        let options = ["diff-tree", "-r", "-M", "-z", "--raw", "--numstat"];
        let call = self.call().args(options).args([from.as_str(), to.as_str()]);
        let answer = call.time(FILES).stdout().await?;
        read(&answer).ok_or_else(|| Error::GitFailed {
            command: "diff-tree".to_owned(),
            code: Some(0),
            complaint: "answered with a list that cannot be read".to_owned(),
        })
    }

    async fn tree_at(&self, run: &RunName, point: &Point) -> Result<ObjectId, Error> {
        match point {
            Point::Checkpoint(number) => Ok(self.checkpoint(run, *number).await?.tree),
            Point::Commit(commit) => self.tree_of(commit).await,
            Point::Nothing => self.empty_tree().await,
        }
    }

    /// The tree of a commit.
    pub(crate) async fn tree_of(&self, commit: &ObjectId) -> Result<ObjectId, Error> {
        let answer = self
            .call()
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{commit}^{{tree}}"))
            .run()
            .await?;
        let tree = String::from_utf8_lossy(&answer.stdout);
        ObjectId::new(tree.trim_end()).ok_or_else(|| Error::BaseUnknown {
            name: commit.to_string(),
        })
    }
}

/// Reads `--raw --numstat -z`: first the kinds of all files, then their counts in the same order.
fn read(answer: &[u8]) -> Option<Changes> {
    let mut parts = answer.split(|&byte| byte == 0).peekable();
    let mut text =
        || -> Option<String> { Some(String::from_utf8_lossy(parts.next()?).into_owned()) };
    let mut changes = Changes::default();
    let mut kinds = std::collections::VecDeque::new();
    loop {
        let head = text()?;
        if head.is_empty() {
            break;
        }
        if head.starts_with(':') {
            let kind = match head.rsplit(' ').next()?.as_bytes().first()? {
                b'A' => ChangeKind::Added,
                b'D' => ChangeKind::Deleted,
                b'R' | b'C' => ChangeKind::Renamed,
                b'T' => ChangeKind::Retyped,
                _ => ChangeKind::Modified,
            };
            text()?;
            if kind == ChangeKind::Renamed {
                text()?;
            }
            kinds.push_back(kind);
            continue;
        }
        let mut counts = head.splitn(3, '\t');
        let (added, deleted, path) = (counts.next()?, counts.next()?, counts.next()?);
        let (old_path, path) = if path.is_empty() {
            (Some(text()?), text()?)
        } else {
            (None, path.to_owned())
        };
        let change = Change {
            path,
            old_path,
            kind: kinds.pop_front()?,
            binary: added == "-",
            additions: added.parse().unwrap_or(0),
            deletions: deleted.parse().unwrap_or(0),
        };
        changes.files += 1;
        changes.additions += change.additions;
        changes.deletions += change.deletions;
        if changes.list.len() < CHANGES {
            changes.list.push(change);
        }
    }
    kinds.is_empty().then_some(changes)
}

#[cfg(test)]
mod tests {
    use super::{Change, ChangeKind, read};

    #[test]
    fn kinds_and_counts_come_together() {
        let answer = b":100644 100644 a b M\0m\0:000000 100644 0 b A\0n\n1\0:100644 100644 a b R090\0old\0:new\0\
            3\t1\tm\0-\t-\tn\n1\x000\t2\t\0old\0:new\0";
        let changes = read(answer).unwrap();
        assert_eq!(
            (changes.files, changes.additions, changes.deletions),
            (3, 3, 3)
        );
        let change =
            |path: &str, old_path: Option<&str>, kind, binary, additions, deletions| Change {
                path: path.to_owned(),
                old_path: old_path.map(str::to_owned),
                kind,
                binary,
                additions,
                deletions,
            };
        assert_eq!(
            changes.list,
            [
                change("m", None, ChangeKind::Modified, false, 3, 1),
                change("n\n1", None, ChangeKind::Added, true, 0, 0),
                change(":new", Some("old"), ChangeKind::Renamed, false, 0, 2),
            ]
        );
        assert_eq!(read(b"").unwrap().files, 0);
        assert_eq!(read(b":100644 100644 a b M\0m\0"), None);
    }
}
