//! A stop leaves no process and no connection.

use super::{Agent, Workshop};
use crate::house::eventually;
use crate::watched::{Watched, alive};

pub(super) fn is_stopped(workshop: &Workshop, mut watched: Watched) {
    workshop.house.well(&["stop", &watched.run]);
    let end = watched.end();
    assert_eq!(end["data"]["status"], "aborted", "{end}");
    assert_eq!(end["data"]["reason"], "stopped", "{end}");
    workshop.is_quiet(&watched.run);
}

pub(super) fn stops(agent: Agent) {
    let workshop = Workshop::open(agent, "full");
    let _server = workshop.serve();
    let mut watched = workshop.start("stuck");
    watched.until("tool.running");
    workshop.until_made(&watched.run, "began");
    // The agent and two that sleep.
    eventually(|| (alive(&watched.run).len() >= 3).then_some(()));
    is_stopped(&workshop, watched);

    let mut watched = workshop.start("hang");
    watched.until("text.delta");
    assert_eq!(workshop.model.n_open(), 1);
    is_stopped(&workshop, watched);
}

#[test]
fn codex_is_stopped_in_the_middle_of_a_tool_and_of_an_answer() {
    stops(Agent::Codex);
}

#[test]
fn pi_is_stopped_in_the_middle_of_a_tool_and_of_an_answer() {
    stops(Agent::Pi);
}
