//! What a client's messages ask of an agent.

use run::{ChatMessage, Input, Part, Role};

use super::posted::PostedMessage;

/// What a person says: the last message, where it is the person's.
pub fn said(messages: &[PostedMessage]) -> Option<(&PostedMessage, Vec<Part>)> {
    let last = messages
        .last()
        .filter(|message| message.role == Role::User)?;
    Some((last, last.said()))
}

/// The whole conversation as the client shows it, in place of the thread's history. Of an answer a model is told what it said;
/// what its tools did is not part of it.
pub fn own_conversation(messages: &[PostedMessage]) -> Input {
    let messages = messages.iter().filter_map(|message| {
        let parts = message.said();
        (!parts.is_empty()).then(|| ChatMessage {
            id: message.id.clone(),
            role: message.role,
            parts,
        })
    });
    Input {
        messages: Some(messages.collect()),
        ..Input::default()
    }
}
