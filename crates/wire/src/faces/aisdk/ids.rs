//! Ids in the face's words.
//!
//! A client looks for a tool call or an approval by its id in all messages of a chat, so the ids of a run, which begin anew
//! with each run, get a part of the run's id in front.

use std::fmt::Display;

use run::{Event, RunId};

/// How much of a run's id stands in front: its random end.
const PREFIX_CHARS: usize = 12;

/// The id of a call or a request, unique in its chat.
pub(super) fn in_chat(run: RunId, id: impl Display) -> String {
    let run = run.to_string();
    let prefix = &run[run.len() - PREFIX_CHARS..];
    format!("{prefix}-{id}")
}

/// The type of the data part for an event that the face has no chunk for.
pub(super) fn data_type(event: &Event) -> String {
    data_type_of(event.kind())
}

/// The same by the event's type.
pub(super) fn data_type_of(kind: &str) -> String {
    format!("data-{}", kind.replace(['.', '_'], "-"))
}
