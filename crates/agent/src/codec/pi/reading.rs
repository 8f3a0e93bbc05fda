//! What pi says.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::frame::{
    AgentEnd, Kind, Message, Part as Piece, Queue as Queues, Response, Update, WithMessage, usage,
};
use super::speaking::{Ask, Dialog, LastEnd, Pi, Queue, Speech, Work};
use crate::codec::json::{list, number, owned, shown, sum, text};
use crate::codec::moves::failed;
use crate::codec::{
    Decision, Event, Failure, FailureCode, InputId, Level, Moves, Part, Question, ToolKind,
    ToolStatus, TurnStatus, tool_name,
};
use crate::limits::OPEN_ITEMS;

impl Pi {
    pub(super) fn read(&mut self, frame: &[u8], moves: &mut Moves) {
        let Ok(Kind { r#type: kind }) = serde_json::from_slice(frame) else {
            self.odd.nonsense(frame, moves);
            return;
        };
        match &*kind {
            "message_update" => self.with(frame, moves, Self::update),
            "response" => self.with(frame, moves, Self::response),
            "agent_start" => {
                self.work = Work::UnderWay;
                self.open.begin(moves);
            }
            "agent_end" => self.with(frame, moves, Self::agent_end),
            // A second one, or one of the turn before, comes before the agent has begun with this one.
            "agent_settled" if self.work != Work::NotBegun => self.end_turn(moves),
            "message_start" => self.with(frame, moves, |pi, WithMessage { message }, moves| {
                if message.role == "assistant" {
                    pi.open.step(message.model.clone(), moves);
                    pi.speech = Some(Speech::default());
                }
            }),
            "message_end" => self.with(frame, moves, |pi, WithMessage { message }, moves| {
                if message.role == "assistant" {
                    pi.message_end(message, moves);
                }
            }),
            "tool_execution_start" => self.with(frame, moves, Self::tool_start),
            "tool_execution_update" => self.with(frame, moves, |pi, frame: &Value, moves| {
                let output = output(frame, "/partialResult/content");
                let call = owned(frame, "/toolCallId");
                pi.open.whole_output(&call, &output, moves);
            }),
            "tool_execution_end" => self.with(frame, moves, Self::tool_end),
            "queue_update" => self.with(frame, moves, Self::queues),
            "auto_retry_start" => self.with(frame, moves, Self::retry),
            "compaction_start" | "auto_compaction_start" => self.open.begin(moves),
            "compaction_end" | "auto_compaction_end" => self.with(frame, moves, Self::compacted),
            "extension_ui_request" => self.with(frame, moves, Self::dialog),
            "extension_error" => self.with(frame, moves, |_, frame: &Value, moves| {
                let text = shown(text(frame, "/error").unwrap_or("unknown"));
                let text = format!("an extension of the agent failed: {text}");
                moves.notice(Level::Warning, "extension_failed", text);
            }),
            "agent_settled"
            | "turn_start"
            | "turn_end"
            | "auto_retry_end"
            | "entry_appended"
            | "session"
            | "session_info_changed"
            | "thinking_level_changed"
            | "summarization_retry_scheduled"
            | "summarization_retry_attempt_start"
            | "summarization_retry_finished" => self.odd.aside(frame, moves),
            _ => self.odd.unknown(&kind, frame, moves),
        }
    }

    /// Reads a frame of a known kind; one of another shape is kept like an unknown one.
    fn with<T: DeserializeOwned>(
        &mut self,
        frame: &[u8],
        moves: &mut Moves,
        then: impl FnOnce(&mut Self, &T, &mut Moves),
    ) {
        match serde_json::from_slice(frame) {
            Ok(read) => then(self, &read, moves),
            Err(_) => self.odd.nonsense(frame, moves),
        }
    }

    fn update(&mut self, update: &Update, moves: &mut Moves) {
        let Piece {
            r#type: kind,
            content_index: index,
            delta,
            id,
            tool_name,
            tool_call,
        } = &update.event;
        let (index, delta) = (*index, delta.clone());
        match (kind.as_str(), delta) {
            ("text_delta", Some(text)) => {
                if let Some((message, part)) = self.part(index, moves) {
                    moves.say(Event::TextDelta {
                        message,
                        part,
                        text,
                    });
                }
            }
            ("thinking_delta", Some(text)) => {
                if let Some((message, part)) = self.part(index, moves) {
                    moves.say(Event::ReasoningDelta {
                        message,
                        part,
                        text,
                    });
                }
            }
            ("toolcall_delta", Some(text)) => {
                let speech = self.speech.as_ref();
                if let Some(call) = speech.and_then(|speech| speech.calls.get(&index))
                    && self.open.has_call(call)
                    && !text.is_empty()
                {
                    let call = call.clone();
                    moves.say(Event::ToolArgsDelta { call, text });
                }
            }
            ("toolcall_start", _) => {
                if let (Some(id), Some(name)) = (id, tool_name)
                    && self.call(id, name, &Value::Null, moves)
                    && let Some(speech) = &mut self.speech
                    && speech.calls.len() < OPEN_ITEMS
                {
                    speech.calls.insert(index, id.clone());
                }
            }
            ("toolcall_end", _) => {
                if let Some(call) = tool_call {
                    self.call(&call.id, &call.name, &call.arguments, moves);
                    self.open.called(&call.id, &call.arguments, moves);
                }
            }
            _ => {}
        }
    }

    /// The message under way and the part of it that a content is.
    fn part(&mut self, index: u64, moves: &mut Moves) -> Option<(String, u32)> {
        if !self.open.in_turn() {
            return None;
        }
        let speech = self.speech.get_or_insert_default();
        let message = speech
            .message
            .get_or_insert_with(|| self.open.message(moves))
            .clone();
        let known = speech.parts.iter().position(|known| *known == index);
        let part = match known {
            Some(part) => part,
            None if speech.parts.len() >= OPEN_ITEMS => return None,
            None => {
                speech.parts.push(index);
                speech.parts.len() - 1
            }
        };
        Some((message, u32::try_from(part).ok()?))
    }

    fn message_end(&mut self, message: &Message, moves: &mut Moves) {
        let stop = message.stop_reason.as_deref();
        self.last_end = match stop {
            Some("error") => LastEnd::Failed(failed(plain(
                message
                    .error
                    .as_deref()
                    .unwrap_or("the agent failed without a word"),
            ))),
            Some("aborted") => LastEnd::Aborted,
            Some("toolUse") => LastEnd::ForTools,
            Some(_) | None => LastEnd::Well,
        };
        let speech = self.speech.take().unwrap_or_default();
        let parts = parts(&message.content);
        let id = match speech.message {
            Some(id) => Some(id),
            None if parts.is_empty() || !self.open.in_turn() => None,
            None => Some(self.open.message(moves)),
        };
        match (id, &self.last_end) {
            (None, _) => {}
            // The next try takes it back.
            (Some(id), LastEnd::Failed(_)) => self.broken_off = Some(id),
            (Some(id), LastEnd::Aborted) => self.open.message_completed(id, None, moves),
            (Some(id), LastEnd::Well | LastEnd::ForTools) => {
                self.open.message_completed(id, Some(parts), moves);
            }
        }
        let usage = message.usage.as_ref().map(usage);
        self.open.step_ended(usage, stop.map(str::to_owned), moves);
        self.resumable(moves);
        if let Some(usage) = usage
            && usage.input_tokens > 0
        {
            moves.say(Event::UsageUpdated {
                context_tokens: Some(sum([usage.input_tokens, usage.output_tokens])),
                window_tokens: None,
                totals: self.open.totals(),
            });
        }
    }

    /// The file of the session is written with the first answer.
    fn resumable(&mut self, moves: &mut Moves) {
        if let Some(reference) = self.session_file.take() {
            self.is_resumable = true;
            moves.say(Event::SessionResumable { reference });
        }
    }

    fn call(&mut self, id: &str, name: &str, args: &Value, moves: &mut Moves) -> bool {
        let title = tool_name::title(args);
        self.open
            .call(id, name, tool_name::kind(name), title, moves)
    }

    fn tool_start(&mut self, frame: &Value, moves: &mut Moves) {
        let id = owned(frame, "/toolCallId");
        let args = frame.get("args").cloned().unwrap_or_default();
        if self.call(&id, &owned(frame, "/toolName"), &args, moves) {
            self.open.called(&id, &args, moves);
            self.open.running(&id, moves);
        }
    }

    fn tool_end(&mut self, frame: &Value, moves: &mut Moves) {
        let failed = frame.get("isError").and_then(Value::as_bool) == Some(true);
        let status = match (failed, self.open.is_interrupted()) {
            (false, _) => ToolStatus::Ok,
            (true, true) => ToolStatus::Interrupted,
            (true, false) => ToolStatus::Failed,
        };
        let call = owned(frame, "/toolCallId");
        self.open
            .completed(&call, status, frame["result"].clone(), moves);
    }

    fn agent_end(&mut self, end: &AgentEnd, moves: &mut Moves) {
        match end.will_retry {
            _ if self.work == Work::NotBegun => {}
            Some(true) => self.work = Work::Retrying,
            // `agent_settled` follows.
            Some(false) => {}
            // The older ones say neither. Another try is announced right behind this.
            None => {
                self.open.settle();
                self.ask(json!({"type": "get_state"}), Ask::Settled, moves);
            }
        }
    }

    pub(super) fn end_turn(&mut self, moves: &mut Moves) {
        self.clear(moves);
        self.broken_off = None;
        self.speech = None;
        self.work = Work::NotBegun;
        let end = std::mem::replace(&mut self.last_end, LastEnd::Well);
        let (status, failure) = end.verdict(self.open.is_interrupted());
        self.open.end(status, failure, moves);
    }

    fn retry(&mut self, frame: &Value, moves: &mut Moves) {
        self.open.begin(moves);
        self.work = Work::Retrying;
        let why = plain(text(frame, "/errorMessage").unwrap_or_default()).to_owned();
        if let Some(message) = self.broken_off.take() {
            self.open.message_discarded(message, &why, moves);
        }
        let delay_ms = number(frame, "/delayMs");
        moves.say(Event::Retry { delay_ms, why });
    }

    fn compacted(_: &mut Self, frame: &Value, moves: &mut Moves) {
        if let Some(result) = frame.get("result").filter(|result| result.is_object()) {
            moves.say(Event::Compacted {
                before_tokens: number(result, "/tokensBefore"),
                after_tokens: number(result, "/estimatedTokensAfter"),
                summary: text(result, "/summary").map(str::to_owned),
            });
        } else {
            let why = text(frame, "/errorMessage").unwrap_or("it was given up");
            let text = format!("the context was not compacted: {}", shown(why));
            moves.notice(Level::Warning, "not_compacted", text);
        }
    }

    fn queues(&mut self, queues: &Queues, moves: &mut Moves) {
        let (taken, returned) = self.steers.is_now(queues.steering.len(), self.is_clearing);
        for input in taken {
            self.open.taken(input, moves);
        }
        self.cleared_inputs(returned, moves);
        let (taken, returned) = self
            .follow_ups
            .is_now(queues.follow_up.len(), self.is_clearing);
        for input in taken {
            // It does not end its run for it, but a turn answers one input.
            self.open.next_turn(input, moves);
        }
        self.cleared_inputs(returned, moves);
    }

    fn cleared_inputs(&mut self, inputs: Vec<InputId>, moves: &mut Moves) {
        for input in inputs {
            let why = "the agent was interrupted before it heard it";
            self.open.returned(input, why, moves);
        }
    }

    fn dialog(&mut self, frame: &Value, moves: &mut Moves) {
        let request = owned(frame, "/id");
        let title = owned(frame, "/title");
        match text(frame, "/method").unwrap_or_default() {
            "confirm" => {
                let event = Event::ApprovalRequested {
                    request: request.clone(),
                    kind: ToolKind::Other,
                    title,
                    detail: json!({"message": frame["message"]}),
                    options: vec![Decision::Allow, Decision::Deny],
                    call: None,
                };
                self.dialog_opened(&request, Dialog::Confirm, event, moves);
            }
            "select" | "input" | "editor" => {
                let options = list(frame, "/options").iter();
                let question = Question {
                    id: "value".to_owned(),
                    text: title,
                    options: options
                        .filter_map(|option| option.as_str().map(str::to_owned))
                        .collect(),
                    multiple: false,
                };
                let event = Event::QuestionAsked {
                    request: request.clone(),
                    questions: vec![question],
                    call: None,
                };
                self.dialog_opened(&request, Dialog::Value, event, moves);
            }
            "notify" => {
                let level = match text(frame, "/notifyType") {
                    Some("error") => Level::Error,
                    Some("warning") => Level::Warning,
                    Some(_) | None => Level::Info,
                };
                let text = shown(text(frame, "/message").unwrap_or_default());
                moves.notice(level, "agent_says", text);
            }
            _ => {}
        }
    }

    fn dialog_opened(&mut self, request: &str, dialog: Dialog, event: Event, moves: &mut Moves) {
        if !self.open.request(request, dialog, event, moves) {
            moves.send(&json!({"type": "extension_ui_response", "id": request, "cancelled": true}));
        }
    }

    fn response(&mut self, response: &Response, moves: &mut Moves) {
        let id = response.id.as_deref().and_then(|id| id.parse().ok());
        let ask = match id {
            Some(id) => self.asked.remove(&id),
            // An old version refuses a command that it does not know without its id.
            None if response.command == "clear_queue" => Some(Ask::Clear),
            None => None,
        };
        let why = response.error.as_deref().unwrap_or("the agent refused");
        match (ask, response.success) {
            (None | Some(Ask::Abort), _) | (Some(Ask::Steer(_) | Ask::FollowUp(_)), true) => {}
            (Some(Ask::Hello), true) => self.hello(&response.data, moves),
            (Some(Ask::Hello), false) => {
                let failure = Failure::new(FailureCode::SetupFailed, why);
                self.open.broken(Event::SetupFailed { failure }, moves);
            }
            (Some(Ask::Alive), _) => self.alive(&response.data, moves),
            (Some(Ask::Settled), _) => self.settled(&response.data, moves),
            (Some(Ask::Prompt(input)), true) => self.open.taken(input, moves),
            (Some(Ask::Prompt(input)), false) => {
                self.open.returned(input, why, moves);
                let failure = Failure::new(FailureCode::PromptRejected, why);
                self.open.end(TurnStatus::Failed, Some(failure), moves);
            }
            (Some(Ask::Steer(input) | Ask::FollowUp(input)), false) => {
                self.refused(input, why, moves);
            }
            (Some(Ask::Clear), _) => self.cleared(&response.data, moves),
        }
    }

    fn refused(&mut self, input: InputId, why: &str, moves: &mut Moves) {
        self.steers.inputs.retain(|queued| *queued != input);
        self.follow_ups.inputs.retain(|queued| *queued != input);
        self.open.returned(input, why, moves);
    }

    fn hello(&mut self, state: &Value, moves: &mut Moves) {
        let is_empty = number(state, "/messageCount").unwrap_or(0) == 0;
        if self.settings.resume.is_some() && is_empty {
            let why = "the file of the session is missing or empty".to_owned();
            self.open.broken(Event::SessionGone { why }, moves);
            return;
        }
        moves.say(Event::SessionStarted {
            native_id: owned(state, "/sessionId"),
            model: text(state, "/model/id").map(str::to_owned),
        });
        self.session_file = text(state, "/sessionFile").map(str::to_owned);
        if !is_empty {
            self.resumable(moves);
        }
        self.open.ready(moves);
    }

    fn alive(&mut self, state: &Value, moves: &mut Moves) {
        let is = |what: &str| state.get(what).and_then(Value::as_bool) == Some(true);
        let word = match (is("isCompacting"), is("isStreaming"), self.work) {
            (true, _, _) => "compacting",
            (false, true, _) => "streaming",
            (false, false, Work::Retrying) => "retrying",
            (false, false, Work::NotBegun | Work::UnderWay) => "idle",
        };
        let state = word.to_owned();
        moves.say(Event::Alive { state });
        if word == "idle" && self.work == Work::UnderWay {
            let text = "the agent rests and never said that the turn was over";
            let failure = Failure::new(FailureCode::EndMissed, text);
            self.work = Work::NotBegun;
            self.open.end(TurnStatus::Failed, Some(failure), moves);
        }
    }

    /// The answer behind an end that may not be one.
    fn settled(&mut self, state: &Value, moves: &mut Moves) {
        use crate::codec::open::Stage;
        if self.open.stage() != Stage::Settling {
            return;
        }
        let is = |what: &str| state.get(what).and_then(Value::as_bool) == Some(true);
        if is("isStreaming") || is("isCompacting") {
            self.open.begin(moves);
        } else if !matches!(self.last_end, LastEnd::Failed(_)) {
            self.end_turn(moves);
        }
    }

    fn cleared(&mut self, data: &Value, moves: &mut Moves) {
        self.is_clearing = false;
        for (at, is_steers) in [("/steering", true), ("/followUp", false)] {
            let queue = if is_steers {
                &mut self.steers
            } else {
                &mut self.follow_ups
            };
            let (taken, returned) = queue.were_cleared(list(data, at).len());
            for input in taken {
                self.open.taken(input, moves);
            }
            self.cleared_inputs(returned, moves);
        }
    }
}

/// Inputs that were taken, and inputs that were not.
type Sorted = (Vec<InputId>, Vec<InputId>);

impl Queue {
    /// It says a new length. What left it was taken, the oldest first, unless it was cleared.
    fn is_now(&mut self, length: usize, is_clearing: bool) -> Sorted {
        let gone = self.length.saturating_sub(length).min(self.inputs.len());
        self.length = length;
        let mut left: Vec<_> = self.inputs.drain(..gone).collect();
        if is_clearing {
            self.unsure.append(&mut left);
            return Sorted::default();
        }
        let cleared = self.cleared.min(left.len());
        self.cleared -= cleared;
        let returned = left.split_off(left.len() - cleared);
        (left, returned)
    }

    /// It was cleared, and had so many; they may have left it already, or do so with its next word.
    fn were_cleared(&mut self, n: usize) -> Sorted {
        let mut taken = std::mem::take(&mut self.unsure);
        let known = n.min(taken.len());
        let returned = taken.split_off(taken.len() - known);
        self.cleared = n - known;
        (taken, returned)
    }
}

/// The text of a tool's result.
fn output(frame: &Value, at: &str) -> String {
    let texts = list(frame, at)
        .iter()
        .filter_map(|content| text(content, "/text"));
    texts.collect()
}

fn parts(content: &Value) -> Vec<Part> {
    let contents = content.as_array().map_or(&[][..], Vec::as_slice).iter();
    let parts = contents.filter_map(|content| match text(content, "/type")? {
        "text" => Some(Part::Text(owned(content, "/text"))),
        "thinking" => Some(Part::Reasoning(owned(content, "/thinking"))),
        _ => None,
    });
    parts.collect()
}

/// What it failed of, for people: its client of HTTP has one word for a connection that broke.
fn plain(why: &str) -> &str {
    match why {
        "terminated" => "the connection to its model broke off",
        why => why,
    }
}
