//! A server that is killed again and again while an agent works, each time at another moment.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::coding::{Agent, Workshop, succeeds};
use crate::watched::Watched;

/// How often a server is killed in one run: one less than the losses in a row without progress that end it.
const KILLS: u64 = 2;

/// Events that are seen at most before it is.
const EVENTS: u64 = 16;

/// Says when; and the round of the night, each of which is another one.
const SEED: &str = "CODING_SEED";
const ROUND: &str = "NEXTEST_STRESS_CURRENT";

/// A number below `bound` that follows from the seed.
fn chosen(n: u64, bound: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    let given = [SEED, ROUND].map(|name| std::env::var(name).unwrap_or_default());
    (given, n).hash(&mut hasher);
    hasher.finish() % bound
}

fn survives(agent: Agent) {
    let workshop = Workshop::open(agent, "full");
    let mut server = workshop.serve();
    let mut watched = workshop.start("steps");
    for n in 0..KILLS {
        let mut is_over = false;
        for _ in 0..=chosen(n, EVENTS) {
            is_over = is_over || watched.next()["type"] == "run.finished";
            if is_over {
                break;
            }
        }
        server.kill();
        server = workshop.serve();
        watched = Watched::attach(&workshop.house, &watched.run);
    }
    succeeds(&mut watched);
    workshop.is_quiet(&watched.run);
    let steps = std::fs::read_to_string(workshop.worktree(&watched.run).join("steps"));
    let steps = steps.unwrap_or_default();
    assert!(steps.lines().count() >= 3, "{agent:?}: {steps}");
}

#[test]
fn codex_goes_on_whenever_the_server_is_killed() {
    survives(Agent::Codex);
}

#[test]
fn pi_goes_on_whenever_the_server_is_killed() {
    survives(Agent::Pi);
}

#[test]
fn claude_goes_on_whenever_the_server_is_killed() {
    survives(Agent::Claude);
}

#[test]
fn opencode_goes_on_whenever_the_server_is_killed() {
    survives(Agent::Opencode);
}
