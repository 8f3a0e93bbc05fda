//! The `command` driver: one command of the operating system, as one tool call.

use std::ffi::OsString;
use std::time::Duration;

use agent::{Exit, Process, Spec, Stdin, StopSteps, Stream, Utf8Decoder};
use run::event::{
    Notice, NoticeLevel, OutputStream, ToolCalled, ToolCompleted, ToolKind, ToolOutput,
    ToolRunning, ToolStarted, ToolStatus, TurnStarted,
};
use run::{CallId, CommandSpec, ErrorInfo, Event, Outcome, Reason, RunId, TurnId};
use serde_json::{Value, json};

use crate::context::{Context, Over};
use crate::driver::{Driver, Ending};
use crate::fault::source_chain;
use crate::limits::{COMMAND_BYTES, TITLE_CHARS};
use crate::output::{Output, Piece};
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
    fn environment_of(&self, context: &Context) -> (Vec<(OsString, OsString)>, Vec<String>) {
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
        };
        [started.into(), called.into()]
    }
}

/// Passes on what the process says, until it has ended or has to.
async fn watch(context: &Context, mut process: Process, call: &CallId) -> Result<Ending, Over> {
    let mut output = Output::default();
    let mut decoders = Decoders::default();
    let mut stopped = false;
    loop {
        let said = tokio::select! {
            biased;
            () = context.cancelled(), if !stopped => {
                stopped = true;
                process.stop(steps(context.run().spec.stop_timeout_ms));
                continue;
            }
            said = process.next_output() => said,
        };
        let Some(said) = said else { break };
        let (stream, text) = decoders.take(said.stream, &said.bytes);
        context
            .emit(pass_on(&mut output, call, stream, text))
            .await?;
    }
    let mut events = Vec::new();
    for (stream, text) in decoders.finish() {
        events.extend(pass_on(&mut output, call, stream, text));
    }
    if let Some(end) = output.end() {
        let text = format!(
            "the output is longer than the log takes; {} bytes are left out here, its end follows",
            end.n_left_out
        );
        events.push(Notice::new(NoticeLevel::Warning, "output_left_out", text).into());
        events.extend(
            end.pieces
                .into_iter()
                .map(|(stream, text)| said(call, stream, text)),
        );
    }
    let ended = process.finish().await;
    if !ended.swept.survivors.is_empty() {
        let run: RunId = context.run().id;
        let n = ended.swept.survivors.len();
        tracing::error!(run.id = %run, "{n} processes of run {run} could not be killed");
        let text = format!("{n} processes that the command started could not be killed");
        events.push(Notice::new(NoticeLevel::Error, "survivors", text).into());
    }
    if stopped {
        // How the command ended says nothing: it was ended. Closure marks the call as interrupted.
        context.emit(events).await?;
        return Ok(Ending::Cancelled);
    }
    let (status, outcome) = judge(ended.exit);
    let (code, signal) = match ended.exit {
        Exit::Code(code) => (Some(code), None),
        Exit::Signal(signal) => (None, Some(signal)),
        Exit::Unknown => (None, None),
    };
    let result = json!({ "exit_code": code, "signal": signal });
    events.push(completed(call, status, result));
    context.emit(events).await?;
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

/// The steps of a stop, so that all of them fit into the time that a stop may take.
fn steps(stop_timeout_ms: u64) -> StopSteps {
    let timeout = Duration::from_millis(stop_timeout_ms);
    let standard = StopSteps::default();
    StopSteps {
        interrupt: None,
        terminate: standard.terminate.min(timeout / 2),
        kill: standard.kill.min(timeout / 4),
    }
}

fn pass_on(output: &mut Output, call: &CallId, stream: OutputStream, text: String) -> Vec<Event> {
    if text.is_empty() {
        return Vec::new();
    }
    match output.take(stream, text) {
        Piece::Say(text) => vec![said(call, stream, text)],
        Piece::Kept => Vec::new(),
        Piece::SayAndCut(text) => {
            let notice = "the output is longer than the log takes; its end follows when the command has ended";
            let notice = Notice::new(NoticeLevel::Warning, "output_cut", notice);
            vec![said(call, stream, text), notice.into()]
        }
    }
}

fn said(call: &CallId, stream: OutputStream, text: String) -> Event {
    ToolOutput {
        call: call.clone(),
        stream,
        text,
    }
    .into()
}

fn completed(call: &CallId, status: ToolStatus, result: Value) -> Event {
    ToolCompleted {
        call: call.clone(),
        status,
        result,
    }
    .into()
}

/// A character may be cut between two pieces of one stream.
#[derive(Default)]
struct Decoders {
    stdout: Utf8Decoder,
    stderr: Utf8Decoder,
}

impl Decoders {
    fn take(&mut self, stream: Stream, bytes: &[u8]) -> (OutputStream, String) {
        match stream {
            Stream::Stdout => (OutputStream::Stdout, self.stdout.push(bytes)),
            Stream::Stderr => (OutputStream::Stderr, self.stderr.push(bytes)),
        }
    }

    fn finish(&mut self) -> [(OutputStream, String); 2] {
        [
            (OutputStream::Stdout, self.stdout.finish().to_owned()),
            (OutputStream::Stderr, self.stderr.finish().to_owned()),
        ]
    }
}
