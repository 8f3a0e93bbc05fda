//! The agent that is there without any configuration.

use run::{AgentSpec, ScriptStep};
use serde_json::json;

/// A scripted agent whose run takes some seconds: it thinks, tells, looks something up and concludes. Enough time to
/// pull a plug.
pub fn demo_agent() -> AgentSpec {
    let look_up = ScriptStep {
        tool: Some("harbour_log".to_owned()),
        args: Some(json!({"ship": "Outlive", "nights": 3})),
        result: Some(json!({"storms": 2, "crashes": 1, "words_lost": 0})),
        delay_ms: Some(900),
        ..ScriptStep::default()
    };
    let thoughts = THOUGHTS.into_iter().map(|text| ScriptStep {
        reason: Some(text.to_owned()),
        ..ScriptStep::default()
    });
    let script = paced(thoughts)
        .chain(paced(BEGINNING.into_iter().map(said)))
        .chain([look_up])
        .chain(paced(END.into_iter().map(said)))
        .collect();
    AgentSpec {
        description: Some("A short story without a model: to try things out".to_owned()),
        ..AgentSpec::scripted(script)
    }
}

fn said(text: &str) -> ScriptStep {
    ScriptStep {
        text: Some(text.to_owned()),
        ..ScriptStep::default()
    }
}

fn paced(steps: impl Iterator<Item = ScriptStep>) -> impl Iterator<Item = ScriptStep> {
    steps.flat_map(|step| {
        let pause = ScriptStep {
            stall_ms: Some(PAUSE_MS),
            ..ScriptStep::default()
        };
        [step, pause]
    })
}

/// Between two pieces.
const PAUSE_MS: u64 = 180;

const THOUGHTS: [&str; 4] = [
    "Somebody wants to see ",
    "whether I survive a crash. ",
    "I had better tell a story ",
    "that is worth finishing.",
];

const BEGINNING: [&str; 14] = [
    "A small boat ",
    "left the harbour ",
    "with a letter on board. ",
    "The captain wrote every mile ",
    "into the log ",
    "before she sailed it, ",
    "and the harbour laughed: ",
    "so much ink ",
    "for so short a trip! ",
    "On the second night ",
    "a wave took the captain, ",
    "the wheel ",
    "and the lamp. ",
    "Let me look up what the log says.\n\n",
];

const END: [&str; 16] = [
    "Here it is. ",
    "In the morning ",
    "another captain came aboard, ",
    "read the last line of the log, ",
    "dipped the same pen ",
    "and sailed on from there: ",
    "not one mile twice, ",
    "not one mile missing. ",
    "The letter arrived on time. ",
    "Nobody ashore had noticed ",
    "that the ship had ever been without a hand. ",
    "So pull the plug ",
    "whenever you like. ",
    "I have written down ",
    "where we are, ",
    "and I will be back.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_a_sound_agent_of_some_seconds() {
        let spec = demo_agent();
        assert_eq!(spec.problems(), Vec::<String>::new());
        let steps = spec.script.iter();
        let ms: u64 = steps
            .map(|step| step.stall_ms.or(step.delay_ms).unwrap_or(0))
            .sum();
        assert!((5_000..9_000).contains(&ms), "{ms} ms");
    }
}
