//! Items of codex that are tools.

use serde_json::{Value, json};

use super::item::Item;
use super::requested::files;
use super::speaking::Codex;
use crate::codec::json::{line, owned, text};
use crate::codec::{Moves, ToolKind, ToolStatus};
use crate::limits::OPEN_ITEMS;

/// What a tool is.
struct Tool {
    name: String,
    kind: ToolKind,
    title: Option<String>,
    args: Value,
}

impl Codex {
    pub(super) fn tool_started(&mut self, id: &str, item: &Value, moves: &mut Moves) {
        let Some(tool) = tool(item) else {
            return;
        };
        if tool.kind == ToolKind::FileChange && self.items.len() < OPEN_ITEMS {
            let changes = Item::Changes(item["changes"].clone());
            self.items.insert(id.to_owned(), changes);
        }
        if !self.open.call(id, &tool.name, tool.kind, tool.title, moves) {
            return;
        }
        self.open.called(id, &tool.args, moves);
        // It may still have to be approved; a command runs when it has a process.
        let may_wait = match tool.kind {
            ToolKind::Command => item["processId"].is_null(),
            ToolKind::FileChange => true,
            ToolKind::FileRead
            | ToolKind::Search
            | ToolKind::Web
            | ToolKind::Mcp
            | ToolKind::Subagent
            | ToolKind::Image
            | ToolKind::Other => false,
        };
        if !may_wait {
            self.open.running(id, moves);
        }
    }

    pub(super) fn patch_updated(&mut self, params: &Value) {
        let id = owned(params, "/itemId");
        if let Some(Item::Changes(changes)) = self.items.get_mut(&id) {
            changes.clone_from(&params["changes"]);
        }
    }

    pub(super) fn tool_completed(&mut self, id: &str, item: &Value, moves: &mut Moves) {
        if !self.open.has_call(id) {
            // Some kinds have no beginning.
            self.tool_started(id, item, moves);
        }
        if let Some(Item::Changes(_)) = self.items.get(id) {
            self.items.remove(id);
        }
        let status = match text(item, "/status") {
            Some("declined") => ToolStatus::Denied,
            Some("failed") if self.open.is_interrupted() => ToolStatus::Interrupted,
            Some("failed") => ToolStatus::Failed,
            Some("inProgress") => ToolStatus::Interrupted,
            Some(_) | None => ToolStatus::Ok,
        };
        if status != ToolStatus::Denied {
            self.open.running(id, moves);
        }
        self.open.completed(id, status, result(item), moves);
    }
}

/// Items of other kinds are nothing that a person would look for.
fn tool(item: &Value) -> Option<Tool> {
    let (name, kind, title, args) = match text(item, "/type")? {
        "commandExecution" => (
            "command".to_owned(),
            ToolKind::Command,
            text(item, "/command").map(line),
            json!({"command": item["command"], "cwd": item["cwd"]}),
        ),
        "fileChange" => (
            "file_change".to_owned(),
            ToolKind::FileChange,
            Some(files(&item["changes"])),
            json!({"changes": item["changes"]}),
        ),
        "mcpToolCall" => (
            format!("{}.{}", owned(item, "/server"), owned(item, "/tool")),
            ToolKind::Mcp,
            None,
            item["arguments"].clone(),
        ),
        "dynamicToolCall" => (
            owned(item, "/tool"),
            ToolKind::Other,
            None,
            item["arguments"].clone(),
        ),
        "collabAgentToolCall" => (
            owned(item, "/tool"),
            ToolKind::Subagent,
            text(item, "/prompt").map(line),
            json!({"prompt": item["prompt"], "receivers": item["receiverThreadIds"]}),
        ),
        "webSearch" => (
            "web_search".to_owned(),
            ToolKind::Web,
            text(item, "/query").map(line),
            json!({"query": item["query"], "action": item["action"]}),
        ),
        "imageView" => (
            "image_view".to_owned(),
            ToolKind::Image,
            text(item, "/path").map(line),
            json!({"path": item["path"]}),
        ),
        "imageGeneration" => (
            "image_generation".to_owned(),
            ToolKind::Image,
            text(item, "/revisedPrompt").map(line),
            json!({"prompt": item["revisedPrompt"]}),
        ),
        _ => return None,
    };
    Some(Tool {
        name,
        kind,
        title,
        args,
    })
}

/// What came out, without what the arguments said already.
fn result(item: &Value) -> Value {
    match text(item, "/type").unwrap_or_default() {
        "commandExecution" => json!({
            "exit_code": item["exitCode"],
            "output": item["aggregatedOutput"],
            "duration_ms": item["durationMs"],
        }),
        "fileChange" => json!({"changes": item["changes"]}),
        "mcpToolCall" => json!({"result": item["result"], "error": item["error"]}),
        "dynamicToolCall" => json!({"content": item["contentItems"], "success": item["success"]}),
        "collabAgentToolCall" => json!({"agents": item["agentsStates"]}),
        "webSearch" => json!({"results": item["results"]}),
        "imageGeneration" => json!({"path": item["savedPath"], "failure": item["failure"]}),
        _ => Value::Null,
    }
}
