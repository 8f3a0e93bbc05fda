//! Links between documents: each leads to a file of the repository.

use super::Tree;

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for file in tree.files().filter(|file| file.extension() == Some("md")) {
        let mut fenced = false;
        for (number, line) in (1..).zip(file.text.lines()) {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if !fenced {
                let lost = targets(line)
                    .into_iter()
                    .filter(|target| leads_nowhere(tree, &file.path, target));
                problems.extend(
                    lost.map(|target| format!("{}:{number}: `{target}` leads nowhere", file.path)),
                );
            }
        }
    }
    problems
}

/// Where a line's links point: `[text](target "title")`, `![image](target)` and `[name]: target`.
fn targets(line: &str) -> Vec<String> {
    // Every second piece between backticks is code.
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let inline = prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target);
    let named = prose
        .strip_prefix('[')
        .filter(|rest| !rest.starts_with('^'))
        .and_then(|rest| rest.split_once("]: "));
    let all = inline
        .chain(named.map(|(_, target)| target))
        .filter_map(|target| target.split_whitespace().next());
    all.map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}

fn leads_nowhere(tree: &Tree, from: &str, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    if path.is_empty() || path.contains(':') {
        return false;
    }
    let mut segments: Vec<_> = if path.starts_with('/') {
        Vec::new()
    } else {
        from.split('/').collect()
    };
    segments.pop();
    for segment in path
        .split('/')
        .filter(|segment| !matches!(*segment, "" | "."))
    {
        match segment {
            // Above the root there is nothing of ours.
            ".." if segments.pop().is_none() => return true,
            ".." => {}
            _ => segments.push(segment),
        }
    }
    !tree.has(&segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{Tree, problems};

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let tree = Tree::of(&[
            ("docs/API.md", text),
            ("README.md", ""),
            ("crates/run/src/lib.rs", ""),
        ]);
        assert_eq!(problems(&tree), expected);
    }

    #[test]
    fn a_link_to_a_file_or_a_folder_resolves_from_its_document() {
        check(
            "[a](../README.md) [b](API.md#runs \"Runs\") [c](/crates/run/) [d](#here)\n",
            &[],
        );
        check(
            "see\n[a](README.md) and ![b](../no.png)\n",
            &[
                "docs/API.md:2: `README.md` leads nowhere",
                "docs/API.md:2: `../no.png` leads nowhere",
            ],
        );
        check(
            "[name]: ../../README.md\n",
            &["docs/API.md:1: `../../README.md` leads nowhere"],
        );
    }

    #[test]
    fn addresses_and_code_are_no_links() {
        check(
            "[a](https://example.com/a) <b@example.com> `[c](d)` `e`\n```\n[f](g)\n```\n",
            &[],
        );
    }
}
