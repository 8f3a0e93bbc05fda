//! Tool calls: what they print is dim, and each ends as one line with a sign and its time.

use std::collections::BTreeMap;
use std::io::{self, Write};

use run::event::{OutputStream, ToolStatus};
use run::{CallId, DriverKind, Event, Timestamp};
use serde_json::Value;

use super::clean::{clean, clean_line};
use super::live::LINE_CHARS;
use super::page::Page;
use super::style::Tone;
use super::words::{brief, duration};

/// Lines of one call's output that are shown; the log has all of them.
const OUTPUT_LINES: usize = 200;

/// The calls that are open.
#[derive(Debug, Default)]
pub(super) struct Tools {
    open: BTreeMap<CallId, Call>,
    /// What they print is the answer: the agent is a command.
    is_answer: bool,
}

#[derive(Debug)]
struct Call {
    name: String,
    title: Option<String>,
    args: Value,
    since: Timestamp,
    n_lines: usize,
}

impl Tools {
    /// The name of the call that is open the longest, how long it is, and how many others are.
    pub(super) fn at_work(&self, now: Timestamp) -> Option<(String, u64, usize)> {
        let call = self.open.values().min_by_key(|call| call.since)?;
        let name = call.title.as_deref().unwrap_or(&call.name);
        Some((
            clean_line(name, 40),
            now.ms_since(call.since),
            self.open.len() - 1,
        ))
    }

    /// Shows an event if it is about a call.
    pub(super) fn take<W: Write>(
        &mut self,
        at: Timestamp,
        event: &Event,
        page: &mut Page<W>,
    ) -> io::Result<bool> {
        match event {
            Event::RunCreated(run) => {
                self.is_answer = run.driver == DriverKind::Command;
                return Ok(false);
            }
            Event::ToolStarted(started) => {
                let call = Call {
                    name: started.name.clone(),
                    title: started.title.clone(),
                    args: Value::Null,
                    since: at,
                    n_lines: 0,
                };
                self.open.insert(started.call.clone(), call);
            }
            Event::ToolCalled(called) => {
                if let Some(call) = self.open.get_mut(&called.call) {
                    call.args = called.args.clone();
                }
            }
            Event::ToolRunning(running) => {
                if let Some(call) = self.open.get_mut(&running.call) {
                    call.since = at;
                }
            }
            Event::ToolUpdated(updated) => {
                if let (Some(call), Some(title)) =
                    (self.open.get_mut(&updated.call), &updated.title)
                {
                    call.title = Some(title.clone());
                }
            }
            Event::ToolOutput(output) if self.is_answer => {
                let tone = match output.stream {
                    OutputStream::Stdout => Tone::Plain,
                    OutputStream::Stderr => Tone::Dim,
                };
                page.text(tone, &clean(&output.text))?;
            }
            Event::ToolOutput(output) => {
                if let Some(call) = self.open.get_mut(&output.call) {
                    call.show(&output.text, page)?;
                }
            }
            Event::ToolCompleted(completed) => {
                let call = self.open.remove(&completed.call);
                let (line, tone) = line(call.as_ref(), at, completed.status, &completed.result);
                page.line(tone, &clean_line(&line, LINE_CHARS))?;
            }
            Event::ToolArgsDelta(_) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Call {
    fn show<W: Write>(&mut self, text: &str, page: &mut Page<W>) -> io::Result<()> {
        if self.n_lines > OUTPUT_LINES {
            return Ok(());
        }
        for piece in clean(text).split_inclusive('\n') {
            if self.n_lines == OUTPUT_LINES {
                self.n_lines += 1;
                return page.line(Tone::Dim, "│ … more output; `outlive show` has all of it");
            }
            if page.is_at_line_start() {
                page.text(Tone::Dim, "│ ")?;
            }
            page.text(Tone::Dim, piece)?;
            self.n_lines += usize::from(piece.ends_with('\n'));
        }
        Ok(())
    }
}

fn line(call: Option<&Call>, at: Timestamp, status: ToolStatus, result: &Value) -> (String, Tone) {
    let (sign, tone, word) = match status {
        ToolStatus::Ok => ("✓", Tone::Good, ""),
        ToolStatus::Failed => ("✗", Tone::Bad, "failed"),
        ToolStatus::Denied => ("✗", Tone::Bad, "denied"),
        ToolStatus::Interrupted => ("✗", Tone::Warn, "interrupted"),
        ToolStatus::Unknown => ("?", Tone::Warn, "outcome unknown"),
    };
    let name = call.map_or("tool", |call| call.title.as_deref().unwrap_or(&call.name));
    let mut line = format!("{sign} {name}");
    // A title says what is done; without one the arguments do.
    let untitled = call.filter(|call| call.title.is_none());
    let args = untitled.map_or(String::new(), |call| brief(&call.args, 60));
    if !args.is_empty() {
        line = format!("{line} {args}");
    }
    if !word.is_empty() {
        line = format!("{line} {word}");
        let why = brief(result, 60);
        if !why.is_empty() {
            line = format!("{line}: {why}");
        }
    }
    if let Some(call) = call {
        line = format!("{line}  {}", duration(at.ms_since(call.since)));
    }
    (line, tone)
}
