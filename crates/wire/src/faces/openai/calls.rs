//! Calls of tools as items: the client's functions are called by a `function_call`, our own tools by an `mcp_call`.

use run::event::{ApprovalRequested, QuestionAsked, ToolCompleted, ToolStarted, ToolStatus};
use run::{CallId, RequestId};
use serde_json::{Value, json};

use super::event::{Event, ItemPlace};
use super::ids::AskedId;
use super::item::{ASK_USER, Item, ItemStatus, SERVER_LABEL, ToolError};
use super::translate::Translation;

/// A call without a result.
#[derive(Debug)]
pub(super) struct Call {
    name: String,
    /// The arguments' JSON text as far as it came.
    args: String,
    /// The approval that it needed.
    approval: Option<RequestId>,
    /// Whether its message is to be forgotten.
    is_discarded: bool,
    shape: Shape,
}

/// How it appears.
#[derive(Debug)]
enum Shape {
    /// A tool of ours, which is not touched yet.
    Waiting,
    /// A tool of ours at work.
    Ours(ItemPlace),
    /// A function of the client whose arguments come.
    Function(ItemPlace, String),
    /// The same with all its arguments; the client may never hear of it.
    Offered(ItemPlace, String),
    /// The client is to perform it, or its user was asked: the answer is input.
    Asked,
    /// The same in an earlier response.
    Passed,
}

impl Call {
    fn new(name: String, shape: Shape) -> Self {
        Self {
            name,
            args: String::new(),
            approval: None,
            is_discarded: false,
            shape,
        }
    }

    /// Its item as it stands, if it is not done.
    pub(super) fn open_item(&self) -> Option<(u32, Item)> {
        let item = match &self.shape {
            Shape::Ours(place) => (place, self.ours(place, ItemStatus::InProgress)),
            Shape::Function(place, call_id) => {
                let status = ItemStatus::InProgress;
                (place, self.function(place, call_id, status))
            }
            Shape::Waiting | Shape::Offered(..) | Shape::Asked | Shape::Passed => return None,
        };
        Some((item.0.output_index, item.1))
    }

    fn ours(&self, place: &ItemPlace, status: ItemStatus) -> Item {
        Item::McpCall {
            id: place.item_id.clone(),
            server_label: SERVER_LABEL,
            name: self.name.clone(),
            arguments: self.args.clone(),
            status,
            output: None,
            error: None,
            approval_request_id: None,
        }
    }

    fn function(&self, place: &ItemPlace, call_id: &str, status: ItemStatus) -> Item {
        Item::FunctionCall {
            id: place.item_id.clone(),
            call_id: call_id.to_owned(),
            name: self.name.clone(),
            arguments: self.args.clone(),
            status,
        }
    }

    /// Takes complete arguments. What was streamed stays as it was written if it means the same.
    fn complete(&mut self, args: &Value) -> Option<String> {
        let is_same = serde_json::from_str::<Value>(&self.args).is_ok_and(|said| said == *args);
        if is_same {
            return None;
        }
        let missing = self.args.is_empty();
        self.args = args.to_string();
        missing.then(|| self.args.clone())
    }
}

impl Translation {
    pub(super) fn tool_started(&mut self, started: ToolStarted) {
        let ToolStarted {
            call,
            name,
            message,
            ..
        } = started;
        // A call of a message that is to be forgotten was made again in another one.
        let is_discarded = message.is_some_and(|it| self.about.discarded.contains(&it));
        let is_clients = self.client_tools.contains(&name);
        let mut opened = Call::new(name, Shape::Waiting);
        opened.is_discarded = is_discarded;
        if is_clients {
            let place = self.numbers.item("fc");
            let call_id = AskedId::Call(self.about.run, call.clone()).to_string();
            let item = opened.function(&place, &call_id, ItemStatus::InProgress);
            self.numbers.add(&place, item);
            opened.shape = Shape::Function(place, call_id);
        }
        self.calls.insert(call, opened);
    }

    pub(super) fn tool_args(&mut self, call: &CallId, text: &str) {
        let Some(open) = self.calls.get_mut(call) else {
            return;
        };
        open.args.push_str(text);
        self.numbers.hides = open.is_discarded;
        if let Shape::Function(place, _) = &open.shape {
            self.numbers
                .push(Event::ArgumentsDelta(place.clone(), text.to_owned()));
        }
    }

