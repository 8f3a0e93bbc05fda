//! A log as the server-sent events of this face: bytes in, bytes out.

use run::{Seq, frame};

use super::event::{Event, write, write_data};
use super::translate::{Flow, Translator};
use super::view::View;

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
            if seq < self.translator.view().extent.first_seq()
                && frame::kind(frame).is_some_and(Translator::is_passed_by)
            {
                continue;
            }
            let Some(envelope) = frame::parse(frame) else {
                continue;
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
            if flow == Flow::Ended {
                return Flow::Ended;
            }
        }
        Flow::GoOn
    }
}
