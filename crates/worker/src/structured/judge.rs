//! Whether an answer fits, and what becomes of one that does not.

use run::{AgentSpec, ErrorInfo, MAX_WHY_BYTES, Outcome, Reason, Status, bounded_text};
use serde_json::Value;
use wire::structured::{Schema, Violation, sentence};

use crate::from_provider::Ended;

/// The vendor's word for an answer that has as many tokens as it may have.
const LENGTH: &str = "length";

/// Judges the answers of one attempt.
#[derive(Debug)]
pub(crate) struct Judge {
    schema: Schema,
    n_repairs: u32,
    max_repairs: u32,
}

/// What an answer comes to.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It is the output.
    Fits(Value),
    /// The model is shown what is wrong and asked again.
    Repair(Fault),
    /// There is no repair left.
    Fails(Fault),
}

/// What is wrong with an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    /// For people and for the model.
    pub(crate) why: String,
}

impl Fault {
    /// The end of a run by it.
    pub(crate) fn outcome(self) -> Outcome {
        let error = ErrorInfo::new("invalid_output", self.why);
        Outcome::failed(Reason::InvalidOutput, error)
    }
}

impl Judge {
    /// The judge of an agent's answers; nobody where it has no schema.
    pub(crate) fn of(spec: &AgentSpec) -> Result<Option<Self>, ErrorInfo> {
        let Some(schema) = &spec.output_schema else {
            return Ok(None);
        };
        let schema = Schema::new(schema).map_err(|problem| {
            ErrorInfo::new("schema_invalid", format!("output_schema: {problem}"))
        })?;
        Ok(Some(Self {
            schema,
            n_repairs: 0,
            max_repairs: spec.repair_attempts,
        }))
    }

    /// Judges a whole answer. `finish_reason` is the vendor's word for its end.
    pub(crate) fn judge(&mut self, answer: &str, finish_reason: Option<&str>) -> Verdict {
        let violations = match self.schema.read(answer) {
            Ok(output) => return Verdict::Fits(output),
            Err(violations) => violations,
        };
        let fault = fault(&violations, finish_reason);
        if self.n_repairs < self.max_repairs {
            self.n_repairs += 1;
            Verdict::Repair(fault)
        } else {
            Verdict::Fails(fault)
        }
    }

    /// Judges an answer that the log has as complete: a repair would have replaced it before.
    pub(crate) fn settle(&self, answer: &str) -> Outcome {
        match self.schema.read(answer) {
            Ok(output) => Outcome::completed().with_output(output),
            Err(violations) => fault(&violations, None).outcome(),
        }
    }
}

/// Takes the judgement of a good answer over into its end: the output, or why it is invalid. Gives what the model is to
/// repair; the message of such an answer is one to be forgotten from here on.
pub(crate) fn judged(judge: Option<&mut Judge>, ended: &mut Ended) -> Option<Fault> {
    let judge = judge.filter(|_| ended.outcome.status == Status::Succeeded)?;
    let outcome = match judge.judge(&ended.text, Some(&ended.finish_reason)) {
        Verdict::Fits(output) => Outcome::completed().with_output(output),
        Verdict::Fails(fault) => fault.outcome(),
        Verdict::Repair(fault) => {
            ended.discard(&fault.why);
            return Some(fault);
        }
    };
    ended.outcome = Outcome {
        finish_reason: ended.outcome.finish_reason.take(),
        ..outcome
    };
    None
}

fn fault(violations: &[Violation], finish_reason: Option<&str>) -> Fault {
    let cut = if finish_reason == Some(LENGTH) {
        "the answer was cut by the limit of tokens: "
    } else {
        ""
    };
    let why = format!("invalid output: {cut}{}", sentence(violations));
    Fault {
        why: bounded_text(why, MAX_WHY_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use run::DriverKind;
    use serde_json::json;

    use super::*;

    fn judge(repair_attempts: u32) -> Judge {
        let mut spec = AgentSpec::new(DriverKind::Model);
        spec.output_schema = Some(json!({"type": "object", "required": ["a"]}));
        spec.repair_attempts = repair_attempts;
        Judge::of(&spec).unwrap().unwrap()
    }

    fn fault(why: &str) -> Fault {
        Fault {
            why: why.to_owned(),
        }
    }

    #[test]
    fn an_answer_is_repaired_as_often_as_the_agent_allows() {
        let wrong = "invalid output: at the top: \"a\" is a required property (rule required)";
        let mut judge = judge(1);
        assert_eq!(judge.judge("{}", None), Verdict::Repair(fault(wrong)));
        assert_eq!(judge.judge("{}", None), Verdict::Fails(fault(wrong)));
        let fits = Verdict::Fits(json!({"a": 1}));
        assert_eq!(judge.judge("{\"a\": 1}", None), fits);
        let failed = judge.settle("{}");
        assert_eq!(failed.reason, Reason::InvalidOutput);
        assert_eq!(failed.error.unwrap().message, wrong);
    }

    #[test]
    fn an_answer_that_was_cut_says_so() {
        let Verdict::Fails(fault) = judge(0).judge("{\"a\": [", Some("length")) else {
            panic!()
        };
        assert_eq!(
            fault.why,
            "invalid output: the answer was cut by the limit of tokens: at the top: the JSON cannot be read: it breaks off before its closing bracket (rule json)"
        );
    }

    #[test]
    fn a_schema_that_is_none_is_told_before_a_model_is_called() {
        let mut spec = AgentSpec::new(DriverKind::Model);
        assert!(Judge::of(&spec).unwrap().is_none());
        spec.output_schema = Some(json!({"type": "thing"}));
        assert_eq!(Judge::of(&spec).unwrap_err().code, "schema_invalid");
    }
}
