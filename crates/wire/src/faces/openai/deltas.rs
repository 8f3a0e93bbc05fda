//! Frames of the log to bytes of the stream. The many that say more of a text under way go a short way: their text is
//! copied as it stands there.

use std::borrow::Cow;

use run::Seq;
use run::frame::{self, TextFrame};

use super::speech::Voice;
use super::translate::Translation;

impl Translation {
    /// Takes the next frames of the log and prints what comes of them, but for the end.
    pub fn take_frames(&mut self, frames: &[u8], out: &mut Vec<u8>) {
        for frame in frame::split(frames) {
            if self.say_more(frame, out) {
                continue;
            }
            if let Some(envelope) = frame::parse(frame) {
                self.take(envelope);
                self.drain().for_each(|event| event.print(out));
            }
        }
    }

    /// Takes a frame that says more of the piece under way; false for any other, of which nothing was taken.
    fn say_more(&mut self, frame: &[u8], out: &mut Vec<u8>) -> bool {
        if !self.goes_on() {
            return false;
        }
        let (voice, said) = if let Some(said) = frame::text_delta(frame) {
            (Voice::Text, said)
        } else if let Some(said) = frame::reasoning_delta(frame) {
            (Voice::Reasoning, said)
        } else {
            return false;
        };
        frame::seq(frame).is_some_and(|seq| self.go_on_saying(seq, voice, said, out))
    }

    fn go_on_saying(
        &mut self,
        seq: Seq,
        voice: Voice,
        said: TextFrame<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(plain) = unescaped(said.escaped) else {
            return false;
        };
        let mut messages = self.messages.iter_mut();
        let Some((message, spoken)) = messages.find(|(id, _)| id.as_str() == said.message) else {
            return false;
        };
        if self.about.discarded.contains(message) {
            return false;
        }
        let Some((place, text)) = spoken.under_way(said.part, voice) else {
            return false;
        };
        text.push_str(&plain);
        self.numbers.move_to(seq);
        let number = self.numbers.pass();
        if self.numbers.shows && self.numbers.wants(number) {
            self.line.print(&place, voice, number, said.escaped, out);
        }
        true
    }
}

/// What JSON escapes so; nothing when it is no inside of a string.
fn unescaped(escaped: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr2(b'\\', b'"', escaped.as_bytes()).is_none() {
        return Some(Cow::Borrowed(escaped));
    }
    serde_json::from_str(&format!("\"{escaped}\""))
        .ok()
        .map(Cow::Owned)
}
