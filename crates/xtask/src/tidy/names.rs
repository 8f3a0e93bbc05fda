//! Names of files and folders: each says what is inside.

use super::Tree;

/// Names under which any code would fit.
const BANNED: &[&str] = &[
    "util", "utils", "helper", "helpers", "common", "misc", "base", "manager", "service",
    "handler2", "impl", "recovery",
];

pub(super) fn problems(tree: &Tree) -> Vec<String> {
    let ours = tree
        .files()
        .filter(|file| file.path.starts_with("crates/") || file.path.starts_with("console/"));
    let banned = ours.filter_map(|file| {
        let name = file
            .path
            .split('/')
            .map(stem)
            .find(|stem| BANNED.contains(stem) || stem.ends_with("_ext"))?;
        Some(format!(
            "{}: the name `{name}` does not say what is inside; name the thing",
            file.path
        ))
    });
    banned.collect()
}

fn stem(segment: &str) -> &str {
    segment.split_once('.').map_or(segment, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::{Tree, problems};

    #[track_caller]
    fn check(path: &str, expected: usize) {
        assert_eq!(problems(&Tree::of(&[(path, "")])).len(), expected, "{path}");
    }

    #[test]
    fn a_name_that_fits_any_code_is_refused() {
        check("crates/store/src/utils.rs", 1);
        check("crates/store/src/common/lease.rs", 1);
        check("crates/http/src/request_ext.rs", 1);
        check("console/helpers.js", 1);
        check("crates/store/src/lease.rs", 0);
        check("crates/store/src/base64.rs", 0);
    }
}
