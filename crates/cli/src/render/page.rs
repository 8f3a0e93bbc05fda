//! Text that grows at the bottom of a terminal, with one status line below it that comes and goes.
//!
//! The terminal wraps long lines itself, so that what is copied from it has no line breaks of ours. The column is
//! counted along, because after the status line was drawn the cursor has to go back to where the text ended.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::{Tone, paint};

/// Every so many columns a tab ends.
const TAB: usize = 8;

/// A terminal that is written to.
pub(crate) struct Page<W> {
    out: W,
    colour: bool,
    width: usize,
    /// Columns of the line that are taken; `width` when the next character wraps.
    column: usize,
    status: Option<Drawn>,
}

/// The status line as it stands there.
struct Drawn {
    text: String,
    width: usize,
}

impl<W: Write> Page<W> {
    pub(crate) fn new(out: W, width: usize, colour: bool) -> Self {
        Self {
            out,
            colour,
            width: width.max(2),
            column: 0,
            status: None,
        }
    }

    /// The columns of the terminal now.
    pub(crate) fn resize(&mut self, width: usize) {
        self.width = width.max(2);
    }

    /// Whether the next character begins a line.
    pub(crate) fn is_at_line_start(&self) -> bool {
        self.column == 0
    }

    /// Writes clean text where the last text ended.
    pub(crate) fn text(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        self.erase_status()?;
        self.follow(text);
        // A tone never reaches over a line break: some terminals fill the rest of the line with it.
        for (n, line) in text.split('\n').enumerate() {
            if n > 0 {
                self.out.write_all(b"\n")?;
            }
            if !line.is_empty() {
                self.out
                    .write_all(paint(self.colour, tone, line).as_bytes())?;
            }
        }
        Ok(())
    }

    /// Begins a new line unless at the start of one.
    pub(crate) fn fresh_line(&mut self) -> io::Result<()> {
        if self.column > 0 {
            self.text(Tone::Plain, "\n")?;
        }
        Ok(())
    }

    /// Writes a line of its own.
    pub(crate) fn line(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        self.fresh_line()?;
        self.text(tone, text)?;
        self.text(Tone::Plain, "\n")
    }

    /// Shows one line of status, cut to fit, or none.
    pub(crate) fn status(&mut self, text: Option<&str>) -> io::Result<()> {
        let Some(text) = text else {
            self.erase_status()?;
            return self.out.flush();
        };
        let text = fitted(text, self.width - 1);
        let same = self
            .status
            .as_ref()
            .is_some_and(|drawn| drawn.text == text && drawn.width == self.width);
        if !same {
            let in_place = self
                .status
                .as_ref()
                .is_some_and(|drawn| drawn.width == self.width);
            if in_place {
                self.out.write_all(b"\r\x1b[K")?;
            } else {
                self.erase_status()?;
                if self.column > 0 {
                    self.out.write_all(b"\n")?;
                }
            }
            self.out
                .write_all(paint(self.colour, Tone::Dim, &text).as_bytes())?;
            self.status = Some(Drawn {
                text,
                width: self.width,
            });
        }
        self.out.flush()
    }

    #[cfg(test)]
    pub(super) fn written(&self) -> &W {
        &self.out
    }

    fn erase_status(&mut self) -> io::Result<()> {
        let Some(drawn) = self.status.take() else {
            return Ok(());
        };
        self.out.write_all(b"\r\x1b[K")?;
        if drawn.width != self.width {
            // The terminal has moved the text about, so nobody knows where it ends.
            self.column = 0;
        } else if self.column == self.width {
            // The line was full: the next character belongs where the status line was.
            self.column = 0;
        } else if self.column > 0 {
            write!(self.out, "\x1b[1A\x1b[{}G", self.column + 1)?;
        }
        Ok(())
    }

    /// Moves the column along a text as the terminal does.
    fn follow(&mut self, text: &str) {
        for c in text.chars() {
            self.column = match c {
                '\n' => 0,
                '\t' => (self.column / TAB * TAB + TAB).min(self.width - 1),
                c => {
                    let width = c.width().unwrap_or(0);
                    if self.column + width > self.width {
                        width
                    } else {
                        self.column + width
                    }
                }
            };
        }
    }
}

/// The beginning of a text that takes at most so many columns.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut taken = 1;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}
