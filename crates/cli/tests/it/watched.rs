//! Runs that are watched from outside: their logs and their processes.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::house::{House, Running, eventually};

/// Rounds of a sweep, at most.
const MANY: u32 = 20;

/// The processes whose environment says that they belong to a run.
pub(crate) fn alive(run: &str) -> Vec<u32> {
    let mark = format!("OUTLIVE_RUN_ID={run}");
    processes(|pid| variables(pid).any(|variable| variable == mark.as_bytes()))
}

/// Kills all processes that work below a place or were told of it.
pub(crate) fn sweep(place: &Path) {
    let name = place.as_os_str().as_encoded_bytes();
    let is_there = |pid: u32| {
        let cwd = std::fs::read_link(format!("/proc/{pid}/cwd"));
        let is_told = |variable: Vec<u8>| variable.windows(name.len()).any(|part| part == name);
        cwd.is_ok_and(|cwd| cwd.starts_with(place)) || variables(pid).any(is_told)
    };
    // One that is killed may have started another in this moment.
    for _ in 0..MANY {
        let found = processes(is_there);
        if found.is_empty() {
            return;
        }
        for pid in found {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // It may have ended by itself.
            let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
        }
    }
}

fn processes(is_meant: impl Fn(u32) -> bool) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("a list of processes");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| is_meant(*pid)).collect()
}

/// The environment of a process. One that ends meanwhile has none.
fn variables(pid: u32) -> impl Iterator<Item = Vec<u8>> {
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let variables: Vec<_> = environ
        .split(|byte| *byte == 0)
        .map(<[u8]>::to_vec)
        .collect();
    variables.into_iter()
}

/// A run whose log is read while it grows.
pub(crate) struct Watched {
    pub(crate) run: String,
    lines: Running,
}

impl Watched {
    /// Starts a run of an agent and watches it.
    pub(crate) fn start(house: &House, agent: &str, thread: &str, input: &str) -> Self {
        let run = house.well(&["run", "-d", "-a", agent, "--thread", thread, input]);
        Self::attach(house, run.trim())
    }

    pub(crate) fn attach(house: &House, run: &str) -> Self {
        let lines = house.begin(&["attach", run, "--json"]);
        Self {
            run: run.to_owned(),
            lines,
        }
    }

    /// The next event.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.line()).expect("an event on each line")
    }

    /// The next event of a type.
    #[track_caller]
    pub(crate) fn until(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next();
            if event["type"] == kind {
                return event;
            }
            assert_ne!(event["type"], "run.finished", "before {kind}: {event}");
        }
    }

    /// The last event.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Value {
        loop {
            let event = self.next();
            if event["type"] == "run.finished" {
                return event;
            }
        }
    }
}

#[test]
fn a_house_leaves_no_process_behind() {
    let house = House::new();
    let server = house.serve();
    let input = "setsid sleep 600 & sleep 600";
    let run = house.well(&["run", "-d", "-a", "shell", input]);
    let run = run.trim();
    eventually(|| (alive(run).len() >= 3).then_some(()));
    // What is in a session of its own outlives the server.
    server.kill();
    assert_ne!(alive(run), [0; 0]);
    drop(house);
    eventually(|| alive(run).is_empty().then_some(()));
}
