//! Agents by chance: scripts of every kind of step, and policies of every kind.

use run::{AgentSpec, Backoff, Budget, DriverKind, OnLost, ScriptStep};
use serde_json::json;

use crate::Rng;

/// An agent; the first two of five allow few runs at once.
pub(crate) fn agent(n: usize, rng: &mut Rng) -> AgentSpec {
    let mut spec = if rng.percent(20) {
        model(rng)
    } else {
        scripted(rng)
    };
    spec.concurrency = [Some(1), Some(2), None, None, None][n % 5];
    spec.max_lost_attempts = [1, 2, 3, 3, 5, 1_000][rng.below(6)];
    spec.stop_timeout_ms = [500, 3_000, 10_000][rng.below(3)];
    spec.backoff = Backoff {
        first_ms: rng.between(10, 500),
        max_ms: 4_000,
    };
    if rng.percent(10) {
        spec.on_lost = Some([OnLost::Abort, OnLost::Retry, OnLost::Resume][rng.below(3)]);
    }
    if rng.percent(8) {
        spec.budget = Budget {
            wall_ms: Some(rng.between(500, 20_000)),
            ..Budget::default()
        };
    }
    spec
}

/// The prompt holds how many words the model says: the simulation is its own vendor.
fn model(rng: &mut Rng) -> AgentSpec {
    AgentSpec {
        model: Some("sim/words".to_owned()),
        system: Some(rng.between(1, 60).to_string()),
        ..AgentSpec::new(DriverKind::Model)
    }
}

/// How many words a model of [`model`] says.
pub(crate) fn n_words(spec: &AgentSpec) -> usize {
    spec.system
        .as_deref()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1)
}

fn scripted(rng: &mut Rng) -> AgentSpec {
    let n = rng.between(1, 6);
    let mut script: Vec<ScriptStep> = (0..n).map(|_| step(rng)).collect();
    if rng.percent(6) {
        script.push(ScriptStep {
            fail: Some("the script fails".to_owned()),
            ..ScriptStep::default()
        });
    }
    AgentSpec::scripted(script)
}

fn step(rng: &mut Rng) -> ScriptStep {
    let mut step = ScriptStep::default();
    match rng.below(16) {
        0..=3 => {
            step.tokens = Some([1, 5, 30, 200][rng.below(4)]);
            if rng.percent(40) {
                step.per_second = Some([5.0, 50.0, 1_000.0][rng.below(3)]);
            }
        }
        4..=6 => {
            step.text = Some(["Grüße, ", "one.", "日本 🦀 ", "a\n\n"][rng.below(4)].to_owned());
        }
        7 => step.text = Some("long ".repeat(1 + rng.below(3_000))),
        8 => step.reason = Some("Let me think. ".to_owned()),
        9 | 10 => {
            step.tool = Some("look".to_owned());
            step.args = Some(json!({ "n": rng.below(9) }));
            step.result = Some(json!("seen"));
            if rng.percent(60) {
                step.delay_ms = Some(rng.between(1, 1_500));
            }
        }
        11 => step.stall_ms = Some(rng.between(1, 2_000)),
        12 => step.exit = rng.percent(50),
        n => {
            if n == 13 {
                step.question = Some("What is it?".to_owned());
            } else {
                step.approval = Some("May I?".to_owned());
            }
            step.held = rng.percent(40);
            if rng.percent(40) {
                step.expires_ms = Some(rng.between(1, 8_000));
            }
        }
    }
    if step == ScriptStep::default() {
        step.text = Some("Well.".to_owned());
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agent_is_a_valid_one() {
        for seed in 0..500 {
            let spec = agent(2, &mut Rng::new(seed));
            assert_eq!(spec.problems(), Vec::<String>::new(), "{spec:?}");
        }
    }
}
