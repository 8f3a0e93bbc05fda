//! Frames that have no place.

use std::collections::BTreeSet;

use crate::codec::json::shown;
use crate::codec::{Event, Level, Moves, Raw};
use crate::limits::{ODD_KINDS, RAW_BYTES};

/// Keeps frames that have no place, or names them.
#[derive(Debug)]
pub(crate) struct Odd {
    raw: Raw,
    named: BTreeSet<String>,
}

impl Odd {
    pub(crate) fn new(raw: Raw) -> Self {
        Self {
            raw,
            named: BTreeSet::new(),
        }
    }

    /// A frame of a known kind that says nothing of interest.
    pub(crate) fn aside(&self, frame: &[u8], moves: &mut Moves) {
        match self.raw {
            Raw::Drop => {}
            Raw::Keep if frame.len() <= RAW_BYTES => moves.say(Event::Raw {
                frame: String::from_utf8_lossy(frame).into_owned(),
            }),
            Raw::Keep => {
                let text = format!("a frame of {} bytes was not kept", frame.len());
                moves.notice(Level::Warning, "raw_too_long", text);
            }
        }
    }

    /// A frame of a kind that this version does not know.
    pub(crate) fn unknown(&mut self, kind: &str, frame: &[u8], moves: &mut Moves) {
        let kind = shown(kind);
        if self.raw == Raw::Drop && self.named.len() < ODD_KINDS && !self.named.contains(&kind) {
            let text = format!("the agent sent a frame of an unknown kind: {kind}");
            moves.notice(Level::Info, "unknown_frame", text);
            self.named.insert(kind);
        }
        self.aside(frame, moves);
    }

    /// A line that is no frame at all. Empty ones are nothing.
    pub(crate) fn nonsense(&self, line: &[u8], moves: &mut Moves) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let text = format!(
            "the agent said something outside its protocol: {}",
            shown(&String::from_utf8_lossy(line))
        );
        moves.notice(Level::Warning, "not_a_frame", text);
        self.aside(line, moves);
    }

    /// A line that was too long to be read.
    pub(crate) fn too_long(head: &[u8], moves: &mut Moves) {
        let text = format!(
            "a line of the agent was too long and is lost; it began with {}",
            shown(&String::from_utf8_lossy(head))
        );
        moves.notice(Level::Error, "frame_too_long", text);
    }
}
