//! The `shell` tool: a command line in the agent's directory, its output streamed into the log.

use std::ffi::OsString;
use std::time::Duration;

use agent::{Exit, Process, Spec, Stdin};
use run::CallId;
use serde_json::json;
use tool::ToolOutput;
use tool::builtin::ShellArgs;

use super::child::part_of;
use crate::command::Commands;
use crate::context::{Context, Over};
use crate::fault::source_chain;
use crate::listening::listen;

/// Runs a command. The inner error is for the model.
pub(crate) async fn run(
    context: &Context,
    commands: &Commands,
    call: &CallId,
    args: &ShellArgs,
    timeout: Duration,
) -> Result<Result<ToolOutput, String>, Over> {
    let (env, _) = commands.environment_of(context);
    let spec = Spec {
        program: "sh".into(),
        args: ["-c".into(), OsString::from(&args.command)].into(),
        cwd: context.run().spec.directory.clone().map(Into::into),
        env,
        // Commands run side by side: what one leaves behind goes at its end, the others stay.
        marker: part_of(context.marker(), call.as_str()),
        stdin: Stdin::Null,
    };
    let process = match Process::spawn(spec).await {
        Ok(process) => process,
        Err(error) => return Ok(Err(source_chain(&error))),
    };
    let asked = args.timeout_ms.map(Duration::from_millis);
    let timeout = asked.map_or(timeout, |asked| asked.min(timeout));
    let heard = listen(context, process, call, Some(timeout)).await?;
    if heard.is_cancelled {
        return Err(Over);
    }
    let mut text = heard.text;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let (end, exit_code) = match heard.exit {
        _ if heard.is_timed_out => {
            let ms = timeout.as_millis();
            (format!("the command was ended after {ms} ms"), None)
        }
        Exit::Code(code) => (format!("exit code {code}"), Some(code)),
        Exit::Signal(signal) => (format!("ended by signal {signal}"), None),
        Exit::Unknown => ("nobody knows how it ended".to_owned(), None),
    };
    Ok(Ok(ToolOutput {
        text: format!("{text}[{end}]"),
        structured: Some(json!({ "exit_code": exit_code })),
        is_error: exit_code != Some(0),
        media: Vec::new(),
    }))
}
