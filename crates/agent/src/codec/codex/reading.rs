//! What codex says: the answers to our calls, and the way of everything else.

use serde_json::Value;

use super::speaking::{Ask, Codex};
use crate::codec::json::{number, owned, sum, text, value};
use crate::codec::rpc::{Fault, Message};
use crate::codec::{Event, Failure, FailureCode, InputId, Level, Moves, TurnStatus, Usage};

impl Codex {
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
                self.requested(&id, &method, value(params), frame, moves);
            }
            Some(Message::Notification(method, params)) => {
                self.notified(&method, &value(params), frame, moves);
            }
        }
    }

    fn answered(&mut self, ask: Ask, outcome: Result<Value, Fault>, moves: &mut Moves) {
        match (ask, outcome) {
            (Ask::Initialize, Ok(_)) => {
                self.rpc.notify("initialized", None, moves);
                self.open_thread(moves);
            }
            (Ask::Initialize, Err(fault)) => self.no_setup(&fault.message, moves),
            (Ask::Thread, Ok(result)) => self.thread_opened(&result, moves),
            (Ask::Thread, Err(fault)) => {
                // Somebody else has it open. It is there, so it must not be given up.
                let is_held = fault.message.contains("active writer");
                if self.settings.resume.is_some() && !is_held {
                    let why = fault.message;
                    self.open.broken(Event::SessionGone { why }, moves);
                } else {
                    self.no_setup(&fault.message, moves);
                }
            }
            (Ask::Turn(input), Ok(result)) => {
                self.open.taken(input, moves);
                if self.open.in_turn()
                    && let Some(turn) = text(&result, "/turn/id")
                {
                    self.turn_is(turn, moves);
                }
            }
            (Ask::Turn(input), Err(fault)) => {
                self.open.returned(input, &fault.message, moves);
                let failure = Failure::new(FailureCode::PromptRejected, fault.message);
                self.end_turn(TurnStatus::Failed, Some(failure), moves);
            }
            (Ask::Steer(input), outcome) => self.steered(input, outcome, moves),
            (Ask::Interrupt, Ok(_)) => {}
            (Ask::Interrupt, Err(fault)) => {
                let text = format!("the agent did not take the interrupt: {}", fault.message);
                moves.notice(Level::Warning, "not_interrupted", text);
            }
            (Ask::Alive, Ok(result)) => self.alive(&result, moves),
            (Ask::Alive, Err(fault)) => {
                let state = fault.message;
                moves.say(Event::Alive { state });
            }
        }
    }

    fn no_setup(&mut self, why: &str, moves: &mut Moves) {
        let failure = Failure::new(FailureCode::SetupFailed, why);
        self.open.broken(Event::SetupFailed { failure }, moves);
    }

    fn thread_opened(&mut self, result: &Value, moves: &mut Moves) {
        let Some(thread) = text(result, "/thread/id") else {
            self.no_setup("the agent's session has no id", moves);
            return;
        };
        self.thread = Some(thread.to_owned());
        self.model = text(result, "/model").map(str::to_owned);
        moves.say(Event::SessionStarted {
            native_id: thread.to_owned(),
            model: self.model.clone(),
        });
        if self.settings.resume.is_some() {
            self.resumable(moves);
        }
        self.open.ready(moves);
    }

    /// The file of the thread is there with its first item.
    pub(super) fn resumable(&mut self, moves: &mut Moves) {
        if let Some(thread) = &self.thread
            && !std::mem::replace(&mut self.is_resumable, true)
        {
            let reference = thread.clone();
            moves.say(Event::SessionResumable { reference });
        }
    }

    fn steered(&mut self, input: InputId, outcome: Result<Value, Fault>, moves: &mut Moves) {
        match outcome {
            Ok(_) => self.open.taken(input, moves),
            Err(fault) => self.open.returned(input, &fault.message, moves),
        }
    }

    fn alive(&mut self, result: &Value, moves: &mut Moves) {
        let state = owned(result, "/thread/status/type");
        let rests = state == "idle" || state == "systemError";
        moves.say(Event::Alive { state });
        // The id is known when the turn has begun on its side; and it answers in order, so its end would be here.
        if rests && self.turn.is_some() {
            let text = "the agent rests and never said that the turn was over";
            let failure = Failure::new(FailureCode::EndMissed, text);
            self.end_turn(TurnStatus::Failed, Some(failure), moves);
        }
    }

    pub(super) fn end_turn(
        &mut self,
        status: TurnStatus,
        failure: Option<Failure>,
        moves: &mut Moves,
    ) {
        self.turn = None;
        self.held.clear();
        self.items.clear();
        self.open.end(status, failure, moves);
    }

    pub(super) fn consumed(&mut self, params: &Value, moves: &mut Moves) {
        let total = usage(&params["tokenUsage"]["total"]);
        let last = usage(&params["tokenUsage"]["last"]);
        if self.open.in_turn() && self.turn.as_deref() == text(params, "/turnId") {
            self.open.step_ended(Some(last), None, moves);
        } else {
            // A reopened session repeats what it had consumed.
            self.before = total;
        }
        moves.say(Event::UsageUpdated {
            context_tokens: Some(sum([last.input_tokens, last.output_tokens])),
            window_tokens: number(params, "/tokenUsage/modelContextWindow"),
            totals: Usage {
                input_tokens: total.input_tokens.saturating_sub(self.before.input_tokens),
                output_tokens: total
                    .output_tokens
                    .saturating_sub(self.before.output_tokens),
                reasoning_tokens: total
                    .reasoning_tokens
                    .saturating_sub(self.before.reasoning_tokens),
                cached_input_tokens: total
                    .cached_input_tokens
                    .saturating_sub(self.before.cached_input_tokens),
                cost_usd: None,
            },
        });
    }
}

fn usage(tokens: &Value) -> Usage {
    let count = |what| number(tokens, what).unwrap_or(0);
    Usage {
        input_tokens: count("/inputTokens"),
        output_tokens: count("/outputTokens"),
        reasoning_tokens: count("/reasoningOutputTokens"),
        cached_input_tokens: count("/cachedInputTokens"),
        cost_usd: None,
    }
}
