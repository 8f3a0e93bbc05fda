//! The answer that the log has already, when only the end of its run was not written. Pure.

use run::snapshot::{Message, Progress, Snapshot};
use run::{ErrorInfo, Outcome, Part, Reason, Role, text_of};

use crate::structured::Judge;

/// The end of a run whose whole answer is in the log; nothing where there is none.
pub(crate) fn outcome(snapshot: &Snapshot, judge: Option<&Judge>) -> Option<Outcome> {
    let mut messages = snapshot.messages.iter().rev();
    let answer = messages.find(|message| {
        message.role == Role::Assistant && message.progress == Progress::Completed
    })?;
    if let Some(refusal) = refusal(answer) {
        let error = ErrorInfo::new("refusal", refusal.trim());
        return Some(Outcome::failed(Reason::Rejected, error));
    }
    let text = text_of(&answer.parts);
    if text.trim().is_empty() {
        let error = ErrorInfo::new("empty_output", "the model said nothing");
        return Some(Outcome::failed(Reason::EmptyOutput, error));
    }
    Some(judge.map_or_else(Outcome::completed, |judge| judge.settle(&text)))
}

fn refusal(message: &Message) -> Option<&str> {
    message.parts.iter().find_map(|part| match part {
        Part::Refusal { text } => Some(text.as_str()),
        Part::Text { .. } | Part::Reasoning { .. } | Part::Source { .. } | Part::File { .. } => {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use run::{AgentSpec, DriverKind, MessageId, Seq};
    use serde_json::json;

    use super::*;

    /// What a completed message of these parts comes to, as `reason output`.
    #[track_caller]
    fn check(parts: Vec<Part>, with_schema: bool, expected: &str) {
        let mut spec = AgentSpec::new(DriverKind::Model);
        spec.output_schema = with_schema.then(|| json!({"type": "object", "required": ["a"]}));
        let judge = Judge::of(&spec).unwrap();
        let mut snapshot = Snapshot::default();
        assert_eq!(outcome(&snapshot, judge.as_ref()), None);
        snapshot.messages.push(Message {
            message: MessageId::nth(1),
            role: Role::Assistant,
            turn: None,
            step: None,
            parts,
            progress: Progress::Completed,
            first_seq: Seq(1),
        });
        let outcome = outcome(&snapshot, judge.as_ref()).unwrap();
        let output = outcome.output.map_or(String::new(), |it| it.to_string());
        assert_eq!(format!("{} {output}", outcome.reason), expected);
    }

    #[test]
    fn a_stored_answer_ends_its_run_as_it_would_have() {
        check(vec![Part::text("Hi")], false, "completed ");
        check(vec![Part::text("Hi")], true, "invalid_output ");
        check(vec![Part::text("{\"a\": 1}")], true, "completed {\"a\":1}");
        check(
            vec![Part::text(" "), Part::reasoning("hm")],
            true,
            "empty_output ",
        );
        let refusal = Part::Refusal {
            text: "I won't.".into(),
        };
        check(vec![Part::text("a"), refusal], false, "rejected ");
    }
}
