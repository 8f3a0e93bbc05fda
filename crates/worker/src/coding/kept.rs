//! Answers to what a process asked that was ended, for its run to be parked, before it could hear them. The process that
//! reopens its session is told of them, and given one when it asks the same again; each once, and within the same turn.
//!
//! The log knows: a notice names what was open when a process was ended for its run to be parked, and another one each
//! answer that was given to a later process.

use agent::codec::{Event as Heard, Wire};
use run::event::{Decision, Notice, NoticeLevel};
use run::snapshot::{Asked, Request, Resolution, Snapshot};
use run::{Event, RequestId, TurnId};
use serde_json::{Value, json};

use super::from_agent::asked_of;

/// The code of the notice that a process was ended while it waited for answers.
const PARKED: &str = "agent_parked";

/// The code of the notice that an answer was given to a process that asked again.
const GIVEN: &str = "answer_given";

/// Answers that no process has got.
#[derive(Debug)]
pub(super) struct Kept {
    wire: Wire,
    answers: Vec<Answer>,
}

#[derive(Debug)]
struct Answer {
    request: RequestId,
    asks: Asked,
    resolution: Resolution,
}

impl Kept {
    /// What is kept of a turn.
    pub(super) fn of(wire: Wire, snapshot: &Snapshot, turn: Option<&TurnId>) -> Self {
        let Some(turn) = turn else {
            return Self {
                wire,
                answers: Vec::new(),
            };
        };
        let mut missed: Vec<&str> = Vec::new();
        for notice in &snapshot.notices {
            let detail = notice.detail.as_ref();
            let field = |name| detail.and_then(|detail| detail.get(name));
            let word = |name| field(name).and_then(Value::as_str);
            match notice.code.as_str() {
                PARKED if word("turn") == Some(turn.as_str()) => {
                    let requests = field("requests").and_then(Value::as_array);
                    missed.extend(requests.into_iter().flatten().filter_map(Value::as_str));
                }
                GIVEN => missed.retain(|request| Some(*request) != word("request")),
                _ => {}
            }
        }
        let requests = snapshot.requests.iter();
        let missed = requests.filter(|asked| missed.contains(&asked.request.as_str()));
        Self {
            wire,
            answers: missed.filter_map(answer).collect(),
        }
    }

    /// The answer to what an agent asks now, and the request that it was given to. It is kept no longer.
    pub(super) fn take(&mut self, heard: &Heard) -> Option<(RequestId, Resolution)> {
        if self.answers.is_empty() {
            return None;
        }
        let asks = asked_of(heard)?;
        let is_offered = |resolution: &Resolution| match (resolution, &asks) {
            (Resolution::Decided { decision, .. }, Asked::Approval { options, .. }) => {
                options.contains(decision)
            }
            (Resolution::Answered { .. }, Asked::Question { .. }) => true,
            (
                Resolution::Decided { .. }
                | Resolution::Answered { .. }
                | Resolution::Expired { .. },
                _,
            ) => false,
        };
        let asks_now = again(self.wire, asks.clone())?;
        let at = self.answers.iter().position(|kept| {
            is_offered(&kept.resolution)
                && again(self.wire, kept.asks.clone()).as_ref() == Some(&asks_now)
        })?;
        let kept = self.answers.remove(at);
        Some((kept.request, kept.resolution))
    }

    /// The turn is over, and what was answered in it.
    pub(super) fn clear(&mut self) {
        self.answers.clear();
    }

    /// Whether somebody ended the turn by an answer.
    pub(super) fn is_cancelled(&self) -> bool {
        let mut answers = self.answers.iter();
        answers.any(|kept| {
            matches!(
                kept.resolution,
                Resolution::Decided {
                    decision: Decision::Cancel,
                    ..
                }
            )
        })
    }

    /// The answers for the agent to read, one a line; nothing if there are none.
    pub(super) fn words(&self) -> Option<String> {
        let lines: Vec<String> = self.answers.iter().flat_map(lines).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// A process is ended that waits for answers to these, and its run parked.
pub(super) fn parked(turn: Option<&TurnId>, requests: &[RequestId]) -> Event {
    let text = "the agent waits for answers alone: its process is ended, and started again with the answers";
    let mut notice = Notice::new(NoticeLevel::Info, PARKED, text);
    notice.detail = Some(json!({ "turn": turn, "requests": requests }));
    notice.into()
}

/// The answer to this request is given to an agent that asked again.
pub(super) fn given(request: &RequestId) -> Event {
    let text =
        format!("the agent asked again what was answered as {request}, and was given that answer");
    let mut notice = Notice::new(NoticeLevel::Info, GIVEN, text);
    notice.detail = Some(json!({ "request": request }));
    notice.into()
}

fn answer(asked: &Request) -> Option<Answer> {
    match asked.resolution.as_ref()? {
        // Nobody said anything.
        Resolution::Expired { .. } => None,
        resolution @ (Resolution::Decided { .. } | Resolution::Answered { .. }) => Some(Answer {
            request: asked.request.clone(),
            asks: asked.asks.clone(),
            resolution: resolution.clone(),
        }),
    }
}

/// What stays the same when it is asked again, if that is said.
fn again(wire: Wire, asks: Asked) -> Option<Asked> {
    match asks {
        Asked::Approval {
            of, title, detail, ..
        } => Some(Asked::Approval {
            of,
            title,
            detail: wire.asked_again(detail)?,
            options: Vec::new(),
        }),
        asks @ (Asked::Question { .. } | Asked::ClientTool) => Some(asks),
    }
}

fn lines(kept: &Answer) -> Vec<String> {
    match (&kept.asks, &kept.resolution) {
        (Asked::Approval { title, .. }, Resolution::Decided { decision, note, .. }) => {
            let decision = match decision {
                Decision::Allow => "allowed",
                Decision::AllowForThread => "allowed, and its like",
                Decision::Deny => "denied",
                Decision::Cancel => "cancelled",
            };
            let note = note.as_ref().map(|note| format!(" ({note})"));
            vec![format!("- {title}: {decision}{}", note.unwrap_or_default())]
        }
        (Asked::Question { questions }, Resolution::Answered { value, .. }) => {
            let lines = questions.iter().map(|question| {
                let answer = value.get(&question.id).map(words).unwrap_or_default();
                format!("- {}: {}", question.text, answer.join(", "))
            });
            lines.collect()
        }
        (
            Asked::Approval { .. } | Asked::Question { .. } | Asked::ClientTool,
            Resolution::Decided { .. } | Resolution::Answered { .. } | Resolution::Expired { .. },
        ) => Vec::new(),
    }
}

/// An answer to one question: a text, or several.
pub(super) fn words(answer: &Value) -> Vec<String> {
    let word = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match answer {
        Value::Array(several) => several.iter().map(word).collect(),
        one => vec![word(one)],
    }
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
