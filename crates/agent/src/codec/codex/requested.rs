//! What codex asks.

use serde_json::{Value, json};

use super::item::Item;
use super::speaking::{Codex, Wish, Words};
use crate::codec::json::{line, list, owned, set, text};
use crate::codec::{Decision, Event, Level, Moves, Question, ToolKind};

impl Codex {
    /// What names one asking alone in what it asks.
    pub(crate) const OF_ONE_ASKING: &[&str] = &[
        "threadId",
        "turnId",
        "itemId",
        "approvalId",
        "startedAtMs",
        "conversationId",
        "callId",
    ];

    pub(super) fn requested(
        &mut self,
        id: &Value,
        method: &str,
        params: Value,
        frame: &[u8],
        moves: &mut Moves,
    ) {
        match method {
            "item/commandExecution/requestApproval" => {
                let kind = ToolKind::Command;
                let title = text(&params, "/command").or(text(&params, "/reason"));
                let title = line(title.unwrap_or("Run a command"));
                let call = text(&params, "/itemId").map(str::to_owned);
                let wish = Wish::Decision(id.clone(), Words::Now);
                self.approval(id, (kind, title, call), params, wish, moves);
            }
            "item/fileChange/requestApproval" => {
                let call = owned(&params, "/itemId");
                let changes = match self.items.get(&call) {
                    Some(Item::Changes(changes)) => changes.clone(),
                    Some(_) | None => Value::Null,
                };
                let title = files(&changes);
                let mut detail = params;
                set(&mut detail, "changes", changes);
                let wish = Wish::Decision(id.clone(), Words::Now);
                let about = (ToolKind::FileChange, title, Some(call));
                self.approval(id, about, detail, wish, moves);
            }
            "item/permissions/requestApproval" => {
                let title = text(&params, "/reason").map_or("Have more rights".into(), line);
                let call = text(&params, "/itemId").map(str::to_owned);
                let wish = Wish::Permissions(id.clone(), params["permissions"].clone());
                self.approval(id, (ToolKind::Other, title, call), params, wish, moves);
            }
            "execCommandApproval" | "applyPatchApproval" => {
                let (kind, title) = if method == "execCommandApproval" {
                    let words = list(&params, "/command").iter();
                    let words: Vec<_> = words.filter_map(Value::as_str).collect();
                    (ToolKind::Command, line(&words.join(" ")))
                } else {
                    (ToolKind::FileChange, "Change files".to_owned())
                };
                let call = text(&params, "/callId").map(str::to_owned);
                let wish = Wish::Decision(id.clone(), Words::Once);
                self.approval(id, (kind, title, call), params, wish, moves);
            }
            "item/tool/requestUserInput" => {
                let questions = list(&params, "/questions").iter().map(question).collect();
                let request = id.to_string();
                let event = Event::QuestionAsked {
                    request: request.clone(),
                    questions,
                    call: text(&params, "/itemId").map(str::to_owned),
                };
                let wish = Wish::Questions(id.clone());
                if !self.open.request(&request, wish, event, moves) {
                    self.rpc.refuse(id, "room for more questions", moves);
                }
            }
            "mcpServer/elicitation/request" => {
                // A form of any shape, which this client cannot show.
                let text = "a tool server asked for a form to be filled in; it was declined";
                moves.notice(Level::Warning, "elicitation_declined", text);
                let result = json!({"action": "decline", "content": null});
                self.rpc.respond(id, &result, moves);
                self.odd.aside(frame, moves);
            }
            _ => {
                self.rpc.refuse(id, method, moves);
                self.odd.unknown(method, frame, moves);
            }
        }
    }

    fn approval(
        &mut self,
        id: &Value,
        (kind, title, call): (ToolKind, String, Option<String>),
        detail: Value,
        wish: Wish,
        moves: &mut Moves,
    ) {
        // It names those that it can keep; a plain no it always takes, though it may not name it.
        let available = detail.get("availableDecisions").and_then(Value::as_array);
        let for_thread = available.is_none_or(|available| {
            available
                .iter()
                .any(|decision| decision == "acceptForSession")
        });
        let options = [
            Some(Decision::Allow),
            for_thread.then_some(Decision::AllowForThread),
            Some(Decision::Deny),
            Some(Decision::Cancel),
        ];
        let request = id.to_string();
        let event = Event::ApprovalRequested {
            request: request.clone(),
            kind,
            title,
            detail,
            options: options.into_iter().flatten().collect(),
            call,
        };
        if !self.open.request(&request, wish, event, moves) {
            self.rpc.refuse(id, "room for more requests", moves);
        }
    }
}

fn question(question: &Value) -> Question {
    let options = list(question, "/options").iter();
    Question {
        id: owned(question, "/id"),
        text: owned(question, "/question"),
        options: options.map(|option| owned(option, "/label")).collect(),
        multiple: false,
    }
}

/// A line about changed files.
pub(super) fn files(changes: &Value) -> String {
    let paths = list(changes, "").iter();
    let paths: Vec<_> = paths.filter_map(|change| text(change, "/path")).collect();
    if paths.is_empty() {
        "Change files".to_owned()
    } else {
        line(&paths.join(", "))
    }
}
