//! What an agent of the Agent Client Protocol says: its answers, and the way of everything else.

use serde_json::Value;

use super::speaking::{Acp, Ask};
use crate::codec::json::{number, sum, text, value};
use crate::codec::rpc::{Fault, Message};
use crate::codec::{Failure, FailureCode, Moves, TurnStatus, Usage};

impl Acp {
    pub(super) fn read(&mut self, frame: &[u8], moves: &mut Moves) {
        match Message::read(frame) {
            None => self.odd.nonsense(frame, moves),
            Some(Message::Response(id, outcome)) => {
                let outcome = outcome.map(value);
                match self.rpc.about(id) {
                    Some(ask) => self.answered(ask, outcome, moves),
                    None => self.odd.aside(frame, moves),
                }
            }
            Some(Message::Request(id, method, params)) => {
                self.requested(id, &method, value(params), frame, moves);
            }
            Some(Message::Notification(method, params)) => match &*method {
                "session/update" => {
                    let params = value(params);
                    let session = text(&params, "/sessionId");
                    // Any other is one of an agent of its own, or the past of a session that is being loaded.
                    if session == self.session.as_deref() {
                        self.updated(&params["update"], frame, moves);
                    } else {
                        self.odd.aside(frame, moves);
                    }
                }
                method if method.starts_with('_') || method.starts_with("$/") => {
                    self.odd.aside(frame, moves);
                }
                method => self.odd.unknown(method, frame, moves),
            },
        }
    }

    fn answered(&mut self, ask: Ask, outcome: Result<Value, Fault>, moves: &mut Moves) {
        match (ask, outcome) {
            (Ask::Initialize, Ok(result)) => self.initialized(&result, moves),
            (Ask::Initialize, Err(fault)) => self.no_setup(&fault.message, moves),
            (Ask::Session, outcome) => self.session_opened(outcome, moves),
            (Ask::Setting(name), outcome) => self.set_was(name, outcome, moves),
            (Ask::Prompt(input), Ok(result)) => {
                self.open.taken(input, moves);
                self.prompted(&result, moves);
            }
            (Ask::Prompt(input), Err(fault)) => {
                self.open.taken(input, moves);
                let (status, failure) = if self.open.is_interrupted() {
                    (TurnStatus::Cancelled, None)
                } else {
                    let failure = Failure::new(FailureCode::AgentFailed, fault.message);
                    (TurnStatus::Failed, Some(failure))
                };
                self.end_turn(status, failure, moves);
            }
            (Ask::Steer(input), Ok(result)) => {
                if text(&result, "/outcome") == Some("promptRequired") {
                    let why = "no turn of the agent is under way";
                    self.open.returned(input, why, moves);
                } else {
                    self.open.taken(input, moves);
                }
            }
            (Ask::Steer(input), Err(fault)) => self.open.returned(input, &fault.message, moves),
        }
    }

    /// The answer to a prompt is the end of its turn.
    fn prompted(&mut self, result: &Value, moves: &mut Moves) {
        let reason = text(result, "/stopReason").unwrap_or_default();
        self.close_speech(moves);
        if result["usage"].is_object() {
            let usage = usage(&result["usage"]);
            self.open
                .step_ended(Some(usage), Some(reason.to_owned()), moves);
        }
        let (status, failure) = match reason {
            "end_turn" => (TurnStatus::Completed, None),
            "cancelled" => (TurnStatus::Cancelled, None),
            "refusal" | "max_tokens" | "max_turn_requests" => {
                let why = format!("the agent ended the turn early: {reason}");
                let failure = Failure::new(FailureCode::AgentRefused, why);
                (TurnStatus::Failed, Some(failure))
            }
            _ => {
                let why = format!("the agent ended the turn for a reason of its own: {reason}");
                let failure = Failure::new(FailureCode::AgentFailed, why);
                (TurnStatus::Failed, Some(failure))
            }
        };
        self.end_turn(status, failure, moves);
    }

    fn end_turn(&mut self, status: TurnStatus, failure: Option<Failure>, moves: &mut Moves) {
        self.close_speech(moves);
        self.calls.clear();
        self.open.end(status, failure, moves);
    }
}

/// Its total says whether its input counts what the cache had.
fn usage(usage: &Value) -> Usage {
    let count = |what| number(usage, what).unwrap_or(0);
    let cached = count("/cachedReadTokens");
    let aside = sum([cached, count("/cachedWriteTokens")]);
    let (input, output) = (count("/inputTokens"), count("/outputTokens"));
    let is_apart = count("/totalTokens") >= sum([input, output, aside]);
    Usage {
        input_tokens: if is_apart { sum([input, aside]) } else { input },
        output_tokens: output,
        reasoning_tokens: count("/thoughtTokens"),
        cached_input_tokens: cached,
        cost_usd: None,
    }
}