    pub(super) fn tool_called(&mut self, call: &CallId, args: &Value) {
        let Some(mut open) = self.calls.remove(call) else {
            return;
        };
        self.numbers.hides = open.is_discarded;
        let missing = open.complete(args);
        if let Shape::Function(place, call_id) = open.shape {
            if let Some(missing) = missing {
                self.numbers
                    .push(Event::ArgumentsDelta(place.clone(), missing));
            }
            self.numbers
                .push(Event::ArgumentsDone(place.clone(), open.args.clone()));
            open.shape = Shape::Offered(place.clone(), call_id.clone());
            let item = open.function(&place, &call_id, ItemStatus::Completed);
            self.done(place.output_index, item);
        }
        self.calls.insert(call.clone(), open);
    }

    pub(super) fn tool_running(&mut self, call: &CallId) {
        let Some(mut open) = self.calls.remove(call) else {
            return;
        };
        if matches!(open.shape, Shape::Waiting) {
            let place = self.begin_ours(&open);
            open.shape = Shape::Ours(place);
        }
        self.calls.insert(call.clone(), open);
    }

    /// A tool of ours is touched: its item appears with all its arguments.
    fn begin_ours(&mut self, call: &Call) -> ItemPlace {
        let place = self.numbers.item("mcp");
        let item = Item::McpCall {
            id: place.item_id.clone(),
            server_label: SERVER_LABEL,
            name: call.name.clone(),
            arguments: String::new(),
            status: ItemStatus::InProgress,
            output: None,
            error: None,
            approval_request_id: self.approval_of(call),
        };
        self.numbers.add(&place, item);
        self.numbers.push(Event::McpInProgress(place.clone()));
        if !call.args.is_empty() {
            self.numbers
                .push(Event::McpArgumentsDelta(place.clone(), call.args.clone()));
        }
        self.numbers
            .push(Event::McpArgumentsDone(place.clone(), call.args.clone()));
        place
    }

    fn approval_of(&self, call: &Call) -> Option<String> {
        let request = call.approval.clone()?;
        Some(AskedId::Approval(self.about.run, request).to_string())
    }

    pub(super) fn tool_completed(&mut self, completed: ToolCompleted) {
        let ToolCompleted {
            call,
            status,
            result,
            usage,
        } = completed;
        if let Some(usage) = usage {
            self.consume(&usage);
        }
        let Some(open) = self.calls.remove(&call) else {
            return;
        };
        match &open.shape {
            Shape::Asked | Shape::Passed => {}
            // It never reached the client, so nobody is to answer it.
            Shape::Function(place, call_id) | Shape::Offered(place, call_id) => {
                self.withdraw_function(place, call_id, &open.name);
            }
            // Withdrawn before anything happened.
            Shape::Waiting if status == ToolStatus::Interrupted => {}
            Shape::Waiting => {
                let place = self.begin_ours(&open);
                self.end_ours(&open, &place, status, result);
            }
            Shape::Ours(place) => {
                let place = place.clone();
                self.end_ours(&open, &place, status, result);
            }
        }
    }

    fn end_ours(&mut self, call: &Call, place: &ItemPlace, status: ToolStatus, result: Value) {
        let word = match status {
            ToolStatus::Ok => ItemStatus::Completed,
            ToolStatus::Failed | ToolStatus::Denied => ItemStatus::Failed,
            ToolStatus::Interrupted | ToolStatus::Unknown => ItemStatus::Incomplete,
        };
        let (output, error) = if status == ToolStatus::Ok {
            (Some(said(&result)), None)
        } else {
            let content = match (status, result) {
                (ToolStatus::Interrupted, Value::Null) => "interrupted before it finished".into(),
                (ToolStatus::Unknown, Value::Null) => {
                    "interrupted; whether it acted is unknown".into()
                }
                (_, result) => result,
            };
            let kind = "mcp_tool_execution_error";
            (None, Some(ToolError { kind, content }))
        };
        self.numbers.push(match word {
            ItemStatus::Completed => Event::McpCompleted(place.clone()),
            ItemStatus::Failed | ItemStatus::Incomplete | ItemStatus::InProgress => {
                Event::McpFailed(place.clone())
            }
        });
        let item = Item::McpCall {
            id: place.item_id.clone(),
            server_label: SERVER_LABEL,
            name: call.name.clone(),
            arguments: call.args.clone(),
            status: word,
            output,
            error,
            approval_request_id: self.approval_of(call),
        };
        self.done(place.output_index, item);
    }

