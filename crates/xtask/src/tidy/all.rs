//! Every rule over the tree as it lies on disk.

use anyhow::bail;

use super::{Tree, clippy, codes, dependencies, golden, length, links, names, words};

/// Fails with every problem of the tree, one per line.
pub(crate) fn tidy() -> anyhow::Result<()> {
    let tree = Tree::read()?;
    let problems = [
        dependencies::problems(&dependencies::crates()?),
        clippy::problems(&tree),
        names::problems(&tree),
        length::problems(&tree),
        words::problems(&tree),
        golden::problems(&tree, run::event::TYPES),
        codes::problems(&tree, wire::Code::ALL.iter().map(|code| code.as_str())),
        links::problems(&tree),
    ]
    .concat();
    if !problems.is_empty() {
        bail!("{} problems\n{}", problems.len(), problems.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn the_repository_is_tidy() {
        if let Err(why) = tidy() {
            panic!("{why:#}");
        }
    }
}
