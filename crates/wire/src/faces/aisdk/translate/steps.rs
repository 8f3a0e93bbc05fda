//! Steps, as the client counts them.

use run::MessageId;

use super::super::chunk::Chunk;
use super::super::lines::Lines;
use super::Translator;

/// The step under way, as the client counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    None,
    /// With the message that all of it belongs to, if one does.
    Open {
        parts_of: PartsOf,
    },
}

/// Whose parts a step has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PartsOf {
    Nobody,
    One(MessageId),
    Several,
}

impl Translator {
    pub(super) fn open_step(&mut self, lines: &mut Lines) {
        lines.put(&Chunk::StartStep);
        self.was_at_client = false;
        self.step = Step::Open {
            parts_of: PartsOf::Nobody,
        };
    }

    pub(super) fn close_step(&mut self, lines: &mut Lines) {
        if self.step != Step::None {
            lines.put(&Chunk::FinishStep);
            self.step = Step::None;
        }
    }

    /// Notes whose part comes now; opens a step if none is open.
    pub(super) fn belongs(&mut self, message: Option<&MessageId>, lines: &mut Lines) {
        if self.step == Step::None {
            self.open_step(lines);
        }
        let Step::Open { parts_of } = &mut self.step else {
            return;
        };
        let is_its = |one: &MessageId| Some(one) == message;
        *parts_of = match (&*parts_of, message) {
            (PartsOf::Nobody, Some(message)) => PartsOf::One(message.clone()),
            (PartsOf::One(one), Some(_)) if is_its(one) => return,
            (PartsOf::Nobody | PartsOf::One(_) | PartsOf::Several, _) => PartsOf::Several,
        };
    }

    pub(super) fn close_parts(&mut self, lines: &mut Lines) {
        for open in self.messages.values_mut() {
            open.close(lines);
        }
    }
}