    pub(super) fn approval_requested(&mut self, asked: ApprovalRequested) {
        let ApprovalRequested {
            request,
            kind,
            title,
            detail,
            call,
            ..
        } = asked;
        if let Some(open) = call.and_then(|call| self.calls.get_mut(&call)) {
            open.approval = Some(request.clone());
        }
        // The call of a tool reads as one; anything else is told with its line for people.
        let (name, arguments) = match (detail["tool"].as_str(), detail.get("args")) {
            (Some(tool), Some(args)) => (tool.to_owned(), args.to_string()),
            _ => (
                kind,
                json!({ "title": title, "detail": detail }).to_string(),
            ),
        };
        let place = self.numbers.item("mcpr");
        let item = Item::McpApprovalRequest {
            id: AskedId::Approval(self.about.run, request).to_string(),
            server_label: SERVER_LABEL,
            name,
            arguments,
        };
        self.numbers.add(&place, item.clone());
        self.done(place.output_index, item);
    }

    pub(super) fn question_asked(&mut self, asked: QuestionAsked) {
        let QuestionAsked {
            request,
            questions,
            call,
            ..
        } = asked;
        if let Some(open) = call.and_then(|call| self.calls.get_mut(&call)) {
            open.shape = Shape::Asked;
        }
        let call_id = AskedId::Question(self.about.run, request).to_string();
        let mut function = Call::new(ASK_USER.to_owned(), Shape::Asked);
        function.args = json!({ "questions": questions }).to_string();
        self.offer(&function, &call_id);
    }

    pub(super) fn client_tool_called(&mut self, call: &CallId) {
        let Some(mut open) = self.calls.remove(call) else {
            return;
        };
        // An agent may have functions of its client that the run's input does not name.
        if !matches!(open.shape, Shape::Offered(..) | Shape::Function(..)) {
            let call_id = AskedId::Call(self.about.run, call.clone()).to_string();
            self.offer(&open, &call_id);
        }
        open.shape = Shape::Asked;
        self.calls.insert(call.clone(), open);
    }

    /// A whole call of a function of the client.
    fn offer(&mut self, call: &Call, call_id: &str) {
        let place = self.numbers.item("fc");
        let mut empty = call.function(&place, call_id, ItemStatus::InProgress);
        if let Item::FunctionCall { arguments, .. } = &mut empty {
            arguments.clear();
        }
        self.numbers.add(&place, empty);
        self.numbers
            .push(Event::ArgumentsDelta(place.clone(), call.args.clone()));
        self.numbers
            .push(Event::ArgumentsDone(place.clone(), call.args.clone()));
        let item = call.function(&place, call_id, ItemStatus::Completed);
        self.done(place.output_index, item);
    }

    /// The response ends. A call of ours that goes on appears again in the next one, and so does a function that the client
    /// is to perform only later.
    pub(super) fn close_calls(&mut self) {
        let mut open = std::mem::take(&mut self.calls);
        for call in open.values_mut() {
            call.shape = match std::mem::replace(&mut call.shape, Shape::Passed) {
                Shape::Waiting => Shape::Waiting,
                Shape::Ours(place) => {
                    let item = call.ours(&place, ItemStatus::Incomplete);
                    // Without a number for it the end of the response shows it.
                    if self.numbers.room() == 0 {
                        self.output.keep(place.output_index, &item);
                    } else {
                        self.done(place.output_index, item);
                    }
                    Shape::Waiting
                }
                Shape::Function(place, call_id) | Shape::Offered(place, call_id) => {
                    if self.numbers.room() == 0 {
                        self.output.forget(place.output_index);
                    } else {
                        self.withdraw_function(&place, &call_id, &call.name);
                    }
                    Shape::Passed
                }
                Shape::Asked | Shape::Passed => Shape::Passed,
            };
        }
        self.calls = open;
    }

    fn withdraw_function(&mut self, place: &ItemPlace, call_id: &str, name: &str) {
        let item = Item::FunctionCall {
            id: place.item_id.clone(),
            call_id: call_id.to_owned(),
            name: name.to_owned(),
            arguments: String::new(),
            status: ItemStatus::Incomplete,
        };
        self.withdraw(place.output_index, item);
    }
}

/// What came out, as a model would read it.
fn said(result: &Value) -> String {
    match result {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // What a tool says for a model, beside what it says for programs.
        Value::Object(members) => match members.get("text").and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => result.to_string(),
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => result.to_string(),
    }
}
