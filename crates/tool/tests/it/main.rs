//! The clients against real servers: child processes over pipes, and HTTP on this machine.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its tools as well")]

mod files;
mod handler;
mod http;
mod pipes;
mod process;
mod scripted;

use std::time::Duration;

use serde_json::Value;
use tool::mcp::Call;

/// A call that has long enough for any machine.
fn call(tool: &str, args: Value) -> Call {
    Call {
        tool: tool.to_owned(),
        args,
        timeout: Duration::from_secs(30),
        notices: None,
    }
}
