//! What a model is told whose answer does not fit.

use provider::{Message, Role};
use run::bounded_text;

use super::judge::Fault;
use crate::limits::REPAIR_BYTES;

/// The further messages of the request: the model's own answer, and what is wrong with it.
pub(crate) fn repair(answer: &str, fault: &Fault) -> [Message; 2] {
    let answer = bounded_text(answer.to_owned(), REPAIR_BYTES);
    [
        Message::text(Role::Assistant, answer),
        Message::text(Role::User, repair_text(fault)),
    ]
}

/// What the user says to the answer.
fn repair_text(fault: &Fault) -> String {
    format!(
        "That does not fit the JSON Schema of the answer. {}. Answer again with the whole corrected JSON and nothing else.",
        fault.why
    )
}
