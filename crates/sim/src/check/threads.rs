//! The order of the runs of a thread.

use std::collections::{BTreeMap, BTreeSet};

use run::{RunId, ThreadId};

use crate::Violation;

const ONE_CURRENT: &str = "a thread has at most one current run, and it is open";
const NEXT_IN_LINE: &str = "a thread with open runs has a current one";
const IN_ORDER: &str = "runs in line get their turn in the order in which they came";

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The run.
    pub run: RunId,
    /// Its thread.
    pub thread: ThreadId,
    /// Whether it is its thread's current run.
    pub is_current: bool,
    /// Whether it has ended.
    pub is_final: bool,
    /// Whether it took another run's place, and with it the place before all others.
    pub supersedes: bool,
}

/// Which runs have had their turn.
#[derive(Debug, Clone, Default)]
pub struct Threads {
    begun: BTreeSet<RunId>,
}

impl Threads {
    /// Checks how all runs stand, oldest first.
    pub fn check(&mut self, places: &[Place]) -> Result<(), Violation> {
        let mut by_thread: BTreeMap<&ThreadId, Vec<&Place>> = BTreeMap::new();
        for place in places {
            by_thread.entry(&place.thread).or_default().push(place);
        }
        for (thread, places) in by_thread {
            self.check_thread(thread, &places)?;
        }
        Ok(())
    }

    fn check_thread(&mut self, thread: &ThreadId, places: &[&Place]) -> Result<(), Violation> {
        let current: Vec<&&Place> = places.iter().filter(|place| place.is_current).collect();
        if current.len() > 1 || current.iter().any(|place| place.is_final) {
            let what = format!("thread {thread}: {current:?}");
            return Err(Violation::new(ONE_CURRENT, what));
        }
        let Some(current) = current.first() else {
            return match places.iter().find(|place| !place.is_final) {
                None => Ok(()),
                Some(open) => {
                    let what = format!("thread {thread}: {open:?} is in line for nobody");
                    Err(Violation::new(NEXT_IN_LINE, what))
                }
            };
        };
        self.begun.insert(current.run);
        if current.supersedes {
            return Ok(());
        }
        let older = places
            .iter()
            .take_while(|place| place.run != current.run)
            .find(|place| !place.is_final && !place.supersedes && !self.begun.contains(&place.run));
        match older {
            None => Ok(()),
            Some(older) => {
                let what = format!(
                    "thread {thread}: {} is current before {}",
                    current.run, older.run
                );
                Err(Violation::new(IN_ORDER, what))
            }
        }
    }
}
