//! Updates of a session of the Agent Client Protocol.

use serde_json::{Value, json};

use super::speaking::Acp;
use crate::codec::json::{line, list, number, owned, shown, text};
use crate::codec::{
    Event, Level, Moves, Part, PlanStep, PlanStepStatus, ToolKind, ToolStatus, Usage, tool_name,
};
use crate::limits::{MESSAGE_BYTES, OPEN_ITEMS};

/// The message under way. It has no end of its own: another one, a call or the end of the turn is it.
#[derive(Debug)]
pub(super) struct Speech {
    native: Option<String>,
    message: String,
    parts: Vec<Part>,
    bytes: usize,
}

/// What is known of a call, which comes piece by piece.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) kind: ToolKind,
    pub(super) title: String,
    pub(super) args: Value,
    /// What it shows of itself before it runs: the change that it would make.
    pub(super) content: Value,
    pub(super) was_denied: bool,
}

impl Acp {
    pub(super) fn updated(&mut self, update: &Value, frame: &[u8], moves: &mut Moves) {
        let kind = text(update, "/sessionUpdate").unwrap_or_default();
        match kind {
            "agent_message_chunk" => self.chunk(update, Part::Text, frame, moves),
            "agent_thought_chunk" => self.chunk(update, Part::Reasoning, frame, moves),
            "tool_call" | "tool_call_update" => self.tool(update, moves),
            "plan" => {
                let steps = list(update, "/entries").iter().map(|entry| PlanStep {
                    text: owned(entry, "/content"),
                    status: match text(entry, "/status") {
                        Some("completed") => PlanStepStatus::Completed,
                        Some("in_progress") => PlanStepStatus::InProgress,
                        Some(_) | None => PlanStepStatus::Pending,
                    },
                });
                moves.say(Event::PlanUpdated {
                    steps: steps.collect(),
                    explanation: None,
                });
            }
            "usage_update" => self.consumes(update, moves),
            "notice" => {
                let level = match text(update, "/severity") {
                    Some("error") => Level::Error,
                    Some("warning") => Level::Warning,
                    Some(_) | None => Level::Info,
                };
                let title = text(update, "/title").unwrap_or_default();
                let more = text(update, "/description").map(|more| format!(": {more}"));
                let text = shown(&format!("{title}{}", more.unwrap_or_default()));
                moves.notice(level, "agent_says", text);
            }
            "compaction_update" if text(update, "/status") == Some("completed") => {
                let summary: String = list(update, "/summary")
                    .iter()
                    .filter_map(|block| text(block, "/text"))
                    .collect();
                moves.say(Event::Compacted {
                    before_tokens: None,
                    after_tokens: None,
                    summary: (!summary.is_empty()).then_some(summary),
                });
            }
            "user_message_chunk"
            | "available_commands_update"
            | "current_mode_update"
            | "config_option_update"
            | "session_info_update"
            | "compaction_update"
            | "compaction_summary_chunk" => self.odd.aside(frame, moves),
            _ => self.odd.unknown(kind, frame, moves),
        }
    }

    /// The agent works on the prompt, so it has it, and has stored the session.
    fn works(&mut self, moves: &mut Moves) {
        if let Some(input) = self.prompted.take() {
            self.open.taken(input, moves);
        }
        self.resumable(moves);
    }

    fn chunk(
        &mut self,
        update: &Value,
        part_of: fn(String) -> Part,
        frame: &[u8],
        moves: &mut Moves,
    ) {
        let Some(said) = text(update, "/content/text") else {
            self.odd.aside(frame, moves);
            return;
        };
        if !self.open.in_turn() {
            self.odd.aside(frame, moves);
            return;
        }
        self.works(moves);
        self.open.step(None, moves);
        let native = text(update, "/messageId");
        let goes_on = self.speech.as_ref().is_some_and(|speech| {
            speech.native.as_deref() == native
                && speech.bytes + said.len() <= MESSAGE_BYTES
                && speech.parts.len() < OPEN_ITEMS
        });
        if !goes_on {
            self.close_speech(moves);
        }
        let speech = self.speech.get_or_insert_with(|| Speech {
            native: native.map(str::to_owned),
            message: self.open.message(moves),
            parts: Vec::new(),
            bytes: 0,
        });
        speech.bytes += said.len();
        let (message, said) = (speech.message.clone(), said.to_owned());
        let same = match (speech.parts.last_mut(), part_of(String::new())) {
            (Some(Part::Text(text)), Part::Text(_))
            | (Some(Part::Reasoning(text)), Part::Reasoning(_)) => {
                text.push_str(&said);
                true
            }
            (Some(_) | None, _) => false,
        };
        if !same {
            speech.parts.push(part_of(said.clone()));
        }
        let part = u32::try_from(speech.parts.len() - 1).unwrap_or(u32::MAX);
        moves.say(match part_of(said) {
            Part::Text(text) => Event::TextDelta {
                message,
                part,
                text,
            },
            Part::Reasoning(text) => Event::ReasoningDelta {
                message,
                part,
                text,
            },
        });
    }

