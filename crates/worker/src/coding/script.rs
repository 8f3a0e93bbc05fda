//! Scripts before and after the agent, as tool calls of the run.

use std::ffi::OsString;
use std::path::Path;

use agent::{Process, Spec, Stdin};
use run::event::{ToolCalled, ToolCompleted, ToolKind, ToolRunning, ToolStarted, ToolStatus};
use run::snapshot::Snapshot;
use run::{CallId, ErrorInfo, Outcome, Reason};
use serde_json::json;

use crate::command::Commands;
use crate::context::{Context, Over};
use crate::driver::Ending;
use crate::fault::source_chain;
use crate::listening::listen;

/// Whether an earlier attempt has done it.
pub(super) fn was_done(snapshot: &Snapshot, name: &str) -> bool {
    let mut activities = snapshot.activities.iter();
    activities.any(|activity| activity.name == name && activity.status == Some(ToolStatus::Ok))
}

/// Runs a script. The inner error is how the run ends.
pub(super) async fn run(
    context: &Context,
    commands: &Commands,
    name: &str,
    script: &str,
    cwd: &Path,
    call: CallId,
) -> Result<Result<(), Ending>, Over> {
    let started = ToolStarted {
        call: call.clone(),
        name: name.to_owned(),
        kind: ToolKind::Command,
        title: Some(format!("{name} script")),
        message: None,
        idempotent: false,
    };
    let called = ToolCalled {
        call: call.clone(),
        args: json!({ "command": script }),
        vendor: None,
    };
    let running = ToolRunning {
        call: call.clone(),
        n_try: 1,
        run: None,
    };
    context
        .emit_durable(vec![started.into(), called.into(), running.into()])
        .await?;
    let spec = Spec {
        program: "sh".into(),
        args: ["-c", script].map(OsString::from).into(),
        cwd: Some(cwd.to_owned()),
        env: commands.environment_of(context).0,
        marker: context.marker().clone(),
        stdin: Stdin::Null,
    };
    let (status, result, problem) = match Process::spawn(spec).await {
        Ok(process) => {
            let heard = listen(context, process, &call, None).await?;
            if heard.is_cancelled {
                return Ok(Err(Ending::Cancelled));
            }
            if heard.exit.is_success() {
                (ToolStatus::Ok, json!({ "exit_code": 0 }), None)
            } else {
                let problem = format!("the {name} script {}", heard.exit);
                (
                    ToolStatus::Failed,
                    json!({ "error": problem }),
                    Some(problem),
                )
            }
        }
        Err(error) => {
            let problem = source_chain(&error);
            (
                ToolStatus::Failed,
                json!({ "error": problem }),
                Some(problem),
            )
        }
    };
    let completed = ToolCompleted {
        call,
        status,
        result,
        usage: None,
    };
    context.emit(vec![completed.into()]).await?;
    Ok(match problem {
        None => Ok(()),
        Some(problem) => {
            let error = ErrorInfo::new(format!("{name}_failed"), problem);
            Err(Ending::Finished(Outcome::failed(Reason::Error, error)))
        }
    })
}
