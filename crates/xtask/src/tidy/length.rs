//! Length of files: what does not fit in one head is two things.

use super::Tree;

/// Lines of Rust without tests.
const LINES: usize = 600;

/// Files that may be longer: `(path, lines, why)`.
const LONGER: &[(&str, usize, &str)] = &[];

/// Lines of the map that a newcomer reads first.
const ARCHITECTURE_LINES: usize = 140;

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for file in tree.rust() {
        let lines = file.tests_begin();
        let bound = LONGER
            .iter()
            .find(|(path, ..)| *path == file.path)
            .map_or(LINES, |(_, lines, _)| *lines);
        if lines > bound {
            problems.push(format!(
                "{}: {lines} lines without tests, {bound} at most; it is more than one thing",
                file.path
            ));
        }
    }
    for (path, _, why) in LONGER {
        if tree
            .file(path)
            .is_none_or(|file| file.tests_begin() <= LINES)
        {
            problems.push(format!(
                "{path}: needs no exception for its length any more (`{why}`)"
            ));
        }
    }
    if let Some(file) = tree.file("docs/ARCHITECTURE.md") {
        let lines = file.text.lines().count();
        if lines > ARCHITECTURE_LINES {
            problems.push(format!(
                "{}: {lines} lines, {ARCHITECTURE_LINES} at most; say only what rarely changes",
                file.path
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{Tree, problems};

    #[track_caller]
    fn check(path: &str, lines: usize, tail: &str, expected: &[&str]) {
        let text = "fn a() {}\n".repeat(lines) + tail;
        assert_eq!(problems(&Tree::of(&[(path, &text)])), expected);
    }

    #[test]
    fn tests_do_not_count() {
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "    fn a() {}\n".repeat(900)
        );
        check("crates/a/src/x.rs", 600, &tests, &[]);
        check("crates/a/src/x/tests.rs", 900, "", &[]);
        let long =
            "crates/a/src/x.rs: 601 lines without tests, 600 at most; it is more than one thing";
        check("crates/a/src/x.rs", 601, &tests, &[long]);
    }

    #[test]
    fn the_architecture_stays_two_pages() {
        check("docs/ARCHITECTURE.md", 140, "", &[]);
        let long = "docs/ARCHITECTURE.md: 141 lines, 140 at most; say only what rarely changes";
        check("docs/ARCHITECTURE.md", 141, "", &[long]);
    }
}
