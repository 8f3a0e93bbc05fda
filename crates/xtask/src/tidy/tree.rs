//! The files that git has or would take, with their texts.

use crate::program::program;
use crate::root;

/// The repository.
pub(crate) struct Tree {
    files: Vec<File>,
}

/// One of its files.
pub(crate) struct File {
    /// From the root, with `/` between folders.
    pub(crate) path: String,
    /// Empty where the bytes are not text.
    pub(crate) text: String,
}

impl Tree {
    /// Tracked files and new ones that are not ignored, so that a problem shows before it is committed.
    pub(crate) fn read() -> anyhow::Result<Tree> {
        let listed = program(
            "git",
            [
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
        )
        .output()?;
        let root = root();
        let mut files = Vec::new();
        for path in String::from_utf8(listed)?.split_terminator('\0') {
            // A file that was just deleted is still listed.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                files.push(File {
                    path: path.to_owned(),
                    text: String::from_utf8(bytes).unwrap_or_default(),
                });
            }
        }
        Ok(Tree { files })
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust sources of our crates.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files
            .iter()
            .filter(|file| file.path.starts_with("crates/") && file.extension() == Some("rs"))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether this is a file or a folder with one.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self
                .files
                .iter()
                .any(|file| file.path == path || file.path.starts_with(&folder))
    }
}

impl File {
    pub(crate) fn extension(&self) -> Option<&str> {
        self.path.rsplit_once('.').map(|(_, extension)| extension)
    }

    /// The lines that only tests compile: the whole file in a `tests` folder or named `tests.rs`, else the test module that
    /// ends the file. The count before it is the length of what ships.
    pub(crate) fn tests_begin(&self) -> usize {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return 0;
        }
        let lines: Vec<_> = self.text.lines().collect();
        let module = lines
            .iter()
            .position(|line| *line == "#[cfg(test)]")
            .filter(|begin| {
                let mut rest = lines[begin + 1..]
                    .iter()
                    .skip_while(|line| line.starts_with("#["));
                let opens = rest
                    .next()
                    .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
                // Code behind its closing brace means that it is not the tail.
                opens
                    && rest
                        .skip_while(|line| **line != "}")
                        .skip(1)
                        .all(|line| line.is_empty())
            });
        module.unwrap_or(lines.len())
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of these paths and texts.
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let file = |&(path, text): &(&str, &str)| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Tree {
            files: files.iter().map(file).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[track_caller]
    fn check(path: &str, text: &str, begin: usize) {
        assert_eq!(Tree::of(&[(path, text)]).files[0].tests_begin(), begin);
    }

    #[test]
    fn the_tests_of_a_file_are_its_last_module() {
        check(
            "crates/a/src/x.rs",
            "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n",
            2,
        );
        check(
            "crates/a/src/x.rs",
            "fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\nfn b() {}\n",
            6,
        );
        check(
            "crates/a/src/x.rs",
            "#[cfg(test)]\nmod tests;\nfn b() {}\n",
            3,
        );
        check("crates/a/src/x/tests.rs", "fn a() {}\n", 0);
        check("crates/a/tests/it/main.rs", "fn a() {}\n", 0);
    }
}
