//! Collecting the dead that nobody else will.
//!
//! What a run's child leaves behind becomes a child of this process, and when it dies, somebody here has to collect
//! it, or its number is never free again. That must not take a status from anybody who waits for it: the async runtime
//! and the standard library wait for the children they started by number, and so do the other parts of the server. A
//! dead child is therefore only collected when it provably is an orphan: it was not started by the spawner, and it is
//! in a session that is neither ours nor its own. A direct child begins in our session and can only leave it by
//! becoming the leader of a new one. What cannot be told apart (an orphan that led a session) is collected after a
//! patience that no waiter needs.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};

use crate::limits::{REAP_EVERY, REAP_PATIENCE};
use crate::pid::{Identity, Pid};
use crate::table;

/// What is known of dead children.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    /// Dead ones that may be somebody else's, and since when.
    doubtful: HashMap<Identity, Instant>,
}

impl Orphans {
    /// Collects who is certainly nobody else's.
    pub(crate) fn collect(&mut self, own: &HashSet<Identity>) {
        let entries: Vec<_> = table::children()
            .into_iter()
            .filter_map(table::entry)
            .collect();
        let dead = entries
            .iter()
            .filter(|entry| entry.dead && !own.contains(&entry.identity));
        let dead: Vec<_> = dead.collect();
        self.doubtful
            .retain(|child, _| dead.iter().any(|entry| entry.identity == *child));
        // Read like theirs: in a PID namespace whose session began outside, both are None. (`getsid` answers 0 there.)
        let Some(ours) = table::entry(Pid::own()) else {
            return;
        };
        let now = Instant::now();
        for entry in dead {
            let orphan = entry.session != ours.session && entry.session != Some(entry.pid());
            let since = *self.doubtful.entry(entry.identity).or_insert(now);
            if orphan || now - since > REAP_PATIENCE {
                collect(entry.pid());
            }
        }
    }
}

/// When to look for dead children again; none while there are no children at all.
pub(crate) fn look_again() -> Option<Duration> {
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let childless = waitid(WaitId::All, peek).is_err_and(|error| error == Errno::CHILD);
    (!childless).then_some(REAP_EVERY)
}

/// Collects one dead child.
pub(crate) fn collect(pid: Pid) {
    // Somebody may have been quicker: no child of ours is left by that number, which is as good.
    let _ = waitpid(Some(pid.0), WaitOptions::NOHANG);
}
