//! Where a run goes: a terminal, a pipe, or lines of JSON.

use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write, stderr, stdout};

use run::{Envelope, Timestamp};

use super::clean::clean_line;
use super::live::Live;
use super::plain::Plain;
use super::style::Colour;

/// Columns of a terminal that does not say.
const COLUMNS: usize = 80;

/// The form that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// What fits the output: a terminal or a pipe.
    ForPeople(Colour),
    /// Each event as it came, one line of JSON each.
    Json,
    /// Nothing but notices.
    Silent,
}

/// A run's way out.
pub(crate) enum Output {
    /// A terminal.
    Live(Box<Live<BufWriter<Stdout>>>),
    /// A pipe.
    Plain(Box<Plain<BufWriter<Stdout>, Stderr>>),
    /// Lines of JSON.
    Json(BufWriter<Stdout>),
    /// Nowhere.
    Silent,
}

impl Output {
    /// An output for a run.
    pub(crate) fn new(format: Format, run: &str) -> Self {
        let is_terminal = stdout().is_terminal() && !is_dumb();
        let out = BufWriter::new(stdout());
        match format {
            Format::Json => Self::Json(out),
            Format::Silent => Self::Silent,
            Format::ForPeople(colour) if is_terminal => {
                let colour = colour.wanted(true, no_color());
                let live = Live::new(out, run.to_owned(), columns(), colour);
                Self::Live(Box::new(live))
            }
            Format::ForPeople(_) => {
                Self::Plain(Box::new(Plain::new(out, stderr(), run.to_owned())))
            }
        }
    }

    /// Whether a status line wants to be drawn again and again.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Tells when the run was created, where its first event is not shown.
    pub(crate) fn created(&mut self, at: Timestamp) {
        if let Self::Live(live) = self {
            live.created(at);
        }
    }

    /// Shows an event; `data` is its envelope as it came.
    pub(crate) fn event(&mut self, data: &str, envelope: &Envelope) -> io::Result<()> {
        match self {
            Self::Live(live) => live.event(envelope.at, &envelope.event),
            Self::Plain(plain) => plain.event(envelope.at, &envelope.event),
            Self::Json(out) => writeln!(out, "{data}"),
            Self::Silent => Ok(()),
        }
    }

    /// A line about the connection or the command itself.
    pub(crate) fn notice(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Live(live) => live.notice(text),
            Self::Plain(plain) => plain.notice(text),
            Self::Json(_) | Self::Silent => writeln!(stderr(), "{}", clean_line(text, usize::MAX)),
        }
    }

    /// Draws what changes by itself, and hands over what is gathered.
    pub(crate) fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        match self {
            Self::Live(live) => {
                live.resize(columns());
                live.tick(now)
            }
            Self::Plain(plain) => plain.flush(),
            Self::Json(out) => out.flush(),
            Self::Silent => Ok(()),
        }
    }

    /// Leaves the terminal to others.
    pub(crate) fn rest(&mut self) -> io::Result<()> {
        match self {
            Self::Live(live) => live.rest(),
            Self::Plain(plain) => plain.flush(),
            Self::Json(out) => out.flush(),
            Self::Silent => Ok(()),
        }
    }
}

/// Whether the environment asks for no colour (no-color.org: set and not empty).
pub(crate) fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Whether the terminal knows no control sequences.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The columns of the terminal.
pub(crate) fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(stdout());
    size.ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|columns| *columns > 0)
        .unwrap_or(COLUMNS)
}
