//! A run on a terminal: its text as it comes, everything else in short lines, a status line below.

use std::collections::HashMap;
use std::io::{self, Write};

use run::event::{InputMode, InputReceived, MessageCompleted, NoticeLevel};
use run::{Event, MessageId, Part, Role, Timestamp};

use super::clean::{clean, clean_line};
use super::one_line::one_line;
use super::page::Page;
use super::requests;
use super::status_line::StatusLine;
use super::style::Tone;
use super::tools::Tools;

/// Characters of one line about something.
pub(super) const LINE_CHARS: usize = 160;
/// Characters of the input that are shown.
const INPUT_CHARS: usize = 2_000;

/// A run as it is shown.
pub(crate) struct Live<W> {
    page: Page<W>,
    /// The id, for the commands that are suggested.
    run: String,
    status: StatusLine,
    tools: Tools,
    /// The message and voice that the last text on the page belongs to.
    open: Option<(MessageId, Voice)>,
    messages: HashMap<MessageId, Said>,
    /// Whether the output, and not the text that it was found in, is the answer.
    is_structured: bool,
    /// The text of the last whole message.
    last_answer: String,
}

/// How a message's text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    Answer,
    Reasoning,
}

/// What was shown of a message.
struct Said {
    role: Role,
    answer: String,
    reasoning: bool,
}

impl<W: Write> Live<W> {
    pub(crate) fn new(out: W, run: String, width: usize, colour: bool) -> Self {
        Self {
            page: Page::new(out, width, colour),
            run,
            status: StatusLine::default(),
            tools: Tools::default(),
            open: None,
            messages: HashMap::new(),
            is_structured: false,
            last_answer: String::new(),
        }
    }

    /// The columns of the terminal now.
    pub(crate) fn resize(&mut self, width: usize) {
        self.page.resize(width);
    }

    /// When the run was created, where its first event is not shown.
    pub(crate) fn created(&mut self, at: Timestamp) {
        self.status.created(at);
    }

