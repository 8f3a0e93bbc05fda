//! What an agent is told after its turn was cut off.

use std::fmt::Write as _;

use run::snapshot::{InputState, Snapshot};
use run::text_of;

use crate::limits::{HAND_OVER_BYTES, HAND_OVER_ITEM_BYTES};

/// To a session that was reopened: it knows what it did, but not what was answered without it.
pub(super) fn go_on(prompt: &str, snapshot: &Snapshot, answers: Option<&str>) -> String {
    if let Some(answers) = answers {
        return format!(
            "Your process was ended while you waited for an answer, which was no refusal, and was started again. What you had \
             asked was answered:\n\n{answers}\n\nGo on where you were: what was allowed is still to be done, and needs to be \
             asked no differently than before. What you were asked last:\n\n{}",
            last_words(prompt, snapshot)
        );
    }
    format!(
        "Your process was interrupted in the middle of its work and was started again. Look at the state of the files, as \
         something may be half done, and go on where you were. What you were asked last:\n\n{}",
        last_words(prompt, snapshot)
    )
}

/// To a new session: what was asked and what happened, the end of it where it is long.
pub(super) fn hand_over(prompt: &str, snapshot: &Snapshot, answers: Option<&str>) -> String {
    let mut items = Vec::new();
    for message in &snapshot.messages {
        let text = text_of(&message.parts);
        if !text.trim().is_empty() {
            items.push((message.first_seq, format!("Said: {}", short(text.trim()))));
        }
    }
    for activity in &snapshot.activities {
        let title = activity.title.as_deref().unwrap_or(&activity.name);
        let status = match activity.status {
            Some(status) => format!("{status:?}").to_lowercase(),
            None => "not finished".to_owned(),
        };
        let item = format!("Called {}: {} ({status})", activity.name, short(title));
        items.push((activity.first_seq, item));
    }
    items.sort_by_key(|(seq, _)| *seq);
    let mut kept = Vec::new();
    let mut room = HAND_OVER_BYTES;
    for (_, item) in items.iter().rev() {
        let Some(left) = room.checked_sub(item.len()) else {
            break;
        };
        room = left;
        kept.push(item);
    }
    let mut text = format!(
        "Another session worked on this task before you and is gone. What it left is in the files. The task:\n\n{prompt}\n\n\
         What happened so far"
    );
    if kept.len() < items.len() {
        let n_left_out = items.len() - kept.len();
        let _ = write!(text, " (the first {n_left_out} entries are left out)");
    }
    text.push_str(":\n");
    for item in kept.iter().rev() {
        let _ = write!(text, "\n- {item}");
    }
    let last = last_words(prompt, snapshot);
    if last != prompt {
        let _ = write!(text, "\n\nWhat was asked last:\n\n{last}");
    }
    if let Some(answers) = answers {
        let _ = write!(
            text,
            "\n\nWhat it asked last was answered when it was gone:\n\n{answers}"
        );
    }
    text.push_str("\n\nLook at the state of the files and go on.");
    text
}

/// What a person said last to the agent.
fn last_words(prompt: &str, snapshot: &Snapshot) -> String {
    let consumed = snapshot
        .inputs
        .iter()
        .rev()
        .find(|given| matches!(given.state, InputState::Consumed { .. }));
    consumed.map_or_else(|| prompt.to_owned(), |given| text_of(&given.parts))
}

fn short(text: &str) -> String {
    run::bounded_text(text.to_owned(), HAND_OVER_ITEM_BYTES)
}
