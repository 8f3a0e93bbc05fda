//! Finding and killing all that belongs to a run.
//!
//! Agents start each tool in a session of its own, so a signal to the agent's group reaches none of them, and when the
//! agent is killed they live on. What belongs to a run is therefore looked for among all processes of the machine:
//! - what carries its marker in the environment it was started with;
//! - what is in a session whose leader was one of these: sessions are left only by starting a new one;
//! - what was started by one of these, even with another environment, as long as the parent lived at the first look.
//!
//! A process that names another run of the same mark, or another part of the same run, is never one of these, and neither is this server or what it
//! descends from.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use rustix::process::Signal;

use crate::limits::{CLEAN_ROUNDS, PAUSE, SWEEP};
use crate::marker::{MARK, Mark, Marker};
use crate::pid::{Identity, Pid};
use crate::signal::{Sent, group_has_members, send, send_to_group};
use crate::table::{self, Entry};

/// What came of a sweep.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Swept {
    /// How many processes were killed.
    pub killed: usize,
    /// What could not be killed: it runs as another user, hangs in the kernel, or was reborn faster than it died.
    pub survivors: Vec<Pid>,
}

/// Kills what is left of a run, also when an earlier server process started it. Blocks, a few milliseconds if there
/// is nothing to do and [`SWEEP`] at most.
pub fn sweep(marker: &Marker) -> Swept {
    Hunt::of(marker).sweep()
}

/// Kills what is left of every run under the mark. For the start of a server, before it starts children of its own.
/// Blocks like [`sweep`].
pub fn sweep_all(mark: &Mark) -> Swept {
    Hunt::of_all(mark).sweep()
}

/// What is alive of a run. Dead processes whose status nobody has collected are not.
pub fn alive(marker: &Marker) -> Vec<Pid> {
    Hunt::of(marker).look()
}

/// What is alive of all runs under the mark.
pub fn alive_all(mark: &Mark) -> Vec<Pid> {
    Hunt::of_all(mark).look()
}

/// Whose a process says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Ours,
    /// Another run of the same mark, or another part of the same run.
    Foreign,
    Unmarked,
}

/// One search, which remembers what it has found.
#[derive(Debug)]
pub(crate) struct Hunt {
    mark: Vec<u8>,
    /// Of what carries the mark, only what has these variables too.
    only: Vec<Vec<u8>>,
    /// Leaders of sessions that are ours, dead or alive, and when they began.
    sessions: HashMap<Pid, u64>,
    /// All that was ever found. A dying process loses its environment before it is dead.
    seen: HashSet<Identity>,
    /// The last look saw nobody of a group of ours that has members all the same.
    unseen: bool,
}

impl Hunt {
    fn of_all(mark: &Mark) -> Self {
        Self {
            mark: format!("{MARK}={}", mark.as_str()).into_bytes(),
            only: Vec::new(),
            sessions: HashMap::new(),
            seen: HashSet::new(),
            unseen: false,
        }
    }

    fn of(marker: &Marker) -> Self {
        let variables = marker.variables().filter(|(name, _)| *name != MARK);
        Self {
            only: variables
                .map(|(name, value)| format!("{name}={value}").into_bytes())
                .collect(),
            ..Self::of_all(marker.mark())
        }
    }

    /// For a run whose child this server started itself, as the leader of a session.
    pub(crate) fn of_child(marker: &Marker, child: Identity) -> Self {
        let mut hunt = Self::of(marker);
        hunt.sessions.insert(child.pid, child.started);
        hunt.seen.insert(child);
        hunt
    }

    /// Remembers and gives what there is, without killing it. What was seen once is found again even when its parent is
    /// gone and it has no marker.
    pub(crate) fn look(&mut self) -> Vec<Pid> {
        let mut pids: Vec<_> = self.round(|_, _| ()).iter().map(Entry::pid).collect();
        pids.sort_unstable();
        pids
    }