    /// Draws the status line as it is at a time.
    pub(crate) fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        let line = self.status.line(&self.tools, now);
        self.page.status(line.as_deref())
    }

    /// Takes the status line away: others write to the terminal now.
    pub(crate) fn rest(&mut self) -> io::Result<()> {
        self.page.status(None)?;
        self.page.fresh_line()?;
        self.page.status(None)
    }

    /// A line about the connection or the command itself.
    pub(crate) fn notice(&mut self, text: &str) -> io::Result<()> {
        self.line(Tone::Dim, &clean_line(text, usize::MAX))
    }

    /// Shows an event.
    pub(crate) fn event(&mut self, at: Timestamp, event: &Event) -> io::Result<()> {
        self.status.take(at, event);
        if self.tools.take(at, event, &mut self.page)? {
            self.open = None;
            return Ok(());
        }
        match event {
            Event::RunCreated(run) => {
                self.is_structured = run.structured;
                let head = format!("{} · {} · thread {}", self.run, run.agent, run.thread);
                self.line(Tone::Dim, &clean_line(&head, LINE_CHARS))?;
                self.person("›", &run.input.as_text())
            }
            Event::MessageStarted(message) => {
                let said = Said {
                    role: message.role,
                    answer: String::new(),
                    reasoning: false,
                };
                self.messages.insert(message.message.clone(), said);
                Ok(())
            }
            Event::TextDelta(delta) => self.say(&delta.message, Voice::Answer, &delta.text),
            Event::ReasoningDelta(delta) => self.say(&delta.message, Voice::Reasoning, &delta.text),
            Event::MessageCompleted(message) => self.completed(message),
            Event::MessageDiscarded(discarded) => {
                let shown = self
                    .messages
                    .remove(&discarded.message)
                    .is_some_and(|said| said.reasoning || !said.answer.is_empty());
                if !shown {
                    return Ok(());
                }
                let text = format!(
                    "↩ the text above is taken back and said again: {}",
                    discarded.why
                );
                self.line(Tone::Warn, &clean_line(&text, LINE_CHARS))
            }
            Event::InputReceived(input) => self.input(input),
            Event::InputReturned(input) => {
                let text = format!("↩ input {} was not heard", input.input);
                self.line(Tone::Warn, &clean_line(&text, LINE_CHARS))
            }
            Event::Notice(notice) => {
                let (sign, tone) = match notice.level {
                    NoticeLevel::Info => ("·", Tone::Dim),
                    NoticeLevel::Warning => ("!", Tone::Warn),
                    NoticeLevel::Error => ("✗", Tone::Bad),
                };
                self.line(
                    tone,
                    &clean_line(&format!("{sign} {}", notice.text), LINE_CHARS * 4),
                )
            }
            Event::RunFinished(end) => {
                self.page.fresh_line()?;
                if let (Some(output), true) = (&end.output, self.is_structured) {
                    self.output(output)?;
                }
                let line = self.status.end(at, end);
                let tone = match end.status {
                    run::Status::Succeeded => Tone::Good,
                    run::Status::Failed => Tone::Bad,
                    _ => Tone::Warn,
                };
                self.line(tone, &clean_line(&line, LINE_CHARS * 8))
            }
            event => {
                let lines = requests::lines(&self.run, at, event);
                if !lines.is_empty() {
                    self.open = None;
                    for (tone, text) in lines {
                        self.page.line(tone, &text)?;
                    }
                    return Ok(());
                }
                match one_line(event) {
                    Some((tone, text)) => self.line(tone, &clean_line(&text, LINE_CHARS)),
                    None => Ok(()),
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn written(&self) -> &W {
        self.page.written()
    }

    fn line(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        self.open = None;
        self.page.line(tone, text)
    }

    fn person(&mut self, sign: &str, text: &str) -> io::Result<()> {
        self.open = None;
        let mut text = text.trim().to_owned();
        if let Some((end, _)) = text.char_indices().nth(INPUT_CHARS) {
            text.truncate(end);
            text.push_str(" …");
        }
        for (n, line) in clean(&text).lines().enumerate() {
            let sign = if n == 0 { sign } else { " " };
            self.page.line(Tone::Person, &format!("{sign} {line}"))?;
        }
        Ok(())
    }

    /// The structured output, unless the answer's text reads like it anyway.
    fn output(&mut self, output: &serde_json::Value) -> io::Result<()> {
        let pretty = serde_json::to_string_pretty(output).unwrap_or_default();
        if self.last_answer.trim() == pretty {
            return Ok(());
        }
        self.open = None;
        self.page.text(Tone::Plain, &clean(&pretty))?;
        self.page.fresh_line()
    }

    fn input(&mut self, input: &InputReceived) -> io::Result<()> {
        let sign = match input.mode {
            InputMode::Steer => "› (steer)",
            InputMode::FollowUp => "› (next)",
        };
        let texts: Vec<&str> = input.parts.iter().filter_map(text_of).collect();
        self.person(sign, &texts.join("\n"))
    }

    fn say(&mut self, message: &MessageId, voice: Voice, text: &str) -> io::Result<()> {
        let said = self.messages.entry(message.clone()).or_insert(Said {
            role: Role::Assistant,
            answer: String::new(),
            reasoning: false,
        });
        if said.role != Role::Assistant {
            return Ok(());
        }
        match voice {
            Voice::Answer => said.answer.push_str(text),
            Voice::Reasoning => said.reasoning = true,
        }
        let block = (message.clone(), voice);
        if self.open.as_ref() != Some(&block) {
            self.page.fresh_line()?;
            self.open = Some(block);
        }
        let tone = match voice {
            Voice::Answer => Tone::Plain,
            Voice::Reasoning => Tone::Dim,
        };
        self.page.text(tone, &clean(text))
    }

    /// The parts are the truth: what was not said yet is said, and what was said otherwise is said again.
    fn completed(&mut self, message: &MessageCompleted) -> io::Result<()> {
        let (said, reasoned) = match self.messages.get(&message.message) {
            Some(said) if said.role != Role::Assistant => return Ok(()),
            Some(said) => (said.answer.clone(), said.reasoning),
            None => (String::new(), false),
        };
        for part in message.parts.iter().flatten() {
            match part {
                Part::Reasoning { text, .. } if !reasoned => {
                    self.say(&message.message, Voice::Reasoning, text)?;
                }
                Part::Source { url, title } => {
                    let title = title.as_deref().unwrap_or("source");
                    self.line(
                        Tone::Dim,
                        &clean_line(&format!("⌁ {title}: {url}"), LINE_CHARS),
                    )?;
                }
                Part::File {
                    media_type,
                    url,
                    name,
                } => {
                    let name = name.as_deref().unwrap_or(media_type);
                    let text = format!("⌁ file {name}: {}", clean_line(url, 80));
                    self.line(Tone::Dim, &clean_line(&text, LINE_CHARS))?;
                }
                Part::Reasoning { .. } | Part::Text { .. } | Part::Refusal { .. } => {}
            }
        }
        if let Some(parts) = &message.parts {
            let truth: String = parts.iter().filter_map(text_of).collect();
            if let Some(rest) = truth.strip_prefix(&said) {
                if !rest.is_empty() {
                    self.say(&message.message, Voice::Answer, rest)?;
                }
            } else {
                self.line(Tone::Warn, "↩ the vendor corrected the text above:")?;
                self.say(&message.message, Voice::Answer, &truth)?;
            }
        }
        if let Some(said) = self.messages.remove(&message.message) {
            self.last_answer = said.answer;
        }
        self.open = None;
        Ok(())
    }
}

/// What a part adds to the text of a message.
pub(super) fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text { text, .. } | Part::Refusal { text } => Some(text),
        Part::Reasoning { .. } | Part::Source { .. } | Part::File { .. } => None,
    }
}
