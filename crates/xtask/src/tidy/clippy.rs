//! A crate's clippy.toml replaces the root one: its copy of the common settings must not drift.

use super::Tree;

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let settings: Vec<_> = tree
        .file("clippy.toml")
        .into_iter()
        .flat_map(|root| settings(&root.text))
        .collect();
    let mut problems = Vec::new();
    for file in tree
        .files()
        .filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/clippy.toml"))
    {
        for setting in settings
            .iter()
            .filter(|setting| !file.text.lines().any(|line| line == **setting))
        {
            problems.push(format!(
                "{}: lacks a line of the root clippy.toml, which it replaces: {setting}",
                file.path
            ));
        }
    }
    problems
}

/// All that stands before the first rule, which is each file's own.
fn settings(text: &str) -> impl Iterator<Item = &str> {
    let settings = text
        .lines()
        .take_while(|line| !line.starts_with("disallowed-"));
    settings.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::{Tree, problems};

    #[test]
    fn a_crate_repeats_the_settings_of_the_root() {
        let root = (
            "clippy.toml",
            "a = true\n\n# Why.\nb = 1\ndisallowed-methods = []\n",
        );
        assert_eq!(
            problems(&Tree::of(&[
                root,
                ("crates/x/clippy.toml", "b = 1\na = true\n")
            ])),
            Vec::<String>::new()
        );
        let lacks =
            "crates/x/clippy.toml: lacks a line of the root clippy.toml, which it replaces: b = 1";
        assert_eq!(
            problems(&Tree::of(&[root, ("crates/x/clippy.toml", "a = true\n")])),
            [lacks]
        );
    }
}
