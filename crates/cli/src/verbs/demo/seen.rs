//! What a client of the demo has seen: every frame as it came, and how far that is.

use run::{Envelope, Seq, Snapshot};

use crate::client::{Client, Events, Opened, StreamEnd};
use crate::failure::Failure;
use crate::render::Output;

/// The frames of a run that were seen, in the order in which they came.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) frames: Vec<String>,
    pub(super) envelopes: Vec<Envelope>,
}

/// Why reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// There was enough.
    Enough,
    /// The run's last event came.
    Final,
    /// The connection ended.
    Cut,
}

impl Seen {
    /// The number of the last event that was seen.
    pub(super) fn cursor(&self) -> Seq {
        self.envelopes
            .last()
            .map_or(Seq::ZERO, |envelope| envelope.seq)
    }

    /// Reads events until there is enough, the run has ended or the connection has.
    pub(super) async fn read(
        &mut self,
        events: &mut Events,
        mut output: Option<&mut Output>,
        enough: impl Fn(&Self) -> bool,
    ) -> Result<Stopped, Failure> {
        while !enough(self) {
            let event = match events.next().await {
                Ok(event) => event,
                Err(StreamEnd::Closed | StreamEnd::Broken(_) | StreamEnd::Silent) => {
                    return Ok(Stopped::Cut);
                }
            };
            let Some(id) = &event.id else {
                continue;
            };
            let envelope: Envelope = serde_json::from_str(&event.data)
                .map_err(|error| Failure::Failed(format!("event {id} cannot be read: {error}")))?;
            if let Some(output) = &mut output {
                output
                    .event(&event.data, &envelope)
                    .and_then(|()| output.tick(crate::clock::now()))
                    .map_err(Failure::io("failed to write"))?;
            }
            let is_final = envelope.event.is_final();
            self.frames.push(format!(
                "id: {id}\nevent: {}\ndata: {}\n\n",
                event.event, event.data
            ));
            self.envelopes.push(envelope);
            if is_final {
                return Ok(Stopped::Final);
            }
        }
        Ok(Stopped::Enough)
    }

    /// A connection behind what was seen.
    pub(super) async fn connect(
        &self,
        client: &Client,
        run: run::RunId,
    ) -> Result<Box<Events>, Failure> {
        match client.events(run, self.cursor()).await? {
            Opened::Live(events) => Ok(events),
            Opened::Over => Err(Failure::Failed(
                "the run ended before the demo did".to_owned(),
            )),
        }
    }

    /// What the frames fold to.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for envelope in &self.envelopes {
            snapshot.apply(envelope);
        }
        snapshot
    }
}
