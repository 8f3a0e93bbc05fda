//! What came of it: results of claude's tools and of its turns.

use serde_json::{Value, json};

use super::speaking::Claude;
use crate::codec::json::{list, number, owned, sum, text};
use crate::codec::{Event, Failure, FailureCode, Moves, ToolStatus, TurnStatus, Usage, Waiting};

impl Claude {
    /// A line of the user's side: a tool's result, or the echo of an input.
    pub(super) fn heard(&mut self, frame: &Value, bytes: &[u8], moves: &mut Moves) {
        if frame["isReplay"] == true {
            if let Some(input) = self.echoed(text(frame, "/uuid").unwrap_or_default()) {
                self.has_begun = true;
                self.open.taken(input, moves);
            }
            return;
        }
        let mut is_aside = true;
        for block in list(frame, "/message/content") {
            if text(block, "/type").is_some_and(|kind| kind.ends_with("tool_result")) {
                self.tool_result(block, moves);
                is_aside = false;
            }
        }
        if is_aside {
            self.odd.aside(bytes, moves);
        }
    }

    fn tool_result(&mut self, block: &Value, moves: &mut Moves) {
        let call = owned(block, "/tool_use_id");
        let was_denied = self.denied.remove(&call);
        let status = match (block["is_error"] == true, was_denied) {
            (_, true) => ToolStatus::Denied,
            (true, false) if self.open.is_interrupted() => ToolStatus::Interrupted,
            (true, false) => ToolStatus::Failed,
            (false, false) => ToolStatus::Ok,
        };
        if status == ToolStatus::Ok {
            self.open.running(&call, moves);
        }
        let result = json!({"content": block["content"]});
        self.open.completed(&call, status, result, moves);
    }

    /// The end of a turn, if it is one of this turn.
    pub(super) fn result(&mut self, frame: &Value, moves: &mut Moves) {
        let is_error = frame["is_error"] == true;
        let why = why(frame);
        if is_error {
            // Before it is set up there is no turn, only a session that is not there.
            if self.settings.resume.is_some() && self.open.waiting() == Waiting::Handshake {
                let why = why.clone();
                self.is_resumable = false;
                self.open.broken(Event::SessionGone { why }, moves);
            } else {
                let failure = Failure::new(FailureCode::SetupFailed, why.clone());
                self.open.broken(Event::SetupFailed { failure }, moves);
            }
        }
        if !self.open.in_turn() || !self.has_begun {
            return;
        }
        self.message_cut("the turn ended in the middle of it", moves);
        self.consumed(frame, moves);
        let subtype = text(frame, "/subtype").unwrap_or_default();
        let ended = text(frame, "/terminal_reason").unwrap_or_default();
        let is_success = subtype == "success" && !is_error;
        let (status, failure) = if is_success {
            (TurnStatus::Completed, None)
        } else if self.open.is_interrupted() || ended.starts_with("aborted") {
            (TurnStatus::Cancelled, None)
        } else {
            let refused = subtype.starts_with("error_max")
                || matches!(number(frame, "/api_error_status"), Some(401..=403));
            let code = if refused {
                FailureCode::AgentRefused
            } else {
                FailureCode::AgentFailed
            };
            (TurnStatus::Failed, Some(Failure::new(code, why)))
        };
        self.has_begun = false;
        self.denied.clear();
        self.open.end(status, failure, moves);
    }

    fn consumed(&mut self, frame: &Value, moves: &mut Moves) {
        let models = frame["modelUsage"].as_object();
        let models = models.into_iter().flat_map(|models| models.values());
        let mut totals = Usage::default();
        let mut window_tokens = None;
        for model in models {
            let count = |what| number(model, what).unwrap_or(0);
            let cached = count("/cacheReadInputTokens");
            let created = count("/cacheCreationInputTokens");
            totals = totals.plus(&Usage {
                input_tokens: sum([count("/inputTokens"), cached, created]),
                output_tokens: count("/outputTokens"),
                reasoning_tokens: 0,
                cached_input_tokens: cached,
                cost_usd: None,
            });
            window_tokens = window_tokens.max(number(model, "/contextWindow"));
        }
        totals.cost_usd = frame["total_cost_usd"].as_f64();
        moves.say(Event::UsageUpdated {
            context_tokens: self.context_tokens,
            window_tokens,
            totals,
        });
    }
}

/// Why a result is an error.
fn why(frame: &Value) -> String {
    let errors = list(frame, "/errors").iter();
    let errors: Vec<_> = errors.filter_map(Value::as_str).collect();
    match text(frame, "/result") {
        Some(result) if !result.is_empty() => result.to_owned(),
        Some(_) | None if errors.is_empty() => owned(frame, "/subtype"),
        Some(_) | None => errors.join("; "),
    }
}
