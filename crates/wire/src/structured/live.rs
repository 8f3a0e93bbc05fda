//! The preview that goes along with a run's events.

use run::event::MessageCompleted;
use run::{Envelope, Event, MessageId, Role, Seq, Snapshot, text_of};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::preview::{Preview, fill};

/// The data of an `event: preview` in a stream with `?preview=true`. Derived from the events, not one of them: it has
/// no number and no id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewFrame {
    /// The number of the last event that it takes into account.
    #[schema(value_type = u64)]
    pub seq: Seq,
    /// The valid part of the output so far; null when there is none, as behind a discarded message.
    pub output_preview: Value,
}

/// The preview of a run whose events come one by one.
#[derive(Debug, Clone)]
pub struct LivePreview {
    preview: Preview,
    message: Option<MessageId>,
    seq: Seq,
    changed: bool,
}

impl LivePreview {
    /// Begins where a snapshot is. Events that are in it already are passed over.
    pub fn new(schema: &Value, snapshot: &Snapshot) -> Self {
        let mut preview = Preview::new(schema);
        let message = fill(&mut preview, snapshot);
        let changed = !preview.value().is_null();
        Self {
            preview,
            message,
            seq: snapshot.last_seq,
            changed,
        }
    }

    /// The number of the last event that it takes into account.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Whether an event of this type can matter to it.
    pub fn wants(kind: &str) -> bool {
        matches!(
            kind,
            "message.started"
                | "text.delta"
                | "message.completed"
                | "message.discarded"
                | "run.finished"
        )
    }

    /// Passes over an event that cannot matter.
    pub fn pass(&mut self, seq: Seq) {
        self.seq = self.seq.max(seq);
    }

    /// Takes in the next event.
    pub fn apply(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.seq {
            return;
        }
        self.seq = envelope.seq;
        self.changed |= match &envelope.event {
            Event::MessageStarted(started) if started.role == Role::Assistant => {
                self.message = Some(started.message.clone());
                self.preview.reset()
            }
            Event::TextDelta(delta) if self.is_of(&delta.message) => self.preview.push(&delta.text),
            Event::MessageCompleted(done) if self.is_of(&done.message) => self.complete(done),
            Event::MessageDiscarded(discarded) if self.is_of(&discarded.message) => {
                self.preview.reset()
            }
            Event::RunFinished(finished) => match &finished.output {
                Some(output) => self.preview.set(output.clone()),
                None => false,
            },
            _ => false,
        };
    }

    /// The frame that is to be shown now, if the preview changed since the last one.
    pub fn take(&mut self) -> Option<PreviewFrame> {
        std::mem::take(&mut self.changed).then(|| PreviewFrame {
            seq: self.seq,
            output_preview: self.preview.value().clone(),
        })
    }

    fn is_of(&self, message: &MessageId) -> bool {
        self.message.as_ref() == Some(message)
    }

    fn complete(&mut self, done: &MessageCompleted) -> bool {
        let text = done.parts.as_deref().map(text_of);
        self.preview.complete(text.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use run::Timestamp;
    use run::event::{MessageDiscarded, MessageStarted, TextDelta};
    use serde_json::json;

    use super::*;

    struct Told {
        live: LivePreview,
        seq: Seq,
    }

    impl Told {
        fn new(snapshot: &Snapshot) -> Self {
            Self {
                live: LivePreview::new(&json!({"type": "object"}), snapshot),
                seq: Seq::ZERO,
            }
        }

        #[track_caller]
        fn check(&mut self, event: impl Into<Event>, expected: Option<&Value>) {
            let event = event.into();
            self.seq = self.seq.next();
            assert!(LivePreview::wants(event.kind()));
            self.live.apply(&Envelope {
                seq: self.seq,
                at: Timestamp::from_ms(0),
                attempt: 1,
                event,
            });
            let shown = self.live.take().map(|frame| {
                assert_eq!(frame.seq, self.seq);
                frame.output_preview
            });
            assert_eq!(shown.as_ref(), expected);
        }
    }

    fn started(n: u32) -> MessageStarted {
        MessageStarted {
            message: MessageId::nth(n),
            role: Role::Assistant,
        }
    }

    fn text(n: u32, text: &str) -> TextDelta {
        TextDelta {
            message: MessageId::nth(n),
            part: 0,
            text: text.into(),
        }
    }

    #[test]
    fn it_follows_the_last_message_and_forgets_a_discarded_one() {
        let mut told = Told::new(&Snapshot::default());
        told.check(started(1), None);
        let long = "x".repeat(40);
        let half = format!("{{\"a\": \"{long}");
        told.check(text(1, &half), Some(&json!({"a": long})));
        told.check(text(1, "y"), None);
        told.check(text(7, &half), None);
        let discarded = MessageDiscarded {
            message: MessageId::nth(1),
            why: "no".into(),
        };
        told.check(discarded, Some(&json!(null)));
        told.check(started(2), None);
        told.check(text(2, "{\"b\": 1}"), Some(&json!({"b": 1})));
        let completed = MessageCompleted {
            message: MessageId::nth(2),
            parts: None,
            interrupted: false,
        };
        told.check(completed, None);
    }

    #[test]
    fn a_late_reader_is_shown_what_the_snapshot_has_and_nothing_older() {
        let mut first = Told::new(&Snapshot::default());
        first.check(started(1), None);
        let mut snapshot = Snapshot::default();
        for (seq, event) in [started(1).into(), text(1, "{\"a\": \"b").into()]
            .into_iter()
            .enumerate()
        {
            snapshot.apply(&Envelope {
                seq: Seq(seq as u64 + 1),
                at: Timestamp::from_ms(0),
                attempt: 1,
                event,
            });
        }
        let mut late = Told::new(&snapshot);
        let shown = late.live.take().unwrap();
        assert_eq!(
            (shown.seq, shown.output_preview),
            (Seq(2), json!({"a": "b"}))
        );
        late.seq = Seq(1);
        late.live.pass(Seq(1));
        late.live.apply(&Envelope {
            seq: Seq(2),
            at: Timestamp::from_ms(0),
            attempt: 1,
            event: text(1, "twice").into(),
        });
        assert_eq!(late.live.take(), None);
        late.seq = Seq(2);
        // Nothing is new: only the closing quote came.
        late.check(text(1, "\"}"), None);
    }
}
