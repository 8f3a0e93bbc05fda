//! The `command` driver: one command of the operating system, as one tool call.

use std::ffi::OsString;

use agent::{Exit, Process, Spec, Stdin};
use run::event::{
    Notice, NoticeLevel, ToolCalled, ToolCompleted, ToolKind, ToolRunning, ToolStarted, ToolStatus,
    TurnStarted,
};
use run::{CallId, CommandSpec, ErrorInfo, Event, Outcome, Reason, TurnId};
use serde_json::{Value, json};

use crate::context::{Context, Over};
use crate::driver::{Driver, Ending};
use crate::fault::source_chain;
use crate::limits::{COMMAND_BYTES, TITLE_CHARS};
use crate::listening::listen;
use crate::template::Templates;

/// Performs commands.
#[derive(Debug, Clone, Default)]
pub struct Commands {
    /// The server's address, which children are told; nothing if it has none.
    pub url: Option<String>,
    /// The variables that an agent may ask for by name: the server's own environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl Driver for Commands {
    async fn perform(&self, context: Context) -> Ending {
        match self.command(&context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        }
    }
}

/// A command line that is ready to run.
struct Line {
    program: String,
    args: Vec<String>,
}

impl Commands {
    async fn command(&self, context: &Context) -> Result<Ending, Over> {
        let line = match line(context) {
            Ok(line) => line,
            Err(error) => {
                let outcome = Outcome::failed(Reason::Error, error);
                return Ok(Ending::Finished(outcome));
            }
        };
        let control = context.control();
        let call = CallId::nth(control.n_calls + 1);
        let mut events = Vec::new();
        // An attempt before this one may have begun the turn.
        if control.turn.is_none() {
            let turn = TurnId::nth(control.n_turns + 1);
            events.push(Event::from(TurnStarted {
                turn,
                input: None,
                model: None,
            }));
        }
        let (env, missing) = self.environment_of(context);
        for name in missing {
            let text = format!("the server has no variable {name} to pass on");
            events.push(Notice::new(NoticeLevel::Warning, "env_missing", text).into());
        }
        events.extend(line.announced(&call));
        context.emit(events).await?;
        let running = ToolRunning {
            call: call.clone(),
            n_try: 1,
            run: None,
        };
        // From here on nobody may say that nothing was touched.
        context.emit_durable(vec![running.into()]).await?;

        let spec = Spec {
            program: line.program.into(),
            args: line.args.into_iter().map(OsString::from).collect(),
            cwd: context.run().spec.directory.clone().map(Into::into),
            env,
            marker: context.marker().clone(),
            stdin: Stdin::Null,
        };
        let process = match Process::spawn(spec).await {
            Ok(process) => process,
            Err(error) => {
                let message = source_chain(&error);
                let failed = completed(&call, ToolStatus::Failed, json!({ "error": message }));
                context.emit(vec![failed]).await?;
                let error = ErrorInfo::new("spawn", message);
                return Ok(Ending::Finished(Outcome::failed(Reason::Error, error)));
            }
        };
        watch(context, process, &call).await
    }

    /// What the child gets, and the names that it asks for and that are not there.
    pub(crate) fn environment_of(
        &self,
        context: &Context,
    ) -> (Vec<(OsString, OsString)>, Vec<String>) {
        let mut env = agent::inherited();
        let mut missing = Vec::new();
        for name in &context.run().spec.env {
            let known = self
                .environment
                .iter()
                .find(|(known, _)| known == name.as_str());
            match known {
                Some(variable) => env.push(variable.clone()),
                None => missing.push(name.clone()),
            }
        }
        if let Some(url) = &self.url {
            env.push(("OUTLIVE_URL".into(), url.into()));
        }
        (env, missing)
    }
}

/// Renders the command of the agent.
fn line(context: &Context) -> Result<Line, ErrorInfo> {
    let record = context.run();
    let templates = Templates::new(&record.input);
    let CommandSpec { program, args } = record
        .spec
        .command_spec()
        .ok_or_else(|| ErrorInfo::new("command_missing", "the agent has no command to run"))?;
    let render = |what: &str, template: &str| {
        templates
            .render(what, template)
            .map_err(|error| ErrorInfo::new("template", error.to_string()))
    };
    let program = render("the program", &program)?;
    let args = args
        .iter()
        .enumerate()
        .map(|(n, arg)| render(&format!("argument {}", n + 1), arg))
        .collect::<Result<Vec<_>, _>>()?;
    let n_bytes = program.len() + args.iter().map(String::len).sum::<usize>();
    if n_bytes > COMMAND_BYTES {
        let message = format!("the command has {n_bytes} bytes, at most {COMMAND_BYTES} fit");
        return Err(ErrorInfo::new("command_too_long", message));
    }
    Ok(Line { program, args })
}

impl Line {
    fn announced(&self, call: &CallId) -> [Event; 2] {
        let words: Vec<&str> = std::iter::once(&self.program)
            .chain(&self.args)
            .map(String::as_str)
            .collect();
        let name = self.program.rsplit('/').next().unwrap_or_default();
        let title = words.join(" ").chars().take(TITLE_CHARS).collect();
        let started = ToolStarted {
            call: call.clone(),
            name: name.to_owned(),
            kind: ToolKind::Command,
            title: Some(title),
            message: None,
            idempotent: false,
        };
        let called = ToolCalled {
            call: call.clone(),
            args: json!({ "command": words }),
            vendor: None,
        };
        [started.into(), called.into()]
    }
}

/// Passes on what the process says, until it has ended or has to.
async fn watch(context: &Context, process: Process, call: &CallId) -> Result<Ending, Over> {
    let heard = listen(context, process, call, None).await?;
    if heard.is_cancelled {
        // How the command ended says nothing: it was ended. Closure marks the call as interrupted.
        return Ok(Ending::Cancelled);
    }
    let (status, outcome) = judge(heard.exit);
    let (code, signal) = match heard.exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(signal) => (None, Some(signal)),
        Exit::Unknown => (None, None),
    };
    let result = json!({ "exit_code": code, "signal": signal });
    context.emit(vec![completed(call, status, result)]).await?;
    Ok(Ending::Finished(outcome))
}

fn judge(exit: Exit) -> (ToolStatus, Outcome) {
    if exit.is_success() {
        let output = json!({ "exit_code": 0 });
        return (ToolStatus::Ok, Outcome::completed().with_output(output));
    }
    let code = match exit {
        Exit::Code(_) => "exit_code",
        Exit::Signal(_) => "signal",
        Exit::Unknown => "exit_unknown",
    };
    let error = ErrorInfo::new(code, format!("the command {exit}"));
    (ToolStatus::Failed, Outcome::failed(Reason::Error, error))
}

fn completed(call: &CallId, status: ToolStatus, result: Value) -> Event {
    ToolCompleted {
        call: call.clone(),
        status,
        result,
        usage: None,
    }
    .into()
}
