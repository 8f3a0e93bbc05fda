//! How a piece of text is printed: but for the number and the text, each event of a text is as the one before.

use std::sync::Arc;

use super::event::Place;
use super::speech::Voice;

/// The printer of the text under way.
#[derive(Debug, Default)]
pub(super) struct DeltaLine {
    item_id: Option<Arc<str>>,
    content_index: usize,
    /// Before the number.
    head: String,
    /// Between the number and the text.
    middle: String,
    /// Behind the text.
    end: &'static str,
}

impl DeltaLine {
    /// Prints a piece of text, which is escaped already, as [`Numbered::print`](super::Numbered::print) does.
    pub(super) fn print(
        &mut self,
        place: &Place,
        voice: Voice,
        number: u64,
        escaped: &str,
        out: &mut Vec<u8>,
    ) {
        // An item has one voice.
        if self.item_id.as_ref() != Some(&place.item_id)
            || self.content_index != place.content_index
        {
            self.begin(place, voice);
        }
        out.extend_from_slice(self.head.as_bytes());
        serde_json::to_writer(&mut *out, &number).expect("a number can be printed");
        for piece in [&self.middle, escaped, self.end] {
            out.extend_from_slice(piece.as_bytes());
        }
    }

    fn begin(&mut self, place: &Place, voice: Voice) {
        let (kind, end) = match voice {
            Voice::Text => ("response.output_text.delta", "\",\"logprobs\":[]}\n\n"),
            Voice::Reasoning => ("response.reasoning_text.delta", "\"}\n\n"),
        };
        let Place {
            item_id,
            output_index,
            content_index,
        } = place;
        *self = Self {
            item_id: Some(item_id.clone()),
            content_index: *content_index,
            head: format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":"),
            middle: format!(
                ",\"item_id\":\"{item_id}\",\"output_index\":{output_index},\"content_index\":{content_index},\"delta\":\""
            ),
            end,
        };
    }
}
