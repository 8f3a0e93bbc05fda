//! Who may depend on whom. A new edge is a decision about the house, so it is written here first.

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::root;

/// `(crate, the crates of ours that it may build on)`, by folder. Dependencies of tests are not restricted.
const EDGES: &[(&str, &[&str])] = &[
    ("run", &[]),
    ("wire", &["run"]),
    ("store", &["run"]),
    ("provider", &[]),
    ("agent", &[]),
    ("worktree", &[]),
    ("tool", &[]),
    (
        "worker",
        &[
            "run", "wire", "store", "provider", "agent", "worktree", "tool",
        ],
    ),
    ("http", &["run", "wire", "store"]),
    // `agent` for what `doctor` looks for on the machine, `provider` for what `demo` offers.
    (
        "cli",
        &[
            "run", "wire", "store", "worker", "http", "agent", "provider",
        ],
    ),
    ("sim", &["run", "store", "worker"]),
    ("bench", ALL),
    ("xtask", ALL),
];

const ALL: &[&str] = &[
    "run", "wire", "store", "provider", "agent", "worktree", "tool", "worker", "http",
];

/// A crate from outside that does not belong everywhere.
struct Rule {
    foreign: &'static str,
    who: Who,
    /// Whether tests are free to use it.
    in_tests: bool,
    why: &'static str,
}

enum Who {
    Only(&'static [&'static str]),
    Not(&'static [&'static str]),
}

const RULES: &[Rule] = &[
    Rule {
        foreign: "rusqlite",
        who: Who::Only(&["store"]),
        in_tests: false,
        why: "the only SQL is in `store`",
    },
    Rule {
        foreign: "tokio-postgres",
        who: Who::Only(&["store"]),
        in_tests: false,
        why: "the only SQL is in `store`",
    },
    Rule {
        foreign: "axum",
        who: Who::Only(&["http"]),
        in_tests: true,
        why: "`http` alone knows the web framework",
    },
    Rule {
        foreign: "tokio",
        who: Who::Not(&["run", "wire"]),
        in_tests: false,
        why: "`run` and `wire` are pure",
    },
];

/// A crate of ours.
#[derive(Default)]
pub(super) struct Crate {
    folder: String,
    package: String,
    /// `(package, whether only tests use it)`.
    needs: Vec<(String, bool)>,
}

/// The crates as cargo reads their manifests; needs no network and no resolution.
pub(super) fn crates() -> anyhow::Result<Vec<Crate>> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .context("failed to read the manifests")?;
    let ours = metadata.packages.into_iter().map(|package| Crate {
        folder: package
            .manifest_path
            .parent()
            .and_then(|folder| folder.file_name())
            .unwrap_or_default()
            .to_owned(),
        package: package.name.to_string(),
        needs: package
            .dependencies
            .into_iter()
            .map(|it| (it.name, it.kind == DependencyKind::Development))
            .collect(),
    });
    Ok(ours.collect())
}

pub(super) fn problems(crates: &[Crate]) -> Vec<String> {
    let mut problems = Vec::new();
    for ours in crates {
        let Crate {
            folder,
            package,
            needs,
        } = ours;
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| name == folder) else {
            problems.push(format!("crates/{folder}: not in the table of xtask/src/tidy/dependencies.rs; say what it may use"));
            continue;
        };
        if *package != package_of(folder) {
            problems.push(format!(
                "crates/{folder}: its package is `{package}`, not `{}`",
                package_of(folder)
            ));
        }
        for (need, in_tests) in needs {
            let ours = crates.iter().find(|other| other.package == *need);
            if let Some(other) =
                ours.filter(|other| !in_tests && !allowed.contains(&&*other.folder))
            {
                let may = if allowed.is_empty() {
                    "nothing of ours".to_owned()
                } else {
                    allowed.join(", ")
                };
                problems.push(format!(
                    "crates/{folder}: may not depend on `{}`; it may use {may}",
                    other.folder
                ));
            }
            let broken = RULES
                .iter()
                .find(|rule| rule.foreign == need && !rule.admits(folder, *in_tests));
            problems.extend(
                broken.map(|rule| {
                    format!("crates/{folder}: may not depend on `{need}`: {}", rule.why)
                }),
            );
        }
    }
    problems
}

fn package_of(folder: &str) -> String {
    match folder {
        "cli" => "outlive".to_owned(),
        "xtask" => "xtask".to_owned(),
        _ => format!("outlive-{folder}"),
    }
}

impl Rule {
    fn admits(&self, folder: &str, in_tests: bool) -> bool {
        let named = match self.who {
            Who::Only(folders) => folders.contains(&folder),
            Who::Not(folders) => !folders.contains(&folder),
        };
        named || (in_tests && self.in_tests)
    }
}

#[cfg(test)]
mod tests {
    use super::{Crate, package_of, problems};

    fn a_crate(folder: &str, needs: &[(&str, bool)]) -> Crate {
        let needs = needs
            .iter()
            .map(|&(need, in_tests)| (need.to_owned(), in_tests))
            .collect();
        Crate {
            folder: folder.to_owned(),
            package: package_of(folder),
            needs,
        }
    }

    /// The crate `folder` with one dependency, beside `run` and `http`.
    #[track_caller]
    fn check(folder: &str, need: &str, in_tests: bool, expected: &[&str]) {
        let crates = [
            a_crate("run", &[]),
            a_crate("http", &[]),
            a_crate(folder, &[(need, in_tests)]),
        ];
        assert_eq!(problems(&crates), expected);
    }

    #[test]
    fn an_edge_that_the_table_lacks_is_refused() {
        check("store", "outlive-run", false, &[]);
        check("store", "outlive-http", true, &[]);
        check(
            "store",
            "outlive-http",
            false,
            &["crates/store: may not depend on `http`; it may use run"],
        );
        check(
            "agent",
            "outlive-run",
            false,
            &["crates/agent: may not depend on `run`; it may use nothing of ours"],
        );
    }

    #[test]
    fn a_foreign_crate_stays_where_it_belongs() {
        check("store", "rusqlite", false, &[]);
        check(
            "worker",
            "rusqlite",
            true,
            &["crates/worker: may not depend on `rusqlite`: the only SQL is in `store`"],
        );
        check("cli", "axum", true, &[]);
        check(
            "cli",
            "axum",
            false,
            &["crates/cli: may not depend on `axum`: `http` alone knows the web framework"],
        );
        check(
            "wire",
            "tokio",
            true,
            &["crates/wire: may not depend on `tokio`: `run` and `wire` are pure"],
        );
    }

    #[test]
    fn a_crate_is_in_the_table_and_named_after_its_folder() {
        let other =
            "crates/other: not in the table of xtask/src/tidy/dependencies.rs; say what it may use";
        check("other", "serde", false, &[other]);
        let crates = [Crate {
            folder: "run".to_owned(),
            package: "run".to_owned(),
            ..Crate::default()
        }];
        assert_eq!(
            problems(&crates),
            ["crates/run: its package is `run`, not `outlive-run`"]
        );
    }
}
