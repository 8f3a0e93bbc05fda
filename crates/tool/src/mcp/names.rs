//! The names by which a model calls the tools of servers, and the way back. Pure.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::limits;

/// Where a tool is from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The name of its server in the configuration.
    pub server: String,
    /// Its name there, as the server says it.
    pub tool: String,
}

/// Names for a model: `server__tool`, of letters, digits, `_` and `-`, at most [`limits::NAME_BYTES`] long, and no two
/// the same. They depend on the set of tools alone, not on their order, so that an interrupted run finds them again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<String, Origin>);

impl Names {
    /// Gives each tool its name. `reserved` are the names of other tools.
    pub fn new<'a>(
        reserved: impl IntoIterator<Item = &'a str>,
        tools: impl IntoIterator<Item = Origin>,
    ) -> Self {
        let reserved: BTreeSet<_> = reserved.into_iter().collect();
        let mut wishes: BTreeMap<String, BTreeSet<Origin>> = BTreeMap::new();
        for origin in tools {
            let wish = clean(&format!("{}__{}", origin.server, origin.tool));
            wishes.entry(wish).or_default().insert(origin);
        }
        let mut names = BTreeMap::new();
        let mut others = Vec::new();
        for (wish, origins) in wishes {
            // Of several that want the same name, the only one that needed no change gets it.
            let is_unchanged =
                |origin: &&Origin| format!("{}__{}", origin.server, origin.tool) == wish;
            let is_free = wish.len() <= limits::NAME_BYTES && !reserved.contains(&*wish);
            let winner = match origins.iter().filter(is_unchanged).count() {
                _ if !is_free => None,
                1 => origins.iter().find(is_unchanged).cloned(),
                _ => origins.first().filter(|_| origins.len() == 1).cloned(),
            };
            for origin in origins {
                if Some(&origin) == winner.as_ref() {
                    names.insert(wish.clone(), origin);
                } else {
                    others.push((wish.clone(), origin));
                }
            }
        }
        for (wish, origin) in others {
            let marks = marks(&origin);
            let name = (8..=marks.len())
                .step_by(8)
                .map(|length| marked(&wish, &marks[..length]))
                .find(|name| !names.contains_key(name) && !reserved.contains(&**name));
            // Two tools would need the same digest.
            names.insert(name.expect("a digest is unique"), origin);
        }
        Self(names)
    }

    /// Which tool a model means.
    pub fn get(&self, name: &str) -> Option<&Origin> {
        self.0.get(name)
    }

    /// All names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.0.iter().map(|(name, origin)| (&**name, origin))
    }
}

fn clean(name: &str) -> String {
    let keep = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    name.chars()
        .map(|it| if keep(it) { it } else { '_' })
        .collect()
}

/// Hexadecimal digits that tell this tool from every other one.
fn marks(origin: &Origin) -> String {
    let mut digest = Sha256::new();
    digest.update(&origin.server);
    digest.update([0]);
    digest.update(&origin.tool);
    let digits = digest.finalize();
    let half = digits[..16].try_into().expect("a digest has 32 bytes");
    // No more than leaves room for the name itself.
    format!("{:032x}", u128::from_be_bytes(half))
}

fn marked(name: &str, marks: &str) -> String {
    let room = limits::NAME_BYTES - marks.len() - 1;
    let name = &name[..name.len().min(room)];
    format!("{name}_{marks}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;
    use proptest::{prop_assert, prop_assert_eq};

    use super::{Names, Origin};

    fn origin((server, tool): (&str, &str)) -> Origin {
        Origin {
            server: server.into(),
            tool: tool.into(),
        }
    }

    /// The names of these tools, in their order.
    #[track_caller]
    fn check(tools: &[(&str, &str)], expected: &[&str]) {
        let forward = Names::new(["shell"], tools.iter().copied().map(origin));
        let backward = Names::new(["shell"], tools.iter().rev().copied().map(origin));
        assert_eq!(forward, backward);
        let names = tools.iter().map(|&tool| {
            let found = forward.iter().find(|(_, from)| **from == origin(tool));
            found.expect("a name").0
        });
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_name_is_that_of_the_server_and_that_of_the_tool() {
        check(
            &[
                ("files", "read_file"),
                ("web-1", "search.all"),
                ("é", "ü/x"),
            ],
            &["files__read_file", "web-1__search_all", "_____x"],
        );
    }

    #[test]
    fn tools_that_want_the_same_name_are_told_apart() {
        check(
            &[("a", "b.c"), ("a", "b_c"), ("a", "b/c")],
            &["a__b_c_ad8a94ab", "a__b_c", "a__b_c_bd4f6d7a"],
        );
        check(
            &[("a", "b__c"), ("a__b", "c")],
            &["a__b__c_01b8a75b", "a__b__c_a92700ce"],
        );
    }

    #[test]
    fn a_long_name_is_cut_and_marked() {
        let long = "x".repeat(100);
        let names = Names::new([], [origin(("files", &long))]);
        let (name, from) = names.iter().next().unwrap();
        assert_eq!(name.len(), 64);
        assert!(name.starts_with("files__xxx"), "{name}");
        assert_eq!(from.tool, long);
    }

    #[test]
    fn a_reserved_name_is_not_taken() {
        let names = Names::new(["a__b"], [origin(("a", "b"))]);
        let (name, _) = names.iter().next().unwrap();
        assert!(name.starts_with("a__b_") && name.len() == 13, "{name}");
        assert_eq!(names.get("a__b"), None);
    }

    proptest! {
        #[test]
        fn every_tool_has_one_name_that_a_model_can_call(
            tools in proptest::collection::btree_set(("[ab_.]{1,4}", "[ab_.é]{1,70}"), 0..40),
        ) {
            let origins = tools.iter().map(|(server, tool)| origin((server, tool)));
            let names = Names::new([], origins);
            prop_assert_eq!(names.iter().count(), tools.len());
            for (name, from) in names.iter() {
                prop_assert_eq!(names.get(name), Some(from));
                prop_assert!((1..=64).contains(&name.len()));
                prop_assert!(name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-'));
            }
        }
    }
}
