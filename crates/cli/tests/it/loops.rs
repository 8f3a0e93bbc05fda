//! Loops of a model and tools in the real binary: real MCP servers, a model on a socket, servers that are killed.

mod agents;
mod crash;
mod people;
mod servers;
mod stop;

use std::path::{Path, PathBuf};

use crate::house::{House, eventually};
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
