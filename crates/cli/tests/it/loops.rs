//! Loops of a model and tools in the real binary: real MCP servers, a model on a socket, servers that are killed.

mod agents;
mod crash;
mod people;
mod servers;
mod stop;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::house::{House, Running, eventually};
use crate::model::Model;

/// The reference server for files, from the registry of its authors.
fn files_script() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script =
        root.join("tests/npm/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js");
    assert!(
        script.exists(),
        "run `cargo xtask setup` first: {} is missing",
        script.display()
    );
    script
}

/// A house with an agent `keeper`, its MCP servers and what its tools are.
fn loops(model: &Model, servers: &str, tools: &str) -> House {
    let vendor = model.section("stub");
    let text = format!(
        "{vendor}
{servers}

[agents.keeper]
driver = \"loop\"
model = \"stub/small\"
max_lost_attempts = 100

[agents.keeper.tools]
builtin = [\"ask_user\"]
{tools}
"
    );
    House::with_configuration(&text)
}

/// A house whose agent keeps files in `files`. `rules` are its tools' terms.
fn keeper(model: &Model, rules: &str) -> House {
    let script = files_script();
    let script = script.display();
    let server = format!("[mcp.files]\ncommand = [\"node\", \"{script}\", \"files\"]");
    let tools = format!("mcp = [\"files\"]\nrules = {rules}");
    let house = loops(model, &server, &tools);
    std::fs::create_dir(house.path("files")).expect("a new directory");
    house
}

/// A house whose agent has a server of bad manners. What it was asked to do stands in `calls`.
fn odd(model: &Model, rules: &str) -> House {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/loops/odd.mjs");
    let script = script.display();
    let server = format!("[mcp.odd]\ncommand = [\"node\", \"{script}\"]");
    loops(model, &server, &format!("mcp = [\"odd\"]\nrules = {rules}"))
}

/// What the server of bad manners was asked to do, a line for each call.
fn called(house: &House) -> String {
    std::fs::read_to_string(house.path("calls")).unwrap_or_default()
}

/// Waits until it was asked for something.
fn has_begun(house: &House) {
    eventually(|| called(house).ends_with('\n').then_some(()));
}

/// The processes whose environment says that they belong to a run.
fn alive(run: &str) -> Vec<u32> {
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
struct Watched {
    run: String,
    lines: Running,
}

impl Watched {
    /// Starts a run of the house's agent and watches it.
    fn start(house: &House, thread: &str) -> Self {
        let run = house.well(&["run", "-d", "-a", "keeper", "--thread", thread, "go"]);
        Self::attach(house, run.trim())
    }

    fn attach(house: &House, run: &str) -> Self {
        let lines = house.begin(&["attach", run, "--json"]);
        Self {
            run: run.to_owned(),
            lines,
        }
    }

    /// The next event.
    #[track_caller]
    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.line()).expect("an event on each line")
    }

    /// The next event of a type.
    #[track_caller]
    fn until(&mut self, kind: &str) -> Value {
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
    fn end(&mut self) -> Value {
        loop {
            let event = self.next();
            if event["type"] == "run.finished" {
                return event;
            }
        }
    }
}
