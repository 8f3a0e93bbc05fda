//! What a codec answers.

use serde::Serialize;

use crate::codec::{Event, Failure, FailureCode, InputId, Level};

/// What a codec answers to anything.
#[derive(Debug, Default, PartialEq)]
pub struct Moves {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What to write to the agent, in order; each with its newline.
    pub frames: Vec<Vec<u8>>,
}

impl Moves {
    pub(crate) fn say(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Sends a value as a line.
    pub(crate) fn send(&mut self, frame: &impl Serialize) {
        let mut line =
            serde_json::to_vec(frame).expect("frames have string keys and a Vec takes all bytes");
        line.push(b'\n');
        self.frames.push(line);
    }

    pub(crate) fn notice(&mut self, level: Level, code: &'static str, text: impl Into<String>) {
        let text = text.into();
        self.say(Event::Notice { level, code, text });
    }

    pub(crate) fn returned(&mut self, input: InputId, why: impl Into<String>) {
        let why = why.into();
        self.say(Event::InputReturned { input, why });
    }

    pub(crate) fn stale(&mut self, request: String) {
        let why = "the agent does not wait for an answer to it".to_owned();
        self.say(Event::AnswerRefused { request, why });
    }
}

pub(crate) fn failed(message: impl Into<String>) -> Failure {
    Failure::new(FailureCode::AgentFailed, message)
}
