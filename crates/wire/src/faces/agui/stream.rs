//! A log as the server-sent events of this face: bytes in, bytes out.

use run::{Seq, frame};

use super::event::{Event, write, write_data};
use super::translate::{Flow, Translator};
use super::view::View;
use crate::limits::JOINED_DELTA_BYTES;

/// Translates the frames of one run's log, from its beginning.
#[derive(Debug)]
pub struct Reading {
    translator: Translator,
    /// The number of the last event that is read without being told.
    start: Seq,
    /// How many of the events that the next one becomes are not told.
    skip: usize,
    is_begun: bool,
    events: Vec<Event>,
    joined: Joined,
}

/// Pieces of one text that are told as one: a replay is some long events instead of many short ones.
#[derive(Debug, Default)]
struct Joined {
    /// The id of the message, as JSON; empty when there is nothing.
    message: String,
    /// The pieces, as JSON escapes them.
    escaped: String,
    last: Seq,
}

impl Reading {
    /// A client that reads this.
    pub fn new(view: View) -> Self {
        Self {
            start: view.start(),
            skip: view.cursor.skip,
            translator: Translator::new(view),
            is_begun: false,
            events: Vec::new(),
            joined: Joined::default(),
        }
    }

    /// The number of the last event that is read without being told. It has to be in the log.
    pub fn start(&self) -> Seq {
        self.start
    }

    /// What is told now that everything up to [`Reading::start`] was taken. Called once, and by [`Reading::take`] when
    /// the first event behind it comes.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.is_begun, true) {
            return;
        }
        for event in self.translator.opening() {
            write_data(out, &event);
        }
    }

    /// Takes the next frames of the log. Nothing is taken behind the end.
    pub fn take(&mut self, frames: &[u8], out: &mut Vec<u8>) -> Flow {
        for frame in frame::split(frames) {
            let Some(seq) = frame::seq(frame) else {
                continue;
            };
            if self.take_text(seq, frame, out) {
                continue;
            }
            self.joined.write(out);
            if self.take_one(seq, frame, out) == Flow::Ended {
                return Flow::Ended;
            }
        }
        self.joined.write(out);
        Flow::GoOn
    }

    /// Most of a log is text that goes on: it is passed on as it stands there.
    fn take_text(&mut self, seq: Seq, frame: &[u8], out: &mut Vec<u8>) -> bool {
        let is_told = self.is_begun && seq > self.start && self.skip == 0;
        let Some(text) = frame::text_delta(frame).filter(|_| is_told) else {
            return false;
        };
        let Some(message) = self.translator.going_on(text.message) else {
            return false;
        };
        message.sent.add_escaped(text.escaped);
        let is_other = self.joined.message != message.quoted;
        let room = JOINED_DELTA_BYTES.saturating_sub(self.joined.escaped.len());
        if is_other || room < text.escaped.len() {
            self.joined.write(out);
            self.joined.message.clone_from(&message.quoted);
        }
        self.joined.escaped.push_str(text.escaped);
        self.joined.last = seq;
        true
    }

    fn take_one(&mut self, seq: Seq, frame: &[u8], out: &mut Vec<u8>) -> Flow {
        if seq < self.translator.view().extent.first_seq()
            && frame::kind(frame).is_some_and(Translator::is_passed_by)
        {
            return Flow::GoOn;
        }
        let Some(envelope) = frame::parse(frame) else {
            return Flow::GoOn;
        };
        if seq > self.start {
            self.begin(out);
        }
        self.events.clear();
        let flow = self.translator.take(&envelope, &mut self.events);
        if seq > self.start {
            let skip = std::mem::take(&mut self.skip);
            write(out, seq, skip, &self.events);
        }
        flow
    }
}

impl Joined {
    fn write(&mut self, out: &mut Vec<u8>) {
        if self.escaped.is_empty() {
            return;
        }
        for piece in [
            "id: ",
            &self.last.to_string(),
            "\ndata: {\"type\":\"TEXT_MESSAGE_CONTENT\",\"messageId\":",
            &self.message,
            ",\"delta\":\"",
            &self.escaped,
            "\"}\n\n",
        ] {
            out.extend_from_slice(piece.as_bytes());
        }
        self.escaped.clear();
    }
}
