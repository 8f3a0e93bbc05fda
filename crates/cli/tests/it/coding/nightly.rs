//! What is too long for every change, and the agents that are too large: Claude Code, and opencode for the Agent Client
//! Protocol. `cargo xtask nightly` installs them and runs this.

mod kills;

use super::faults::{Retry, fails, is_stopped_unheard, recovers};
use super::{Agent, crash, people, stop, work};

#[test]
fn codex_fails_when_its_model_always_fails() {
    fails(Agent::Codex, "limited", "429");
    fails(Agent::Codex, "broken", "experiencing high demand");
    fails(Agent::Codex, "refused", "the model says 400");
    fails(Agent::Codex, "truncated", "stream closed before");
}

#[test]
fn pi_asks_a_model_again_that_refused() {
    // Its client of the model does that on its own.
    recovers(
        Agent::Pi,
        &[("limited", Retry::Hidden), ("broken", Retry::Hidden)],
    );
}

#[test]
fn pi_fails_when_its_model_always_fails() {
    fails(Agent::Pi, "limited", "429");
    fails(Agent::Pi, "broken", "the model says 500");
    fails(Agent::Pi, "refused", "the model says 400");
    fails(Agent::Pi, "dropped", "connection to its model");
    fails(Agent::Pi, "truncated", "without finish_reason");
}

#[test]
fn claude_works_in_a_worktree_and_refines_its_work() {
    work::works(Agent::Claude);
}

#[test]
fn claude_is_steered_and_then_followed_up() {
    people::hears(Agent::Claude);
}

#[test]
fn claude_runs_a_command_that_is_approved() {
    people::asks(Agent::Claude, &[], true);
}

#[test]
fn claude_does_not_run_a_command_that_is_denied() {
    people::asks(Agent::Claude, &["--deny"], false);
}

#[test]
fn claude_is_stopped_in_the_middle_of_a_tool_and_of_an_answer() {
    stop::stops(Agent::Claude);
}

#[test]
fn claude_goes_on_after_the_server_was_killed_in_the_middle_of_a_tool() {
    crash::resumes(Agent::Claude);
}

#[test]
fn claude_asks_a_failing_model_again() {
    let faults = [
        ("limited", Retry::Told),
        ("broken", Retry::Told),
        // It asks for the answer in one piece then, and says nothing of it.
        ("dropped", Retry::Hidden),
        ("truncated", Retry::Hidden),
    ];
    recovers(Agent::Claude, &faults);
}

#[test]
fn claude_fails_when_its_model_always_fails() {
    fails(Agent::Claude, "limited", "429");
    fails(Agent::Claude, "broken", "the model says 500");
    fails(Agent::Claude, "refused", "the model says 400");
    fails(Agent::Claude, "dropped", "");
    fails(Agent::Claude, "truncated", "");
}

#[test]
fn claude_is_stopped_while_its_model_never_answers() {
    is_stopped_unheard(Agent::Claude);
}

#[test]
fn opencode_works_in_a_worktree_and_refines_its_work() {
    work::works(Agent::Opencode);
}

#[test]
fn opencode_hears_a_steer_and_a_follow_up_behind_its_turn() {
    people::hears_afterwards(Agent::Opencode);
}

#[test]
fn opencode_runs_a_command_that_is_approved() {
    people::asks(Agent::Opencode, &[], true);
}

#[test]
fn opencode_does_not_run_a_command_that_is_denied() {
    people::asks(Agent::Opencode, &["--deny"], false);
}

#[test]
fn opencode_is_stopped_in_the_middle_of_a_tool_and_of_an_answer() {
    stop::stops(Agent::Opencode);
}

#[test]
fn opencode_goes_on_after_the_server_was_killed_in_the_middle_of_a_tool() {
    crash::resumes(Agent::Opencode);
}

#[test]
fn opencode_asks_a_failing_model_again() {
    // It tells nobody; and it has no word for taking back what was half said.
    let faults = [("limited", Retry::Hidden), ("broken", Retry::Hidden)];
    recovers(Agent::Opencode, &faults);
}

#[test]
fn opencode_fails_when_its_model_always_refuses() {
    fails(Agent::Opencode, "refused", "the model says 400");
}

#[test]
fn opencode_is_stopped_while_its_model_never_answers() {
    is_stopped_unheard(Agent::Opencode);
}
