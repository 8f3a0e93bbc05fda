//! Drivers: how an attempt is performed.

use run::{DriverKind, Outcome};

use crate::context::{Context, Over};

/// Performs attempts of one or more kinds of agents.
///
/// A driver speaks through its [`Context`] alone and holds nothing of the run: dropping the future it returned ends
/// everything that it did, at any await. It need not be told so first; [`Context::cancelled`] is the polite way.
pub trait Driver: Send + Sync + 'static {
    /// Performs one attempt.
    fn perform(&self, context: Context) -> impl Future<Output = Ending> + Send;
}

/// How a driver's part in an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The run is to end like this.
    Finished(Outcome),
    /// The run has left this attempt already: it was parked, or finished through the context.
    Settled,
    /// It broke off and another attempt may do better.
    Lost {
        /// Why, for people.
        why: String,
    },
    /// It was told to end, or stopped at a good place because the server stops.
    Cancelled,
}

impl From<Over> for Ending {
    fn from(_: Over) -> Self {
        Self::Cancelled
    }
}

/// Whether attempts of this kind start processes, which a crash of the server leaves behind.
pub(crate) fn starts_processes(kind: DriverKind) -> bool {
    match kind {
        // A loop has a shell and servers of tools.
        DriverKind::Command
        | DriverKind::Loop
        | DriverKind::Pi
        | DriverKind::Codex
        | DriverKind::Claude
        | DriverKind::Acp => true,
        // What git starts ends by itself.
        DriverKind::Model | DriverKind::Agui | DriverKind::Worktree | DriverKind::Scripted => false,
    }
}
