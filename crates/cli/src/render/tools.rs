//! Tool calls: what they print is dim, and each ends as one line with a sign and its time.

use std::collections::BTreeMap;
use std::io::{self, Write};

use run::event::{OutputStream, ToolCompleted, ToolKind};
use run::{CallId, DriverKind, Event, Timestamp};
use serde_json::Value;

use super::call::{CallLine, Printed, answer_of};
use super::clean::{clean, clean_line};
use super::live::LINE_CHARS;
use super::page::Page;
use super::style::Tone;
use super::words::duration;

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
    kind: ToolKind,
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
                    kind: started.kind,
                    title: started.title.clone(),
                    ..Call::new(at, started.name.clone())
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
                    if let Some(run) = running.run {
                        let name = clean_line(&call.name, 40);
                        page.line(Tone::Dim, &format!("↳ {name}: outlive attach {run}"))?;
                    }
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
                match self.open.remove(&completed.call) {
                    Some(call) => call.end(at, completed, page)?,
                    // Whoever begins in the middle of a log has not seen its beginning.
                    None => Call::new(at, "tool".to_owned()).end(at, completed, page)?,
                }
            }
            Event::ToolArgsDelta(_) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Call {
    fn new(since: Timestamp, name: String) -> Self {
        Self {
            name,
            kind: ToolKind::Other,
            title: None,
            args: Value::Null,
            since,
            n_lines: 0,
        }
    }

    fn end<W: Write>(
        &self,
        at: Timestamp,
        completed: &ToolCompleted,
        page: &mut Page<W>,
    ) -> io::Result<()> {
        let line = CallLine {
            name: &self.name,
            title: self.title.as_deref(),
            kind: self.kind,
            args: &self.args,
            result: &completed.result,
            printed: if self.n_lines > 0 {
                Printed::Yes
            } else {
                Printed::No
            },
        };
        let (tone, text) = line.text(Some(completed.status));
        let took = duration(at.ms_since(self.since));
        page.line(
            tone,
            &format!("{}  {took}", clean_line(&text, LINE_CHARS * 2)),
        )?;
        match answer_of(self.kind, &completed.result) {
            Some(answer) => page.line(Tone::Dim, &answer),
            None => Ok(()),
        }
    }

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
