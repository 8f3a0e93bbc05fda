//! Where a run is with its agent: which run of the protocol, and what that waits for. Kept with the run as what reopens its
//! session, and so derived from the log by every attempt. Pure.

use std::collections::BTreeSet;

use run::OnLost;
use run::snapshot::Snapshot;
use serde_json::{Value, json};

use super::pending::Asked;

/// Where a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The number of the run of the protocol, from 1.
    n: u32,
    /// Whether it has ended, and what it asked is to be answered in the next one.
    has_ended: bool,
    /// What the run of the protocol before this one asked; with `has_ended` this one itself.
    asked: Vec<Asked>,
    /// Its name.
    name: String,
}

impl Place {
    /// Where the next attempt of a run goes on.
    pub(super) fn next(
        reference: Option<&Value>,
        run: &str,
        attempt: u32,
        on_lost: OnLost,
    ) -> Self {
        let name = |n: u32| match on_lost {
            // Under a name of its own the agent begins again.
            OnLost::Retry if attempt > 1 => format!("{run}-{n}-{attempt}"),
            OnLost::Retry | OnLost::Resume | OnLost::Abort => format!("{run}-{n}"),
        };
        let Some(kept) = reference.and_then(Self::read) else {
            return Self {
                n: 1,
                has_ended: false,
                asked: Vec::new(),
                name: name(1),
            };
        };
        if kept.has_ended {
            let n = kept.n + 1;
            return Self {
                n,
                has_ended: false,
                name: name(n),
                asked: kept.asked,
            };
        }
        match on_lost {
            OnLost::Retry => Self {
                name: name(kept.n),
                ..kept
            },
            OnLost::Resume | OnLost::Abort => kept,
        }
    }

    fn read(reference: &Value) -> Option<Self> {
        Some(Self {
            n: u32::try_from(reference["n"].as_u64()?).ok()?,
            has_ended: reference["ended"] == true,
            asked: reference["asked"]
                .as_array()?
                .iter()
                .filter_map(Asked::read)
                .collect(),
            name: reference["run"].as_str()?.to_owned(),
        })
    }

    /// What is kept with the run.
    pub(super) fn print(&self) -> Value {
        let asked: Vec<Value> = self.asked.iter().map(Asked::print).collect();
        json!({ "n": self.n, "run": self.name, "ended": self.has_ended, "asked": asked })
    }

    /// The same with what the run of the protocol has asked at its end.
    pub(super) fn ended(&self, asked: Vec<Asked>) -> Self {
        Self {
            has_ended: true,
            asked,
            ..self.clone()
        }
    }

    /// The name of the run of the protocol.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a reference says that its run of the protocol has ended.
    pub(super) fn has_ended(reference: Option<&Value>) -> bool {
        reference.is_some_and(|reference| reference["ended"] == true)
    }

    /// `resume`: the answers to what was asked.
    pub(super) fn resume(&self, snapshot: &Snapshot) -> Vec<Value> {
        self.asked
            .iter()
            .map(|asked| asked.entry(snapshot))
            .collect()
    }

    /// The agent's ids of the calls that the answers are about.
    pub(super) fn calls(&self) -> BTreeSet<String> {
        self.asked
            .iter()
            .filter_map(|asked| asked.call.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reference: Option<&Value>, attempt: u32, on_lost: OnLost, expected: (u32, &str)) {
        let place = Place::next(reference, "r", attempt, on_lost);
        assert_eq!((place.n, place.name()), expected);
    }

    #[test]
    fn a_lost_attempt_goes_on_under_the_same_name_or_begins_again_under_another() {
        let running = json!({"n": 2, "run": "r-2", "ended": false, "asked": []});
        let ended = json!({"n": 2, "run": "r-2", "ended": true, "asked": []});
        check(None, 1, OnLost::Resume, (1, "r-1"));
        check(None, 1, OnLost::Retry, (1, "r-1"));
        check(Some(&running), 3, OnLost::Resume, (2, "r-2"));
        check(Some(&running), 3, OnLost::Retry, (2, "r-2-3"));
        check(Some(&ended), 3, OnLost::Resume, (3, "r-3"));
        // What an earlier version kept, or another driver.
        check(Some(&json!("x")), 2, OnLost::Resume, (1, "r-1"));
    }

    #[test]
    fn what_was_asked_is_kept_until_the_next_run_has_asked() {
        let asked = json!({"request": "q1", "id": "i", "form": "approved", "call": "c"});
        let place = Place::next(None, "r", 1, OnLost::Resume);
        let place = place.ended(vec![Asked::read(&asked).unwrap()]);
        let next = Place::next(Some(&place.print()), "r", 2, OnLost::Resume);
        assert_eq!(next.calls(), BTreeSet::from(["c".to_owned()]));
        let again = Place::next(Some(&next.print()), "r", 3, OnLost::Resume);
        assert_eq!(again, next);
    }
}
