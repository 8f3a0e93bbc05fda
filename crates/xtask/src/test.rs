//! The tests: nextest for all that it can run, then the examples in the documentation.

use crate::program::cargo;
use crate::tidy::Tree;

/// Everything, under a profile of `.config/nextest.toml`.
pub(crate) fn all(profile: &str) -> anyhow::Result<()> {
    cargo(["nextest", "run", "--workspace", "--profile", profile]).run()?;
    // Looked for first: an empty round of doc tests still starts rustdoc once per crate.
    if has_doc_tests(&Tree::read()?) {
        cargo(["test", "--workspace", "--doc", "--quiet"]).run()?;
    }
    Ok(())
}

/// Without heavy tests and doc tests.
pub(crate) fn fast() -> anyhow::Result<()> {
    cargo(["nextest", "run", "--workspace", "--profile", "fast"]).run()
}

fn has_doc_tests(tree: &Tree) -> bool {
    tree.rust().any(|file| has_example(&file.text))
}

/// Whether a doc comment holds a fence that rustdoc compiles: one without a language, or with one of its words.
fn has_example(source: &str) -> bool {
    let comments = source
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("//"));
    let docs = comments.filter_map(|comment| comment.strip_prefix(['/', '!']));
    let fences = docs.filter_map(|doc| doc.trim().strip_prefix("```"));
    // Every second fence closes the one before it.
    fences.step_by(2).any(|language| {
        matches!(
            language,
            "" | "rust" | "no_run" | "should_panic" | "compile_fail"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::has_example;

    #[test]
    fn only_fences_that_rustdoc_compiles_are_doc_tests() {
        assert!(has_example("    /// ```\n    /// one();\n    /// ```\n"));
        assert!(has_example(
            "//! ```text\n//! a\n//! ```\n//! ```no_run\n//! ```\n"
        ));
        assert!(!has_example("/// ```text\n/// a\n/// ```\n"));
        assert!(!has_example("// ```\nlet fence = \"/// ```\";\n"));
    }
}
