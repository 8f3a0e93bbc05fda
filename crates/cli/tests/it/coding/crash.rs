//! A server that is killed in the middle of a tool.

use super::{Agent, Workshop, succeeds};
use crate::watched::{Watched, alive};

pub(super) fn resumes(agent: Agent) {
    let workshop = Workshop::open(agent, "full");
    let server = workshop.serve();
    let mut watched = workshop.start("resume");
    watched.until("tool.running");
    let run = watched.run.clone();
    workshop.until_made(&run, "began");
    let before = alive(&run);
    assert!(!before.is_empty());
    server.kill();

    let _server = workshop.serve();
    let mut watched = Watched::attach(&workshop.house, &run);
    succeeds(&mut watched);
    workshop.is_quiet(&run);
    let again = std::fs::read_to_string(workshop.worktree(&run).join("again"));
    assert_eq!(again.ok().as_deref(), Some("yes\n"));
    // The session is the same: the model hears what it did before.
    let requests = workshop.model.requests();
    let last = requests.last().map(ToString::to_string).unwrap_or_default();
    assert!(last.contains("Your process was interrupted"), "{last}");
}

#[test]
fn codex_goes_on_after_the_server_was_killed_in_the_middle_of_a_tool() {
    resumes(Agent::Codex);
}

#[test]
fn pi_goes_on_after_the_server_was_killed_in_the_middle_of_a_tool() {
    resumes(Agent::Pi);
}
