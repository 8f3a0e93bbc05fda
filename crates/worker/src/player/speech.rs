//! What a player says: pieces of text become messages and steps.

use run::event::{MessageCompleted, MessageStarted, StepFinished, StepStarted, TextDelta};
use run::{Event, InputId, MessageId, Part, Role, StepId, Usage};

use super::{Action, OpenMessage, OpenStep, Player, position};
use crate::limits::{COMPLETED_BYTES, SCRIPT_MESSAGE_BYTES, SCRIPT_PIECE_BYTES, SCRIPT_WORDS};
use crate::script::{Said, Say, Words};
use crate::voice::Voice;

impl Player {
    /// A steer's acknowledgement is a message of its own, which carries the input's id in its own: so it is told apart
    /// from the words of the script.
    pub(super) fn say_acknowledgement(&mut self, input: &InputId, text: String) {
        self.complete_message();
        self.begin_step();
        self.count_words(&text);
        self.count.messages += 1;
        let id = position::acknowledging(self.count.messages, input);
        // A longer one would not fit into an event: what the delta said stays.
        let parts = (text.len() <= COMPLETED_BYTES).then(|| vec![Part::text(text.clone())]);
        self.write([
            MessageStarted {
                message: id.clone(),
                role: Role::Assistant,
            }
            .into(),
            TextDelta {
                message: id.clone(),
                part: 0,
                text,
            }
            .into(),
            MessageCompleted {
                message: id,
                parts,
                interrupted: false,
            }
            .into(),
        ]);
    }

    pub(super) fn say(&mut self, say: &Say) {
        let mut text = String::new();
        let n_words = match (&say.words, say.per_second) {
            (Words::Made { .. }, None) => SCRIPT_WORDS,
            (Words::Made { .. }, Some(_)) | (Words::Given(_), _) => 1,
        };
        for _ in 0..n_words {
            match say.words.next(&mut self.said) {
                Some(piece) => text.push_str(&piece),
                None => break,
            }
            if text.len() >= SCRIPT_PIECE_BYTES {
                break;
            }
        }
        if text.is_empty() {
            self.at += 1;
            self.said = Said::default();
            self.n_paced = 0;
            return;
        }
        if self
            .message
            .as_ref()
            .is_some_and(|open| open.bytes >= SCRIPT_MESSAGE_BYTES)
        {
            self.complete_message();
        }
        self.begin_step();
        self.count_words(&text);
        let mut events = self.begin_message();
        events.extend(self.add(say.voice, text));
        match say.per_second {
            None => self.write(events),
            Some(per_second) => {
                let n = self.n_paced;
                self.n_paced += 1;
                self.plan.push_back(Action::Pace {
                    events,
                    n,
                    per_second,
                });
            }
        }
    }

    fn begin_message(&mut self) -> Vec<Event> {
        if self.message.is_some() {
            return Vec::new();
        }
        self.count.messages += 1;
        let id = MessageId::nth(self.count.messages);
        self.message = Some(OpenMessage {
            id: id.clone(),
            parts: Vec::new(),
            bytes: 0,
        });
        let started = MessageStarted {
            message: id,
            role: Role::Assistant,
        };
        vec![started.into()]
    }

    /// The delta that adds a text to the open message.
    fn add(&mut self, voice: Voice, text: String) -> Option<Event> {
        let open = self.message.as_mut()?;
        open.bytes += text.len();
        Some(voice.add(&mut open.parts, &open.id, text))
    }

    pub(super) fn complete_message(&mut self) {
        if let Some(open) = self.message.take() {
            self.last_message = Some(open.id.clone());
            let completed = MessageCompleted {
                message: open.id,
                parts: Some(open.parts),
                interrupted: false,
            };
            self.write([completed.into()]);
        }
    }

    pub(super) fn begin_step(&mut self) {
        if self.step.is_none() {
            self.count.steps += 1;
            let id = StepId::nth(self.count.steps);
            self.step = Some(OpenStep {
                id: id.clone(),
                n_words: 0,
            });
            self.write([StepStarted {
                step: id,
                model: None,
            }
            .into()]);
        }
    }

    fn count_words(&mut self, text: &str) {
        if let Some(step) = &mut self.step {
            step.n_words += text.split_whitespace().count() as u64;
        }
    }

    pub(super) fn finish_step(&mut self) {
        if let Some(step) = self.step.take() {
            self.last_message = None;
            let usage = Usage {
                output_tokens: step.n_words,
                ..Usage::default()
            };
            self.write([StepFinished {
                step: step.id,
                usage,
                finish_reason: None,
            }
            .into()]);
        }
    }
}
