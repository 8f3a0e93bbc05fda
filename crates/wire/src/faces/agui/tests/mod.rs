//! The translation: what a strict client makes of whole logs, wherever they are cut.

mod cuts;
mod events;
mod waits;

use std::collections::BTreeSet;

use run::{MessageId, RunId, Seq, frame};
use serde_json::{Value, json};

use super::client::Client;
use super::{ClientTools, Cursor, Extent, Flow, Reading, View};

pub(super) const RUN: &str = "01960000-0000-7000-8000-000000000001";

/// A log of these events, as frames. Types and data are those of the native interface.
pub(super) fn log(events: &[(&str, Value)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (n, (kind, data)) in events.iter().enumerate() {
        let seq = n + 1;
        let data = serde_json::value::RawValue::from_string(data.to_string()).unwrap();
        let event = run::Event::read(kind, &data);
        assert!(
            !matches!(event, run::Event::Unknown(_)) || kind.starts_with("later."),
            "{kind}: {data}"
        );
        frame::print(
            &mut bytes,
            Seq(seq as u64),
            "2026-11-20T10:00:00.000Z",
            1,
            &event,
        );
    }
    bytes
}

pub(super) fn created() -> (&'static str, Value) {
    let data =
        json!({"agent": "a", "driver": "loop", "thread": "t", "trigger": "api", "input": "Hi"});
    ("run.created", data)
}

pub(super) fn finished() -> (&'static str, Value) {
    let usage = json!({"input_tokens": 10, "output_tokens": 4});
    (
        "run.finished",
        json!({"status": "succeeded", "reason": "completed", "usage": usage}),
    )
}

/// Messages of a log that are to be forgotten.
fn discarded(log: &[u8]) -> Vec<MessageId> {
    let frames = frame::split(log).filter_map(frame::parse);
    let discarded = frames.filter_map(|envelope| match envelope.event {
        run::Event::MessageDiscarded(done) => Some(done.message),
        _ => None,
    });
    discarded.collect()
}

/// A view of the segment that begins there, by somebody who has seen nothing.
pub(super) fn view(first_seq: u64) -> View {
    View {
        run: RunId::parse(RUN).unwrap(),
        agent: "a".to_owned(),
        thread_id: "t".to_owned(),
        run_id: "r1".to_owned(),
        extent: Extent::Segment {
            first_seq: Seq(first_seq),
        },
        cursor: Cursor::default(),
        discarded: Vec::new(),
        client_tools: ClientTools::Pending,
        answered: BTreeSet::new(),
        messages: Vec::new(),
    }
}

/// The stream of a view on a log that is all there.
pub(super) fn replayed(log: &[u8], mut view: View) -> Vec<u8> {
    view.discarded = discarded(log);
    told(std::iter::once(log), view)
}

/// The stream of a view on a log that is being written: what will be discarded is not known.
pub(super) fn live(log: &[u8], view: View) -> Vec<u8> {
    told(frame::split(log), view)
}

fn told<'l>(pieces: impl Iterator<Item = &'l [u8]>, view: View) -> Vec<u8> {
    let mut reading = Reading::new(view);
    let mut out = Vec::new();
    if reading.start() == Seq::ZERO {
        reading.begin(&mut out);
    }
    for piece in pieces {
        if reading.take(piece, &mut out) == Flow::Ended {
            break;
        }
    }
    out
}

/// The types of the events of a stream.
pub(super) fn kinds(stream: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(stream).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let kinds = data.map(|data| {
        let event: Value = serde_json::from_str(data).unwrap();
        event["type"].as_str().unwrap().to_owned()
    });
    kinds.collect()
}

pub(super) fn read(stream: &[u8]) -> Client {
    let mut client = Client::default();
    client.read(stream, usize::MAX);
    client
}
