//! Error codes: each is a promise to clients, so each is in the reference.

use super::Tree;

const REFERENCE: &str = "docs/API.md";

pub(super) fn problems(
    tree: &Tree,
    codes: impl IntoIterator<Item = impl AsRef<str>>,
) -> Vec<String> {
    let text = tree.file(REFERENCE).map_or("", |file| &file.text);
    let missing = codes
        .into_iter()
        .filter(|code| !text.contains(&format!("`{}`", code.as_ref())));
    missing
        .map(|code| {
            format!(
                "{REFERENCE}: does not explain the error code `{}`",
                code.as_ref()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, problems};

    #[test]
    fn an_error_code_without_an_explanation_is_found() {
        let tree = Tree::of(&[("docs/API.md", "| `queue_full` | 429 | wait |\n")]);
        let missing = "docs/API.md: does not explain the error code `queue`";
        assert_eq!(problems(&tree, ["queue_full", "queue"]), [missing]);
    }
}
