//! The duty to end a child and all it started, whatever happens to the code that holds it.

use rustix::process::Signal;

use crate::marker::Marker;
use crate::pid::Identity;
use crate::signal::{Sent, send, send_to_group};
use crate::spawner;
use crate::sweep::{self, Hunt, Swept};

/// Held by who looks after a child. Dropping it before [`Leash::sweep`] has run kills and sweeps on the spot, which
/// blocks for some milliseconds: it happens when a caller gives up during a start and when a runtime is shut down.
#[derive(Debug)]
pub(crate) struct Leash {
    marker: Marker,
    child: Identity,
    hunt: Hunt,
    /// The system keeps the child's number until its status is collected.
    number_is_its: bool,
    swept: bool,
}

impl Leash {
    pub(crate) fn new(marker: Marker, child: Identity) -> Self {
        let hunt = Hunt::of_child(&marker, child);
        Self {
            marker,
            child,
            hunt,
            number_is_its: true,
            swept: false,
        }
    }

    pub(crate) fn child(&self) -> Identity {
        self.child
    }

    /// Its status has been collected.
    pub(crate) fn number_is_free(&mut self) {
        self.number_is_its = false;
    }

    /// Sends a signal to the child's group. Tools of an agent are in other groups: the agent's way of ending is to
    /// end them first. Blocks for a look at who they are, for when the agent is gone nothing tells any more that a
    /// tool which cleared its environment was its.
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.hunt.look();
        if !self.number_is_its {
            for member in sweep::group_of(self.child) {
                send(member, signal);
                send(member, Signal::CONT);
            }
        } else if send_to_group(self.child.pid, signal) == Sent::Delivered {
            // One that was suspended would never notice.
            send_to_group(self.child.pid, Signal::CONT);
        }
    }

    /// Whether nothing of the child's group is alive.
    pub(crate) fn group_is_empty(&self) -> bool {
        sweep::group_of(self.child).is_empty()
    }

    /// Kills all that is left. Blocks.
    pub(crate) fn sweep(&mut self) -> Swept {
        let swept = self.hunt.sweep();
        self.swept = true;
        if !swept.survivors.is_empty() {
            tracing::error!(
                run.id = %self.marker,
                survivors = ?swept.survivors.iter().map(|pid| pid.number()).collect::<Vec<_>>(),
                "processes of run {} could not be killed",
                self.marker
            );
        }
        swept
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if !self.swept {
            let _ = self.sweep();
            // Its runtime may be gone, and with it who would have collected it.
            spawner::disown(self.child);
        }
    }
}
