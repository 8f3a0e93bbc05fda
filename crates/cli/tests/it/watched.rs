//! Runs that are watched from outside: their logs and their processes.

use serde_json::Value;

use crate::house::{House, Running};

/// The processes whose environment says that they belong to a run.
pub(crate) fn alive(run: &str) -> Vec<u32> {
    let mark = format!("OUTLIVE_RUN_ID={run}");
    let processes = std::fs::read_dir("/proc").expect("a list of processes");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        // One that ends meanwhile has no environment.
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ
            .split(|byte| *byte == 0)
            .any(|variable| variable == mark.as_bytes())
    })
    .collect()
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
