//! Events that the protocol has no chunk for. They go as data parts, `data-` and the event's type, with the event's data.

use run::Event;
use serde_json::Value;

/// Whether a data part stays in the message.
pub(super) enum Kept {
    /// It is told and forgotten.
    Told,
    /// It stays.
    Added,
    /// It stays until a later one of its type and id replaces it.
    Under(String),
}

/// The data of an event.
pub(super) fn data(event: &Event) -> Value {
    let mut data = Vec::new();
    event.write_data(&mut data);
    serde_json::from_slice(&data).unwrap_or_default()
}
