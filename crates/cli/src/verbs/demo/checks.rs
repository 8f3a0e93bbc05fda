//! What the demo proves.

use crate::failure::Failure;
use crate::render::{Tone, paint};
use crate::session::{Session, print};

/// Columns of what is checked.
const COLUMNS: usize = 46;

/// Sentences, each with whether it holds and a number that goes with it.
#[derive(Default)]
pub(super) struct Checks(Vec<(bool, &'static str, String)>);

impl Checks {
    pub(super) fn add(&mut self, holds: bool, what: &'static str, detail: String) {
        self.0.push((holds, what, detail));
    }

    pub(super) fn all_hold(&self) -> bool {
        self.0.iter().all(|(holds, ..)| *holds)
    }

    pub(super) fn print(&self, session: &Session) -> Result<(), Failure> {
        let mut text = String::from("\n");
        for (holds, what, detail) in &self.0 {
            let (sign, tone) = if *holds {
                ("✓", Tone::Good)
            } else {
                ("✗", Tone::Bad)
            };
            let sign = paint(session.colour(), tone, sign);
            let detail = paint(session.colour(), Tone::Dim, detail);
            let line = format!("  {sign} {what:COLUMNS$} {detail}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        let (verdict, tone) = if self.all_hold() {
            ("OK", Tone::Good)
        } else {
            ("FAILED", Tone::Bad)
        };
        text.push_str(&paint(session.colour(), tone, verdict));
        text.push('\n');
        print(&text)
    }
}
