//! What people say to an agent at work.

use super::{Agent, Workshop, succeeds};

/// A steer is heard in the turn; a follow-up, behind it.
fn hears(agent: Agent) {
    let workshop = Workshop::open(agent, "full");
    let house = &workshop.house;
    let _server = workshop.serve();
    let mut watched = workshop.start("talk");
    watched.until("tool.running");
    workshop.until_made(&watched.run, "began");
    house.well(&["steer", &watched.run, "Use red."]);
    house.well(&["steer", &watched.run, "--follow-up", "Then <<one>>."]);
    let consumed = watched.until("input.consumed");
    assert_eq!(consumed["data"]["input"], "i1", "{consumed}");
    let consumed = watched.until("input.consumed");
    assert_eq!(consumed["data"]["input"], "i2", "{consumed}");
    succeeds(&mut watched);
    workshop.is_quiet(&watched.run);
    let said = house.well(&["attach", &watched.run]);
    assert!(said.contains("I heard: Use red."), "{said}");
    assert!(workshop.worktree(&watched.run).join("one").exists());
}

#[test]
fn codex_is_steered_and_then_followed_up() {
    hears(Agent::Codex);
}

#[test]
fn pi_is_steered_and_then_followed_up() {
    hears(Agent::Pi);
}

/// Codex asks before it runs a command.
fn asks(answer: &[&str], is_made: bool) {
    let workshop = Workshop::open(Agent::Codex, "ask");
    let _server = workshop.serve();
    let mut watched = workshop.start("one");
    let asked = watched.until("approval.requested");
    assert!(asked.to_string().contains("echo one > one"), "{asked}");
    workshop
        .house
        .well(&[&["approve", &watched.run], answer].concat());
    succeeds(&mut watched);
    workshop.is_quiet(&watched.run);
    let made = workshop.worktree(&watched.run).join("one");
    assert_eq!(made.exists(), is_made);
}

#[test]
fn codex_runs_a_command_that_is_approved() {
    asks(&[], true);
}

#[test]
fn codex_does_not_run_a_command_that_is_denied() {
    asks(&["--deny"], false);
}
