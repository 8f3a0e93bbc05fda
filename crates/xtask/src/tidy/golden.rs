//! One stored example of every event type: a later version must still read it.

use std::collections::BTreeSet;

use super::Tree;

const FOLDER: &str = "crates/run/golden/";

pub(super) fn problems(tree: &Tree, types: &[&str]) -> Vec<String> {
    let expected: BTreeSet<_> = types
        .iter()
        .map(|name| format!("{FOLDER}{name}.json"))
        .collect();
    let found: BTreeSet<_> = tree
        .files()
        .filter(|file| file.path.starts_with(FOLDER))
        .map(|file| file.path.clone())
        .collect();
    let missing = expected
        .difference(&found)
        .map(|path| format!("{path}: missing, the example of an event type"));
    let stray = found
        .difference(&expected)
        .map(|path| format!("{path}: no event type has this name"));
    missing.chain(stray).collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, problems};

    #[test]
    fn each_event_type_has_one_example_and_no_other_file_is_there() {
        let tree = Tree::of(&[
            ("crates/run/golden/text.delta.json", ""),
            ("crates/run/golden/text.dleta.json", ""),
        ]);
        assert_eq!(
            problems(&tree, &["text.delta", "run.created"]),
            [
                "crates/run/golden/run.created.json: missing, the example of an event type",
                "crates/run/golden/text.dleta.json: no event type has this name",
            ]
        );
    }
}
