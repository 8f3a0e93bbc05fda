//! Messages of a wire on which two sides take turns: neighbours of one side are one message there.

use serde_json::{Value, json};

#[derive(Debug, Default)]
pub(crate) struct Turns(Vec<(&'static str, Vec<Value>)>);

impl Turns {
    /// Adds what a side says; nothing if that is nothing.
    pub(crate) fn add(&mut self, role: &'static str, pieces: Vec<Value>) {
        match self.0.last_mut() {
            _ if pieces.is_empty() => {}
            Some((last, said)) if *last == role => said.extend(pieces),
            Some(_) | None => self.0.push((role, pieces)),
        }
    }

    /// The messages, with their pieces in the member `field`.
    pub(crate) fn into_messages(self, field: &str) -> Value {
        self.0
            .into_iter()
            .map(|(role, pieces)| json!({ "role": role, field: pieces }))
            .collect()
    }
}