    /// Nothing more will be said of the message under way.
    pub(super) fn close_speech(&mut self, moves: &mut Moves) {
        if let Some(speech) = self.speech.take() {
            self.open
                .message_completed(speech.message, Some(speech.parts), moves);
        }
    }

    fn tool(&mut self, update: &Value, moves: &mut Moves) {
        let id = owned(update, "/toolCallId");
        if !self.open.in_turn() {
            return;
        }
        if text(update, "/sessionUpdate") == Some("tool_call") {
            self.close_speech(moves);
        }
        self.works(moves);
        if !self.learn(&id, update, moves) {
            return;
        }
        match text(update, "/status") {
            Some("in_progress") => {
                self.call_runs(&id, moves);
                let output = output(update);
                self.open.whole_output(&id, &output, moves);
            }
            Some("completed") => {
                self.call_runs(&id, moves);
                self.call_ends(&id, ToolStatus::Ok, update, moves);
            }
            Some("failed") => {
                self.call_known(&id, moves);
                let was_denied = self.calls.get(&id).is_some_and(|call| call.was_denied);
                let status = match (was_denied, self.open.is_interrupted()) {
                    (true, _) => ToolStatus::Denied,
                    (false, true) => ToolStatus::Interrupted,
                    (false, false) => ToolStatus::Failed,
                };
                self.call_ends(&id, status, update, moves);
            }
            Some(_) | None => {}
        }
    }

    /// Takes what an update, or a request for a permission, knows of a call. Whether the call is open.
    pub(super) fn learn(&mut self, id: &str, update: &Value, moves: &mut Moves) -> bool {
        let title = text(update, "/title").map(line);
        let name = text(update, "/name").or(text(update, "/title"));
        let name = line(name.unwrap_or("tool"));
        let kind = kind(text(update, "/kind"), &name);
        let is_new = !self.calls.contains_key(id);
        if is_new {
            if self.calls.len() >= OPEN_ITEMS
                || !self.open.call(id, &name, kind, title.clone(), moves)
            {
                return false;
            }
            let call = Call {
                kind,
                title: title.clone().unwrap_or_default(),
                args: Value::Null,
                content: Value::Null,
                was_denied: false,
            };
            self.calls.insert(id.to_owned(), call);
        }
        let Some(call) = self.calls.get_mut(id) else {
            return false;
        };
        if update.get("kind").is_some_and(Value::is_string) {
            call.kind = kind;
        }
        if let Some(args) = update.get("rawInput").filter(|args| !args.is_null()) {
            call.args = args.clone();
        }
        // Later it is its output.
        let runs = matches!(text(update, "/status"), Some("in_progress" | "completed"));
        match update.get("content") {
            _ if runs => call.content = Value::Null,
            Some(content) if !content.is_null() => call.content = content.clone(),
            Some(_) | None => {}
        }
        if let Some(title) = title
            && title != call.title
        {
            call.title.clone_from(&title);
            moves.say(Event::ToolUpdated {
                call: id.to_owned(),
                title: Some(title),
                detail: None,
            });
        }
        self.open.has_call(id)
    }

    /// The arguments of a call are complete: it is to be approved, runs or has run.
    pub(super) fn call_known(&mut self, id: &str, moves: &mut Moves) {
        if let Some(call) = self.calls.get(id) {
            self.open.called(id, &call.args, moves);
        }
    }

    pub(super) fn call_runs(&mut self, id: &str, moves: &mut Moves) {
        self.call_known(id, moves);
        self.open.running(id, moves);
    }

    fn call_ends(&mut self, id: &str, status: ToolStatus, update: &Value, moves: &mut Moves) {
        let result = json!({"output": update["rawOutput"], "content": update["content"]});
        self.open.completed(id, status, result, moves);
        self.calls.remove(id);
    }

    fn consumes(&mut self, update: &Value, moves: &mut Moves) {
        // It counts the session from its beginning, which is an earlier process's in one that was reopened.
        if self.settings.resume.is_none() && text(update, "/cost/currency") == Some("USD") {
            self.cost_usd = update["cost"]["amount"].as_f64();
        }
        moves.say(Event::UsageUpdated {
            context_tokens: number(update, "/used"),
            window_tokens: number(update, "/size"),
            totals: Usage {
                cost_usd: self.cost_usd,
                ..self.open.totals()
            },
        });
    }
}

/// The text of a call's content, which every update has as a whole.
fn output(update: &Value) -> String {
    let texts = list(update, "/content").iter();
    texts
        .filter_map(|content| text(content, "/content/text"))
        .collect()
}

fn kind(kind: Option<&str>, name: &str) -> ToolKind {
    match kind {
        Some("read") => ToolKind::FileRead,
        Some("edit" | "delete" | "move") => ToolKind::FileChange,
        Some("search") => ToolKind::Search,
        Some("execute") => ToolKind::Command,
        Some("fetch") => ToolKind::Web,
        Some("switch_mode") => ToolKind::Other,
        Some(_) | None => tool_name::kind(name),
    }
}
