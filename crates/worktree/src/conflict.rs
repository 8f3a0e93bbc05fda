//! Joining two commits without a working tree, and what keeps them apart.

use std::collections::BTreeMap;

use crate::checkout::object;
use crate::error::Error;
use crate::limits::FILES;
use crate::name::ObjectId;
use crate::repository::Repository;

/// A file that two sides have changed in ways that do not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Conflict {
    /// Where it is.
    pub path: String,
    /// How they do not fit.
    pub kind: ConflictKind,
}

/// How two changes do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Both changed the same lines.
    Content,
    /// Both made it, each in its way.
    BothAdded,
    /// One changed it, the other deleted it.
    ModifyDelete,
    /// One or both moved it.
    Rename,
    /// It is a file to one and a directory or another kind of thing to the other.
    Kind,
    /// It has no lines that could be joined.
    Binary,
    /// A submodule, whose commits do not follow each other.
    Submodule,
    /// Something else, of which git names only the file.
    Other,
}

/// Two commits joined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// They fit.
    Tree(ObjectId),
    /// They do not, by path.
    Conflicts(Vec<Conflict>),
}

impl Repository {
    /// Joins two commits. With `base` what changed from there to `theirs` is put on `ours`, as a rebase does.
    pub(crate) async fn join(
        &self,
        base: Option<&ObjectId>,
        ours: &ObjectId,
        theirs: &ObjectId,
    ) -> Result<Joined, Error> {
        let call = self.call().args([
            "merge-tree",
            "--write-tree",
            "-z",
            "--name-only",
            "--messages",
        ]);
        let base = base.map(|base| format!("--merge-base={base}"));
        let call = call.args(base).args([ours.as_str(), theirs.as_str()]);
        let answer = call.time(FILES).run().await?;
        let mut parts = answer.stdout.split(|&byte| byte == 0);
        match answer.code {
            Some(0) => {
                let tree = String::from_utf8_lossy(parts.next().unwrap_or_default());
                Ok(Joined::Tree(object(&tree)?))
            }
            Some(1) => Ok(Joined::Conflicts(read(&answer.stdout))),
            _ => Err(answer.error()),
        }
    }
}

/// Reads the tree, the files in conflict, an empty part, then messages: a number, so many paths, a type and a text.
fn read(answer: &[u8]) -> Vec<Conflict> {
    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    let mut parts = answer.split(|&byte| byte == 0).skip(1).map(text);
    let mut found = BTreeMap::new();
    for path in parts.by_ref().take_while(|path| !path.is_empty()) {
        found.insert(path, ConflictKind::Other);
    }
    while let Some(paths) = parts.next().and_then(|number| number.parse::<usize>().ok()) {
        let paths: Vec<_> = parts.by_ref().take(paths).collect();
        let kind = parts.next().and_then(|kind| kind_of(&kind));
        let said = parts.next().unwrap_or_default();
        let Some(mut kind) = kind else { continue };
        if kind == ConflictKind::Content && said.contains("add/add") {
            kind = ConflictKind::BothAdded;
        }
        for path in paths {
            // The first message says what it is; later ones what followed from it. Paths that are named and not in
            // conflict, as the old one of a moved file, are none.
            if let Some(known) = found.get_mut(&path)
                && *known == ConflictKind::Other
            {
                *known = kind;
            }
        }
    }
    found
        .into_iter()
        .map(|(path, kind)| Conflict { path, kind })
        .collect()
}

/// The kinds that git promises not to change; none for what is no conflict.
fn kind_of(kind: &str) -> Option<ConflictKind> {
    Some(match kind {
        "CONFLICT (contents)" => ConflictKind::Content,
        "CONFLICT (modify/delete)" => ConflictKind::ModifyDelete,
        "CONFLICT (binary)" => ConflictKind::Binary,
        "CONFLICT (file/directory)" | "CONFLICT (distinct modes)" | "CONFLICT (distinct types)" => {
            ConflictKind::Kind
        }
        kind if kind.starts_with("CONFLICT (submodule") => ConflictKind::Submodule,
        kind if kind.starts_with("CONFLICT (rename")
            || kind.starts_with("CONFLICT (directory rename")
            || kind.starts_with("CONFLICT (implicit dir") =>
        {
            ConflictKind::Rename
        }
        kind if kind.starts_with("CONFLICT") => ConflictKind::Other,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Conflict, ConflictKind, read};

    #[test]
    fn files_and_kinds_of_conflicts_are_read() {
        let answer = b"4b825dc642cb6eb9a060e54bf8d69288fbee4904\0a\0b\0c\0\0\
            1\0a\0Auto-merging\0Auto-merging a\n\0\
            1\0a\0CONFLICT (contents)\0CONFLICT (content): Merge conflict in a\n\0\
            1\0b\0CONFLICT (contents)\0CONFLICT (add/add): Merge conflict in b\n\0\
            2\0c\0d\0CONFLICT (modify/delete)\0CONFLICT (modify/delete): c deleted\n\0";
        let conflict = |path: &str, kind| Conflict {
            path: path.to_owned(),
            kind,
        };
        assert_eq!(
            read(answer),
            [
                conflict("a", ConflictKind::Content),
                conflict("b", ConflictKind::BothAdded),
                conflict("c", ConflictKind::ModifyDelete),
            ]
        );
    }
}
