//! A server made of faults, with the SDK's own server side. Used by the tests and by the example that they start.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorCode, JsonObject,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ServerCapabilities,
    ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio::sync::watch;

/// What it remembers between calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faulty {
    cancelled: Arc<watch::Sender<usize>>,
    has_grown: Arc<AtomicBool>,
}

fn schema(value: Value) -> Arc<JsonObject> {
    let Value::Object(fields) = value else {
        panic!("a schema is an object");
    };
    Arc::new(fields)
}

fn said(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

const TOOLS: &[&str] = &[
    "echo",
    "stuck",
    "cancelled",
    "die",
    "notify",
    "huge",
    "grow",
    "fail",
    "error",
    "picture",
    "env",
];

impl ServerHandler for Faulty {
    fn get_info(&self) -> ServerConfig {
        let tools = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed();
        ServerConfig::new(tools.build())
    }

    /// Two tools a page.
    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let from = request
            .and_then(|it| it.cursor)
            .map_or(0, |cursor| cursor.parse().expect("a number"));
        let mut names = TOOLS.to_vec();
        if self.has_grown.load(Ordering::SeqCst) {
            names.push("grown");
        }
        let page = names.iter().skip(from).take(2).map(|&name| {
            let tool = Tool::new(
                name,
                format!("Does {name}."),
                schema(json!({"type": "object"})),
            );
            let hints = ToolAnnotations::new()
                .read_only(name == "echo")
                .destructive(name == "die");
            tool.with_annotations(hints.idempotent(name == "echo"))
        });
        let mut list = ListToolsResult::with_all_items(page.collect());
        list.next_cursor = (from + 2 < names.len()).then(|| (from + 2).to_string());
        Ok(list)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let args = Value::Object(request.arguments.unwrap_or_default());
        let number = |name: &str| args[name].as_u64().expect("a number");
        let result = match &*request.name {
            "echo" => said(args["text"].as_str().unwrap_or_default()),
            "stuck" => {
                if args["notify"] == true {
                    let token = context.meta.get_progress_token().expect("a token");
                    let progress = ProgressNotificationParam::new(token, 0.0);
                    let progress = progress.with_message("stuck".to_owned());
                    context
                        .peer
                        .notify_progress(progress)
                        .await
                        .expect("a client");
                }
                context.ct.cancelled().await;
                self.cancelled.send_modify(|times| *times += 1);
                said("nobody hears this")
            }
            // Answers once a call has been cancelled.
            "cancelled" => {
                let mut cancelled = self.cancelled.subscribe();
                let times = cancelled.wait_for(|&times| times > 0).await;
                said(times.expect("it lives").to_string())
            }
            "die" => process::exit(3),
            "notify" => {
                let token = context.meta.get_progress_token().expect("a token");
                let times = number("times");
                for n in 1..=times {
                    let at = u32::try_from(n).expect("small");
                    let total = u32::try_from(times).expect("small");
                    let progress = ProgressNotificationParam::new(token.clone(), at.into())
                        .with_total(total.into())
                        .with_message(args["message"].as_str().unwrap_or("step").to_owned());
                    context
                        .peer
                        .notify_progress(progress)
                        .await
                        .expect("a client");
                }
                said("done")
            }
            "huge" => said("x".repeat(usize::try_from(number("bytes")).expect("small"))),
            "grow" => {
                self.has_grown.store(true, Ordering::SeqCst);
                context
                    .peer
                    .notify_tool_list_changed()
                    .await
                    .expect("a client");
                said("grown")
            }
            "fail" => CallToolResult::error(vec![ContentBlock::text("it did not work")]),
            "error" => {
                return Err(ErrorData::new(
                    ErrorCode(-32_050),
                    "out of order: s3cret-token",
                    None,
                ));
            }
            "picture" => CallToolResult::success(vec![ContentBlock::image("AAAA", "image/png")]),
            "env" => said(std::env::var("TEST_TOKEN").unwrap_or_default()),
            _ => return Err(ErrorData::invalid_params("no such tool", None)),
        };
        Ok(CallToolResponse::Complete(result))
    }
}
