//! A run on a pipe: the answer's text and nothing else; what a person should know goes to the other stream.
//!
//! What is written cannot be taken back, so a message is written when it is complete: half a message may still be
//! discarded and said again.

use std::collections::HashMap;
use std::io::{self, Write};

use run::event::{NoticeLevel, OutputStream};
use run::{DriverKind, Event, MessageId, Role, Timestamp};

use super::clean::clean_line;
use super::live::text_of;
use super::requests;

/// A run as it is written.
pub(crate) struct Plain<W, E> {
    out: W,
    notices: E,
    run: String,
    messages: HashMap<MessageId, (Role, String)>,
    /// Whether text was written that does not end a line.
    in_line: bool,
    wrote: bool,
    answer: Answer,
}

/// What of the run is its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The text of its messages.
    Text,
    /// What its command prints.
    Printed,
    /// Its output, and not the text that it was found in.
    Output,
}

impl<W: Write, E: Write> Plain<W, E> {
    pub(crate) fn new(out: W, notices: E, run: String) -> Self {
        Self {
            out,
            notices,
            run,
            messages: HashMap::new(),
            in_line: false,
            wrote: false,
            answer: Answer::Text,
        }
    }

    /// A line about the connection or the command itself.
    pub(crate) fn notice(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.notices, "{}", clean_line(text, usize::MAX))
    }

    /// Writes what an event adds.
    pub(crate) fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()> {
        match event {
            Event::RunCreated(run) => {
                self.answer = match run.driver {
                    DriverKind::Command => Answer::Printed,
                    DriverKind::Worktree => Answer::Output,
                    _ if run.structured => Answer::Output,
                    DriverKind::Model
                    | DriverKind::Loop
                    | DriverKind::Agui
                    | DriverKind::Pi
                    | DriverKind::Codex
                    | DriverKind::Claude
                    | DriverKind::Acp
                    | DriverKind::Scripted => Answer::Text,
                };
                Ok(())
            }
            Event::ToolOutput(output) if self.answer == Answer::Printed => match output.stream {
                OutputStream::Stdout => self.write(&output.text),
                OutputStream::Stderr => self.notices.write_all(output.text.as_bytes()),
            },
            Event::MessageStarted(message) => {
                let entry = (message.role, String::new());
                self.messages.insert(message.message.clone(), entry);
                Ok(())
            }
            Event::TextDelta(delta) => {
                let message = self.messages.entry(delta.message.clone());
                let (_, text) = message.or_insert((Role::Assistant, String::new()));
                text.push_str(&delta.text);
                Ok(())
            }
            Event::MessageDiscarded(message) => {
                self.messages.remove(&message.message);
                Ok(())
            }
            Event::MessageCompleted(message) => {
                let said = self.messages.remove(&message.message);
                let (role, said) = said.unwrap_or((Role::Assistant, String::new()));
                let text = match &message.parts {
                    Some(parts) => parts.iter().filter_map(text_of).collect(),
                    None => said,
                };
                if role != Role::Assistant || text.is_empty() || self.answer == Answer::Output {
                    return Ok(());
                }
                self.write(&text)?;
                // What was cut short goes on in the next message, in the middle of a line.
                if message.interrupted {
                    Ok(())
                } else {
                    self.end_line()
                }
            }
            Event::RunFinished(end) => {
                if self.answer == Answer::Printed {
                    // Its output has no byte that the command did not write.
                    self.out.flush()?;
                } else {
                    self.end_line()?;
                }
                if let (Some(output), false) =
                    (&end.output, self.wrote || self.answer == Answer::Printed)
                {
                    self.write(&output.to_string())?;
                    self.end_line()?;
                }
                if end.status != run::Status::Succeeded {
                    let error = end.error.as_ref();
                    let why = error.map_or(String::new(), |error| format!(": {}", error.message));
                    self.notice(&format!("{} ({}){why}", end.status, end.reason))?;
                }
                Ok(())
            }
            Event::Notice(notice) => match notice.level {
                NoticeLevel::Info => Ok(()),
                NoticeLevel::Warning | NoticeLevel::Error => {
                    self.notice(&format!("! {}", notice.text))
                }
            },
            event => {
                for (_, line) in requests::lines(&self.run, at, event) {
                    writeln!(self.notices, "{line}")?;
                }
                Ok(())
            }
        }
    }

    /// Hands over what is gathered.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    #[cfg(test)]
    pub(super) fn written(&self) -> (&W, &E) {
        (&self.out, &self.notices)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.in_line = !text.ends_with('\n');
        self.wrote = true;
        Ok(())
    }

    fn end_line(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.in_line) {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}