    /// Kills until nothing more is found.
    pub(crate) fn sweep(&mut self) -> Swept {
        let end = Instant::now() + SWEEP;
        let mut all = HashSet::new();
        let mut clean = 0;
        let mut pause = PAUSE / 50;
        loop {
            let mut hopeless = true;
            let found = self.round(|entry, group_is_ours| {
                all.insert(entry.identity);
                hopeless &= kill(entry, group_is_ours) == Sent::Refused;
            });
            let nobody = found.is_empty() && !self.unseen;
            clean = if nobody { clean + 1 } else { 0 };
            let over = hopeless && !found.is_empty() || Instant::now() > end;
            if clean >= CLEAN_ROUNDS || over {
                let survivors: Vec<_> = found.iter().map(Entry::pid).collect();
                let killed = all.len() - survivors.len();
                return Swept { killed, survivors };
            }
            // What is dying needs a moment. A look right after a clean one catches what was in the middle of an
            // `execve`, when it shows no environment.
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE);
        }
    }

    /// One look at all processes: calls `found` with each that is ours as soon as it is known to be, and with whether
    /// all of its group is ours too. The newest come first: what renews itself all the time is gone a moment later.
    fn round(&mut self, mut found: impl FnMut(&Entry, bool)) -> Vec<Entry> {
        let table = table::table();
        let kept = kept(&table);
        self.forget_reused_sessions(&table);
        self.unseen = self.has_unseen_member(&table);
        let mut buffer = Vec::new();
        let mut ours = HashMap::new();
        let mut others = Vec::new();
        for entry in table.iter().rev() {
            if entry.dead {
                self.collect(entry);
            } else if !entry.kernel && !kept.contains(&entry.pid()) {
                match self.claim(entry, &mut buffer) {
                    Claim::Ours => self.take(entry, &mut ours, &mut found),
                    Claim::Unmarked => others.push(entry),
                    Claim::Foreign => {}
                }
            }
        }
        // Children and sessions of what was found, and theirs, until there is no more.
        loop {
            let before = ours.len();
            others.retain(|entry| {
                let parent = entry.parent.and_then(|parent| ours.get(&parent));
                let inherited =
                    parent.is_some_and(|parent: &Entry| born_after(entry, parent.identity.started));
                let is_ours = inherited || self.is_in_session(entry);
                if is_ours {
                    self.take(entry, &mut ours, &mut found);
                }
                !is_ours
            });
            if ours.len() == before {
                return ours.into_values().collect();
            }
        }
    }

    fn take(
        &mut self,
        entry: &Entry,
        ours: &mut HashMap<Pid, Entry>,
        found: &mut impl FnMut(&Entry, bool),
    ) {
        self.seen.insert(entry.identity);
        if entry.session == Some(entry.pid()) {
            self.sessions.insert(entry.pid(), entry.identity.started);
        }
        found(entry, self.is_in_session(entry));
        ours.insert(entry.pid(), entry.clone());
    }

    fn claim(&self, entry: &Entry, buffer: &mut Vec<u8>) -> Claim {
        if self.seen.contains(&entry.identity) {
            return Claim::Ours;
        }
        if !table::environ(entry.pid(), buffer) {
            return Claim::Unmarked;
        }
        let has = |wanted: &[u8]| {
            buffer
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted)
        };
        if !has(&self.mark) {
            Claim::Unmarked
        } else if self.only.iter().all(|variable| has(variable)) {
            Claim::Ours
        } else {
            Claim::Foreign
        }
    }

    fn is_in_session(&self, entry: &Entry) -> bool {
        let leader_started = entry
            .session
            .and_then(|session| self.sessions.get(&session));
        leader_started.is_some_and(|started| born_after(entry, *started))
    }

    /// The number of a session stays taken while it has a member. Once another process has it, it has ended.
    fn forget_reused_sessions(&mut self, table: &[Entry]) {
        for entry in table {
            if self
                .sessions
                .get(&entry.pid())
                .is_some_and(|started| *started != entry.identity.started)
            {
                self.sessions.remove(&entry.pid());
            }
        }
    }

    /// A look takes a while, and who starts itself again and ends can slip through it for ever: the parent has gone
    /// before it is looked at, the child was born behind the look. The kernel knows that there is somebody.
    fn has_unseen_member(&self, table: &[Entry]) -> bool {
        self.sessions.keys().any(|leader| {
            table.iter().all(|entry| entry.group != Some(*leader)) && group_has_members(*leader)
        })
    }

    /// Collects the status of an orphan that became a child of this server, so that it does not keep its number.
    fn collect(&self, entry: &Entry) {
        let is_ours = self.seen.contains(&entry.identity) || self.is_in_session(entry);
        if is_ours && entry.parent == Some(Pid::own()) {
            crate::spawner::collect_orphan(entry.identity);
        }
    }
}

/// Every look at a start time is rounded down, to a hundredth of a second or worse.
fn born_after(entry: &Entry, started: u64) -> bool {
    entry.identity.started >= started
}

/// This process and all that it descends from: whatever their environment says, killing them would be suicide.
fn kept(table: &[Entry]) -> HashSet<Pid> {
    let parents: HashMap<_, _> = table
        .iter()
        .map(|entry| (entry.pid(), entry.parent))
        .collect();
    let mut kept = HashSet::new();
    let mut next = Some(Pid::own());
    while let Some(pid) = next {
        // The table was not read in one instant, so its chain could be a ring.
        if !kept.insert(pid) {
            break;
        }
        next = parents.get(&pid).copied().flatten();
    }
    kept
}

/// Kills one process, and with it its group if all of it is ours: a member that forks faster than it can be followed
/// from number to number has no way out of that.
fn kill(entry: &Entry, group_is_ours: bool) -> Sent {
    if let Some(group) = entry
        .group
        .filter(|group| group_is_ours && !is_own_group(*group))
    {
        // A group keeps its number while it has a member, and this one was there a moment ago. It may be gone by now, for
        // who starts itself again ends at once, but what it started is in the group. Only a younger process under the
        // number would say that the group is gone too.
        let taken = table::entry(group)
            .is_some_and(|leader| leader.identity.started > entry.identity.started);
        if !taken {
            return send_to_group(group, Signal::KILL);
        }
    }
    send(entry.identity, Signal::KILL)
}

/// Whether this server itself is in that group; so also where that cannot be seen.
fn is_own_group(group: Pid) -> bool {
    // Not `getpgrp`, which answers 0 in a PID namespace whose group began outside.
    table::entry(Pid::own()).is_none_or(|own| own.group == Some(group))
}

/// The living members of the group that this server's child leads or led.
pub(crate) fn group_of(child: Identity) -> Vec<Identity> {
    let table = table::table();
    let reused = table
        .iter()
        .any(|entry| entry.pid() == child.pid && entry.identity != child);
    let members = table.iter().filter(|entry| {
        !reused && !entry.dead && entry.group == Some(child.pid) && born_after(entry, child.started)
    });
    members.map(|entry| entry.identity).collect()
}

#[cfg(test)]
mod tests {
    use super::kept;
    use crate::pid::Pid;
    use crate::table::table;

    #[test]
    fn this_process_and_its_ancestors_are_kept() {
        let kept = kept(&table());
        assert!(kept.contains(&Pid::own()));
        let parent = rustix::process::getppid().map(Pid);
        assert!(parent.is_none_or(|parent| kept.contains(&parent)));
    }
}
