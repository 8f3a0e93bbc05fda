//! Answers in a client's message: approvals, outputs of its own tools, answers to questions.

use std::collections::BTreeMap;

use run::event::Decision;
use run::snapshot::{Asked, Request};
use run::{Answer, RequestId, RunId};
use serde_json::{Map, Value, json};

use super::ids::in_chat;
use super::posted::{PostedCall, PostedMessage};

/// An answer to a request of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The request.
    pub request: RequestId,
    /// Whether the run still waits for it.
    pub is_open: bool,
    /// The answer.
    pub answer: Answer,
}

impl Answered {
    /// The answer as one line, by which a repeat is told from another answer.
    pub fn line(&self) -> String {
        let said = match &self.answer {
            Answer::Decision { decision, note } => json!([decision, note]),
            Answer::Answers(value) => json!({ "answers": value }),
            Answer::Result(value) => json!({ "result": value }),
        };
        format!("{}={said}", self.request)
    }
}

/// What a message answers of a run's requests, in the order of the requests. `decisions` say more than a client's yes or no.
pub fn answered(
    run: RunId,
    message: &PostedMessage,
    requests: &[Request],
    decisions: &BTreeMap<String, Decision>,
) -> Vec<Answered> {
    let calls: Vec<_> = message.calls().collect();
    let found = requests.iter().filter_map(|request| {
        let id = in_chat(run, &request.request);
        let answer = match &request.asks {
            Asked::Approval { options, .. } => match decisions.get(&id) {
                Some(decision) => Some(Answer::Decision {
                    decision: *decision,
                    note: None,
                }),
                None => decided(&calls, &id, options),
            },
            Asked::Question { questions } => {
                let call = request.call.as_ref().map_or(id, |call| in_chat(run, call));
                output(&calls, &call).map(|output| {
                    let one = questions.first().map(|question| question.id.as_str());
                    Answer::Answers(by_id(output, one.filter(|_| questions.len() == 1)))
                })
            }
            Asked::ClientTool => {
                let call = in_chat(run, request.call.as_ref()?);
                output(&calls, &call).map(Answer::Result)
            }
        };
        Some(Answered {
            request: request.request.clone(),
            is_open: request.resolution.is_none(),
            answer: answer?,
        })
    });
    found.collect()
}

fn decided(calls: &[&PostedCall], id: &str, options: &[Decision]) -> Option<Answer> {
    let approval = calls
        .iter()
        .filter_map(|call| call.approval.as_ref())
        .find(|approval| approval.id == id)?;
    let decision = match approval.approved? {
        true => Decision::Allow,
        false if options.contains(&Decision::Deny) => Decision::Deny,
        false => Decision::Cancel,
    };
    Some(Answer::Decision {
        decision,
        note: approval.reason.clone(),
    })
}

/// What a call gave, if it has ended.
fn output(calls: &[&PostedCall], id: &str) -> Option<Value> {
    let call = calls.iter().find(|call| call.id == id)?;
    match call.state.as_str() {
        "output-available" => Some(call.output.clone()),
        "output-error" => {
            let text = call.error_text.as_deref().unwrap_or("the tool failed");
            Some(json!({ "error": text }))
        }
        _ => None,
    }
}

/// Answers by the ids of their questions; one answer alone belongs to the only question.
fn by_id(output: Value, only: Option<&str>) -> Value {
    match (output, only) {
        (object @ Value::Object(_), _) => object,
        (other, Some(id)) => Value::Object(Map::from_iter([(id.to_owned(), other)])),
        (other, None) => other,
    }
}
