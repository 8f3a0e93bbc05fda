//! Words that mean unfinished work, and paths that exist on one machine only.

use super::Tree;
use super::tree::File;

/// `(word, why not)`, in our sources. Written in two halves, so that this file passes its own rule.
const UNFINISHED: &[(&str, &str)] = &[
    (concat!("to", "do!("), "finish it"),
    (concat!("unimple", "mented!("), "finish it"),
    (concat!("#[ig", "nore"), "a test runs or does not exist"),
    (concat!("FIX", "ME"), "mend it or leave the comment out"),
    (concat!("XX", "X"), "mend it or leave the comment out"),
];

/// Folders where a checkout or a home lies on somebody's machine; no reader has them.
const MACHINE: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
];

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    let mut find = |file: &File, from: usize, word: &str, why: &str| {
        let lines = (1..).zip(file.text.lines()).skip(from);
        let found = lines.filter(|(_, line)| has_word(line, word));
        problems
            .extend(found.map(|(number, _)| format!("{}:{number}: `{word}`: {why}", file.path)));
    };
    for file in tree.files() {
        let source = file.path.starts_with("crates/") || file.path.starts_with("console/");
        if source && matches!(file.extension(), Some("rs" | "js")) {
            for (word, why) in UNFINISHED {
                find(file, 0, word, why);
            }
        }
        if file.extension() != Some("lock") {
            for folder in MACHINE {
                find(file, 0, folder, "a path of one machine");
            }
        }
    }
    for file in tree.rust() {
        find(
            file,
            file.tests_begin(),
            concat!("sle", "ep("),
            "a test waits for a condition or pauses the clock",
        );
    }
    problems
}

/// Whether the word stands there by itself and not as the end or the beginning of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        // A slash behind one of these goes on with a path that began elsewhere.
        let longer_path =
            word.starts_with('/') && before.is_some_and(|c| matches!(c, '.' | '-' | '}'));
        let begins = !before.is_some_and(part) && !longer_path;
        begins && !(word.ends_with(part) && after.is_some_and(part))
    })
}

#[cfg(test)]
mod tests {
    use super::{Tree, problems};

    #[track_caller]
    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(problems(&Tree::of(&[(path, text)])), expected);
    }

    #[test]
    fn unfinished_work_is_found_in_sources() {
        let path = "crates/a/src/x.rs";
        let todo = concat!("fn a() {\n    to", "do!()\n}\n");
        check(
            path,
            todo,
            &[concat!("crates/a/src/x.rs:2: `to", "do!(`: finish it")],
        );
        check("docs/API.md", todo, &[]);
        check(path, concat!("let template = \"XX", "XX\";\n"), &[]);
    }

    #[test]
    fn a_path_of_one_machine_is_found_anywhere() {
        let path = concat!("cd /ro", "ot/x\n");
        check(
            "README.md",
            path,
            &[concat!("README.md:1: `/ro", "ot/`: a path of one machine")],
        );
        check("Cargo.lock", path, &[]);
        check(
            "README.md",
            concat!("see src/fra", "mework", "/x and src/wo", "rk/x\n"),
            &[],
        );
    }

    #[test]
    fn only_tests_may_not_sleep() {
        let text = concat!(
            "sle",
            "ep(a)\n#[cfg(test)]\nmod tests {\n    sle",
            "ep(a)\n    uns",
            "leep(a)\n}\n"
        );
        let why = concat!(
            "crates/a/src/x.rs:4: `sle",
            "ep(`: a test waits for a condition or pauses the clock"
        );
        check("crates/a/src/x.rs", text, &[why]);
    }
}
