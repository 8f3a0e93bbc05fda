//! What people say to an agent at work.

use super::{Agent, Workshop, succeeds};

/// A steer is heard in the turn; a follow-up, behind it.
pub(super) fn hears(agent: Agent) {
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

/// An agent that cannot be steered hears both behind its turn, in order.
pub(super) fn hears_afterwards(agent: Agent) {
    let workshop = Workshop::open(agent, "full");
    let house = &workshop.house;
    let _server = workshop.serve();
    let mut watched = workshop.start("wait");
    watched.until("tool.running");
    workshop.until_made(&watched.run, "began");
    house.well(&["steer", &watched.run, "Use <<two>>."]);
    house.well(&["steer", &watched.run, "--follow-up", "Then <<one>>."]);
    std::fs::write(workshop.worktree(&watched.run).join("go"), "").expect("a worktree");
    for input in ["i1", "i2"] {
        let consumed = watched.until("input.consumed");
        assert_eq!(consumed["data"]["input"], input, "{consumed}");
    }
    succeeds(&mut watched);
    workshop.is_quiet(&watched.run);
    let worktree = workshop.worktree(&watched.run);
    assert!(worktree.join("one").exists() && worktree.join("two").exists());
}

#[test]
fn codex_is_steered_and_then_followed_up() {
    hears(Agent::Codex);
}

#[test]
fn pi_is_steered_and_then_followed_up() {
    hears(Agent::Pi);
}

/// An agent that asks before it runs a command.
pub(super) fn asks(agent: Agent, answer: &[&str], is_made: bool) {
    let workshop = Workshop::open(agent, "ask");
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
    asks(Agent::Codex, &[], true);
}

#[test]
fn codex_does_not_run_a_command_that_is_denied() {
    asks(Agent::Codex, &["--deny"], false);
}
