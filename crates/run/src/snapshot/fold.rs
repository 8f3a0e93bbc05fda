//! The fold from events to the snapshot.

use crate::{Envelope, Snapshot};

impl Snapshot {
    /// Takes in one event.
    pub fn apply(&mut self, envelope: &Envelope) {
        self.last_seq = envelope.seq;
    }
}
