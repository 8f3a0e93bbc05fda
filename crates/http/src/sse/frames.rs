//! The frames that a stream adds itself. None has an id.

use bytes::Bytes;
use serde::Serialize;
use store::Health;
use wire::structured::PreviewFrame;
use wire::{FeedChange, StoreNotice};

use crate::limits::RECONNECT;

/// A sign of life: a comment for those who count bytes, an event for browsers, which cannot see comments.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b": hb\nevent: heartbeat\ndata: {}\n\n");

/// A sign of life that no client takes for an event.
pub(crate) const COMMENT: Bytes = Bytes::from_static(b": hb\n\n");

/// In a feed: some changes were missed, so everything is to be fetched again.
pub(crate) const RESET: Bytes = Bytes::from_static(b"event: reset\ndata: {}\n\n");

/// The beginning of every stream: how long to wait before coming back. It also makes the head of the answer leave at once.
pub(crate) fn opening() -> Bytes {
    format!("retry: {}\n\n", RECONNECT.as_millis()).into()
}

/// The server goes down: come back, there or to another one.
pub(crate) fn reconnect() -> Bytes {
    let ms = RECONNECT.as_millis();
    format!("retry: {ms}\nevent: reconnect\ndata: {{\"retry_ms\":{ms}}}\n\n").into()
}

/// Whether the store works: while it does not, nothing new can be seen.
pub(crate) fn store_notice(health: &Health) -> Bytes {
    let notice = match health {
        Health::Ok => StoreNotice {
            code: "ok".to_owned(),
            message: "the store works again".to_owned(),
        },
        Health::Failing(why) => StoreNotice {
            code: why.code.to_owned(),
            message: "the store does not work now; nothing new can be stored or shown".to_owned(),
        },
    };
    frame("store", &notice)
}

/// A change of a run or thread.
pub(crate) fn feed_frame(change: &FeedChange) -> Bytes {
    let event = if change.run_id.is_some() {
        "run"
    } else {
        "thread"
    };
    frame(event, change)
}

/// The valid part of a run's output so far.
pub(crate) fn preview(preview: &PreviewFrame) -> Bytes {
    frame("preview", preview)
}

fn frame(event: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).expect("notices have string keys");
    format!("event: {event}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use run::Seq;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preview_has_no_id_and_says_what_it_reflects() {
        let frame = preview(&PreviewFrame {
            seq: Seq(7),
            output_preview: json!({"name": "Le\ngs"}),
        });
        let expected =
            "event: preview\ndata: {\"seq\":7,\"output_preview\":{\"name\":\"Le\\ngs\"}}\n\n";
        assert_eq!(frame, expected.as_bytes());
    }
}
