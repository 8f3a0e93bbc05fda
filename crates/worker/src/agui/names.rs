//! The ids that an agent gives to its messages and calls, as ids of ours.
//!
//! An agent that is asked again under the same name of a run may say again what the log has: then that is passed over. Or
//! it may say something else under an id that was used and is to be forgotten: then that gets an id of its own.

use std::collections::BTreeMap;

use run::MAX_SHORT_ID_BYTES;
use sha2::{Digest as _, Sha256};

use crate::limits::UPSTREAM_IDS;

/// What became of an id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The log has what it stands for.
    Kept,
    /// What it stood for is to be forgotten, or was cut short.
    Gone,
}

/// What an id of an agent stands for when it is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Begun {
    /// Something new, under this id.
    New(String),
    /// Something that the log has.
    Known,
}

/// The ids of one kind of thing.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Of ours, from the log and from this attempt.
    used: BTreeMap<String, Fate>,
    /// How often this attempt has heard an id begin.
    n_begun: BTreeMap<String, u32>,
}

/// More ids than an attempt remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

impl Names {
    /// An id that the log has.
    pub(super) fn remember(&mut self, id: &str, fate: Fate) {
        self.used.insert(id.to_owned(), fate);
    }

    /// An agent begins something.
    pub(super) fn begin(&mut self, theirs: &str) -> Result<Begun, TooMany> {
        if self.used.len() >= UPSTREAM_IDS || self.n_begun.len() >= UPSTREAM_IDS {
            return Err(TooMany);
        }
        let base = short(theirs);
        let n_begun = self.n_begun.entry(base.clone()).or_default();
        *n_begun += 1;
        let mut n_left = *n_begun;
        for n in 1.. {
            let id = nth(&base, n);
            match self.used.get(&id) {
                Some(Fate::Gone) => {}
                Some(Fate::Kept) if n_left == 1 => return Ok(Begun::Known),
                Some(Fate::Kept) => n_left -= 1,
                None => {
                    self.used.insert(id.clone(), Fate::Kept);
                    return Ok(Begun::New(id));
                }
            }
        }
        Err(TooMany)
    }

    /// Whether something of this id was begun, here or before.
    pub(super) fn is_known(&self, theirs: &str) -> bool {
        let base = short(theirs);
        self.n_begun.contains_key(&base) || self.used.get(&base) == Some(&Fate::Kept)
    }

    /// The id of ours that an agent's id stands for now.
    pub(super) fn current(&self, theirs: &str) -> String {
        let base = short(theirs);
        let kept = (1..)
            .map(|n| nth(&base, n))
            .take_while(|id| self.used.contains_key(id))
            .filter(|id| self.used.get(id) == Some(&Fate::Kept));
        kept.last().unwrap_or(base)
    }
}

fn nth(base: &str, n: u32) -> String {
    if n == 1 {
        base.to_owned()
    } else {
        format!("{base}~{n}")
    }
}

/// An id as it fits into ours: itself, or for a longer or odd one a hash of it.
fn short(theirs: &str) -> String {
    let room = MAX_SHORT_ID_BYTES - "~4294967295".len();
    if !theirs.is_empty() && theirs.len() <= room && !theirs.chars().any(char::is_control) {
        return theirs.to_owned();
    }
    let hash = Sha256::digest(theirs.as_bytes());
    let hash = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("id-{}", hash.collect::<String>())
}

/// The agent's id behind one of ours.
pub(super) fn theirs(ours: &str) -> &str {
    match ours.rsplit_once('~') {
        Some((base, n)) if !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()) => base,
        Some(_) | None => ours,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &mut Names, theirs: &str, expected: Option<&str>) {
        let begun = expected.map_or(Begun::Known, |id| Begun::New(id.to_owned()));
        assert_eq!(names.begin(theirs), Ok(begun));
    }

    #[test]
    fn an_id_is_kept_and_used_again_for_something_new() {
        let mut names = Names::default();
        check(&mut names, "a", Some("a"));
        check(&mut names, "b", Some("b"));
        check(&mut names, "a", Some("a~2"));
        assert_eq!(names.current("a"), "a~2");
        assert_eq!(names.current("c"), "c");
        assert_eq!(theirs("a~2"), "a");
        assert_eq!(theirs("a~b"), "a~b");
    }

    #[test]
    fn what_the_log_has_is_known_and_what_is_forgotten_is_said_anew() {
        let mut names = Names::default();
        names.remember("a", Fate::Kept);
        names.remember("a~2", Fate::Kept);
        names.remember("b", Fate::Gone);
        check(&mut names, "a", None);
        check(&mut names, "a", None);
        check(&mut names, "a", Some("a~3"));
        check(&mut names, "b", Some("b~2"));
        assert_eq!(names.current("b"), "b~2");
    }

    #[test]
    fn an_id_that_does_not_fit_is_another_one_and_always_the_same() {
        let long = "x".repeat(300);
        let mut names = Names::default();
        let Ok(Begun::New(id)) = names.begin(&long) else {
            panic!("not new")
        };
        assert!(id.starts_with("id-") && id.len() == 35, "{id}");
        assert_eq!(names.current(&long), id);
        for odd in ["", "a\nb"] {
            assert!(short(odd).starts_with("id-"));
        }
    }
}
