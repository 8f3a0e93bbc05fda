//! One example of every event type that was ever stored, as files. Nothing writes them: a later version has to read
//! what an earlier one stored.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::{Envelope, Event, Snapshot, event, frame};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");

#[expect(
    clippy::disallowed_methods,
    reason = "the examples are files so that other programs can read them"
)]
fn examples() -> Vec<(String, String)> {
    let names = std::fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| {
            let text = std::fs::read_to_string(Path::new(FOLDER).join(&name)).unwrap();
            (name, text)
        })
        .collect()
}

#[test]
fn every_event_type_has_one_example_and_no_other_file_is_there() {
    let found: BTreeSet<String> = examples().into_iter().map(|(name, _)| name).collect();
    let expected = event::TYPES.iter().map(|kind| format!("{kind}.json"));
    assert_eq!(found, expected.collect());
}

#[test]
fn every_example_is_read_whole_and_printed_back() {
    for (name, text) in examples() {
        let value: Value = serde_json::from_str(&text).unwrap();
        let envelope: Envelope = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{}.json", envelope.event.kind()), name);
        assert!(!matches!(envelope.event, Event::Unknown(_)), "{name}");
        assert_eq!(serde_json::to_value(&envelope).unwrap(), value, "{name}");

        let mut bytes = Vec::new();
        let at = envelope.at.to_string();
        frame::print(
            &mut bytes,
            envelope.seq,
            &at,
            envelope.attempt,
            &envelope.event,
        );
        assert_eq!(frame::parse(&bytes), Some(envelope), "{name}");
    }
}

#[test]
fn every_example_folds() {
    for (_, text) in examples() {
        let envelope: Envelope = serde_json::from_str(&text).unwrap();
        let mut snapshot = Snapshot::default();
        snapshot.apply(&envelope);
        assert_eq!(snapshot.last_seq, envelope.seq);
    }
}
