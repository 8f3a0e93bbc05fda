//! Messages: their parts as they grow, and what becomes of them.

use std::collections::BTreeMap;

use run::event::MessageCompleted;
use run::{Event, MessageId, Part};
use serde_json::Value;

use super::super::aside::{self, Kept};
use super::super::chunk::{Chunk, Origin};
use super::super::lines::Lines;
use super::super::view::Dialect;
use super::{PartsOf, Step, Translator, put_data};

/// A message that is being written.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) shown: Shown,
    /// Bytes of each part that were told.
    pub(super) told: BTreeMap<u32, usize>,
    /// The part that grows.
    pub(super) at: Option<At>,
}

/// How a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Full,
    Blank,
    Not,
}

/// The part that grows.
#[derive(Debug)]
pub(super) struct At {
    pub(super) part: u32,
    pub(super) voice: Voice,
    pub(super) id: String,
}

/// What a part is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Text,
    Reasoning,
}

impl Translator {
    pub(super) fn spoken(
        &mut self,
        message: &MessageId,
        part: (u32, Voice),
        text: &str,
        lines: &mut Lines,
    ) {
        let json = Value::from(text).to_string();
        self.delta(message, part, &json, text.len(), lines);
    }

    /// More of a part, its text as JSON.
    pub(super) fn delta(
        &mut self,
        message: &MessageId,
        (part, voice): (u32, Voice),
        json_text: &str,
        n_bytes: usize,
        lines: &mut Lines,
    ) {
        let Some(open) = self.messages.get(message) else {
            return;
        };
        if open.shown == Shown::Not {
            return;
        }
        let grows = |at: &At| at.part == part && at.voice == voice;
        if !open.at.as_ref().is_some_and(grows) {
            self.open_part(message, part, voice, lines);
        }
        let Some(open) = self.messages.get_mut(message) else {
            return;
        };
        let told = open.told.entry(part).or_default();
        *told = told.saturating_add(n_bytes);
        if let Some(at) = &open.at {
            let text = match open.shown {
                Shown::Full => json_text,
                Shown::Blank | Shown::Not => "\"\"",
            };
            lines.put_delta(voice.delta(), &at.id, text);
        }
    }

    pub(super) fn open_part(
        &mut self,
        message: &MessageId,
        part: u32,
        voice: Voice,
        lines: &mut Lines,
    ) {
        self.belongs(Some(message), lines);
        let Some(open) = self.messages.get_mut(message) else {
            return;
        };
        open.close(lines);
        let id = format!("{message}.{part}");
        let provider_metadata = Origin::of(message.as_str());
        lines.put(&match voice {
            Voice::Text => Chunk::TextStart {
                id: &id,
                provider_metadata,
            },
            Voice::Reasoning => Chunk::ReasoningStart {
                id: &id,
                provider_metadata,
            },
        });
        open.at = Some(At { part, voice, id });
    }

    /// The message is whole: what was not streamed of it is told.
    pub(super) fn complete(&mut self, completed: &MessageCompleted, lines: &mut Lines) {
        let message = &completed.message;
        let Some(open) = self.messages.get(message) else {
            return;
        };
        let shown = open.shown;
        if shown != Shown::Not {
            for (n, part) in completed.parts.iter().flatten().enumerate() {
                let n = u32::try_from(n).unwrap_or(u32::MAX);
                self.complete_part(message, n, part, lines);
            }
        }
        if let Some(mut open) = self.messages.remove(message) {
            open.close(lines);
        }
    }

    pub(super) fn complete_part(
        &mut self,
        message: &MessageId,
        n: u32,
        part: &Part,
        lines: &mut Lines,
    ) {
        let id = format!("{message}.{n}");
        match part {
            Part::Text { text, .. } => self.complete_text(message, (n, Voice::Text), text, lines),
            Part::Reasoning { text, .. } => {
                self.complete_text(message, (n, Voice::Reasoning), text, lines);
            }
            Part::Refusal { text } => {
                // Streamed, it came as text.
                let Some(open) = self.messages.get(message) else {
                    return;
                };
                if open.told.contains_key(&n) {
                    return self.complete_text(message, (n, Voice::Text), text, lines);
                }
                self.belongs(Some(message), lines);
                lines.put(&Chunk::TextStart {
                    id: &id,
                    provider_metadata: Origin::refusal(message.as_str()),
                });
                lines.put(&Chunk::TextDelta {
                    id: &id,
                    delta: text,
                });
                lines.put(&Chunk::TextEnd { id: &id });
            }
            Part::Source { url, title } => {
                self.belongs(Some(message), lines);
                lines.put(&Chunk::SourceUrl {
                    source_id: &id,
                    url,
                    title: title.as_deref(),
                });
            }
            Part::File {
                media_type, url, ..
            } => {
                self.belongs(Some(message), lines);
                lines.put(&Chunk::File { url, media_type });
            }
        }
    }

    /// Tells what deltas have left out of a part.
    pub(super) fn complete_text(
        &mut self,
        message: &MessageId,
        (n, voice): (u32, Voice),
        text: &str,
        lines: &mut Lines,
    ) {
        let Some(open) = self.messages.get_mut(message) else {
            return;
        };
        let told = open.told.get(&n).copied().unwrap_or(0);
        let is_growing = open.at.as_ref().is_some_and(|at| at.part == n);
        // Behind the end of a part nothing can be added to it.
        if let Some(rest) = text.get(told..)
            && !rest.is_empty()
            && (is_growing || told == 0)
        {
            let rest = rest.to_owned();
            self.spoken(message, (n, voice), &rest, lines);
        }
        if let Some(open) = self.messages.get_mut(message)
            && open.at.as_ref().is_some_and(|at| at.part == n)
        {
            open.close(lines);
        }
    }

    /// A message is to be forgotten while the client looks on.
    pub(super) fn discard(&mut self, message: &MessageId, event: &Event, lines: &mut Lines) {
        let Some(mut open) = self.messages.remove(message) else {
            return;
        };
        if open.shown == Shown::Not {
            return;
        }
        open.close(lines);
        let alone = Step::Open {
            parts_of: PartsOf::One(message.clone()),
        };
        if self.view.dialect == Dialect::V7 && self.step == alone {
            lines.put(&Chunk::ResetStep);
            // Its calls went with the step.
            let prefix = message;
            let gone: Vec<_> = self
                .calls
                .iter()
                .filter(|(_, call)| call.message.as_ref() == Some(prefix))
                .map(|(id, _)| id.clone())
                .collect();
            for call in gone {
                self.calls.remove(&call);
                self.hidden_calls.insert(call);
            }
            self.step = Step::Open {
                parts_of: PartsOf::Nobody,
            };
        } else {
            // The parts stay in the client's message; this tells which of them a page should not show.
            put_data(
                event,
                Kept::Under(message.to_string()),
                &aside::data(event),
                lines,
            );
        }
    }
}

impl Open {
    /// Ends the part that grows.
    pub(super) fn close(&mut self, lines: &mut Lines) {
        if let Some(at) = self.at.take() {
            lines.put(&match at.voice {
                Voice::Text => Chunk::TextEnd { id: &at.id },
                Voice::Reasoning => Chunk::ReasoningEnd { id: &at.id },
            });
        }
    }
}

impl Voice {
    pub(super) fn delta(self) -> &'static str {
        match self {
            Self::Text => "text-delta",
            Self::Reasoning => "reasoning-delta",
        }
    }
}
