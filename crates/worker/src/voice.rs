//! Text on its way into a message: the part that grows by it, and the delta that says so.

use run::event::{ReasoningDelta, TextDelta};
use run::{Event, MessageId, Part};

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Part of the answer.
    Text,
    /// A thought.
    Reasoning,
}

impl Voice {
    /// Adds a text to the parts of an open message: to the last one if it is of this voice and its vendor has not closed
    /// it with data, else as a new one.
    pub(crate) fn add(self, parts: &mut Vec<Part>, message: &MessageId, text: String) -> Event {
        let so_far = parts.last_mut().and_then(|part| match (self, part) {
            (Self::Text, Part::Text { text, vendor: None })
            | (Self::Reasoning, Part::Reasoning { text, vendor: None }) => Some(text),
            (Self::Text | Self::Reasoning, _) => None,
        });
        match (so_far, self) {
            (Some(so_far), _) => so_far.push_str(&text),
            (None, Self::Text) => parts.push(Part::text(text.clone())),
            (None, Self::Reasoning) => parts.push(Part::reasoning(text.clone())),
        }
        let part = u32::try_from(parts.len() - 1).unwrap_or(u32::MAX);
        let message = message.clone();
        match self {
            Self::Text => TextDelta {
                message,
                part,
                text,
            }
            .into(),
            Self::Reasoning => ReasoningDelta {
                message,
                part,
                text,
            }
            .into(),
        }
    }

    /// Keeps what the vendor wants back with the last part of this voice that has no such data, else with an empty one.
    pub(crate) fn keep(self, parts: &mut Vec<Part>, data: serde_json::Value) {
        let kept = parts.iter_mut().rev().find_map(|part| match (self, part) {
            (Self::Text, Part::Text { vendor, .. })
            | (Self::Reasoning, Part::Reasoning { vendor, .. }) => {
                Some(vendor).filter(|vendor| vendor.is_none())
            }
            (Self::Text | Self::Reasoning, _) => None,
        });
        let vendor = Some(data);
        match (kept, self) {
            (Some(kept), _) => *kept = vendor,
            (None, Self::Text) => parts.push(Part::Text {
                text: String::new(),
                vendor,
            }),
            (None, Self::Reasoning) => parts.push(Part::Reasoning {
                text: String::new(),
                vendor,
            }),
        }
    }
}
