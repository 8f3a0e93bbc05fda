//! The short way of the many frames that say more of a text under way: neither an event nor a copy is made.

use std::borrow::Cow;
use std::io::Write;

use run::{Seq, frame};
use serde::Deserialize;

use super::speech::Voice;
use super::translate::Translation;

/// More of a part, borrowed from its frame.
#[derive(Deserialize)]
struct Delta<'f> {
    #[serde(borrow)]
    message: Cow<'f, str>,
    part: u32,
    #[serde(borrow)]
    text: Cow<'f, str>,
}

impl Translation {
    /// Takes the next frame of the log and prints what comes of it, but for the end.
    pub fn take_frame(&mut self, frame: &[u8], out: &mut Vec<u8>) {
        if self.goes_on()
            && (self.say_more(frame, Voice::Text, out)
                || self.say_more(frame, Voice::Reasoning, out))
        {
            return;
        }
        if let Some(envelope) = frame::parse(frame) {
            self.take(envelope);
            self.drain().for_each(|event| event.print(out));
        }
    }

    /// Takes a frame that says more of the piece under way; false for any other, of which nothing was taken.
    fn say_more(&mut self, frame: &[u8], voice: Voice, out: &mut Vec<u8>) -> bool {
        let (kind, type_, end) = match voice {
            Voice::Text => (
                "text.delta",
                "response.output_text.delta",
                &b",\"logprobs\":[]}\n\n"[..],
            ),
            Voice::Reasoning => (
                "reasoning.delta",
                "response.reasoning_text.delta",
                &b"}\n\n"[..],
            ),
        };
        let Some((seq, data)) = frame::data_of(frame, kind) else {
            return false;
        };
        let Ok(delta) = serde_json::from_str::<Delta<'_>>(data) else {
            return false;
        };
        self.print_delta(seq, &delta, voice, (type_, end), out)
    }

    fn print_delta(
        &mut self,
        seq: Seq,
        delta: &Delta<'_>,
        voice: Voice,
        (kind, end): (&str, &[u8]),
        out: &mut Vec<u8>,
    ) -> bool {
        let mut messages = self.messages.iter_mut();
        let Some((message, spoken)) = messages.find(|(id, _)| id.as_str() == delta.message) else {
            return false;
        };
        let Some((place, text)) = spoken.under_way(delta.part, voice) else {
            return false;
        };
        if self.about.discarded.contains(message) {
            return false;
        }
        text.push_str(&delta.text);
        self.numbers.move_to(seq);
        let number = self.numbers.pass();
        if !self.numbers.shows || !self.numbers.wants(number) {
            return true;
        }
        for piece in ["event: ", kind, "\ndata: {\"type\":\"", kind] {
            out.extend_from_slice(piece.as_bytes());
        }
        write!(
            out,
            "\",\"sequence_number\":{number},\"item_id\":\"{}\",\"output_index\":{},\"content_index\":{},\"delta\":",
            place.item_id, place.output_index, place.content_index
        )
        .expect("a Vec takes all bytes");
        serde_json::to_writer(&mut *out, &delta.text).expect("a text can be printed");
        out.extend_from_slice(end);
        true
    }
}
