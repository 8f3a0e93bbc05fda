//! The four protocols behind one door.

use std::fmt::Debug;
use std::time::Duration;

use crate::Exit;
use crate::codec::acp::Acp;
use crate::codec::claude::Claude;
use crate::codec::codex::Codex;
use crate::codec::pi::Pi;
use crate::codec::{Capabilities, Command, Launch, Moves, Settings};
use crate::limits::{HANDSHAKE, SETTLE};

/// A protocol that agents speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// `pi --mode rpc`.
    Pi,
    /// `codex app-server`.
    Codex,
    /// `claude` with stream-json in and out.
    Claude,
    /// The Agent Client Protocol, version 1.
    Acp,
}

/// One agent process, as a state machine without a clock, IO or threads.
///
/// Write what [`Moves::frames`] holds to the process, in order, and act on [`Moves::events`], after every call. Give
/// every line of its standard output to [`Codec::incoming`]; the last one may lack its newline.
pub trait Codec: Debug + Send {
    /// What the agent can do. It may turn out to be more once the agent is ready.
    fn capabilities(&self) -> Capabilities;

    /// Tells the agent something.
    fn outgoing(&mut self, command: Command) -> Moves;

    /// Takes a line of its output, without its newline. Nothing that it may hold is an error: what makes no sense is a
    /// notice.
    fn incoming(&mut self, frame: &[u8]) -> Moves;

    /// A line was too long to be read; this is how it began.
    fn too_long(&mut self, head: &[u8]) -> Moves;

    /// The process has ended and all its output was given. Whatever its exit says, a turn that is open has not
    /// succeeded.
    fn end_of_output(&mut self, exit: Exit) -> Moves;

    /// What it waits for now. The caller keeps the time since this last changed; see [`Waiting::bound`].
    fn waiting(&self) -> Waiting;

    /// The bound of [`Codec::waiting`] has passed. A turn whose end was only waited out ends with this; a setup that
    /// hangs is a failure, and the process is of no use then.
    fn overdue(&mut self) -> Moves;
}

/// What a codec waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A command.
    Idle,
    /// The answer to the handshake.
    Handshake,
    /// The agent's next word in a turn: whoever watches over silence does it here.
    Turn,
    /// An answer of a person: silence is in order.
    Answer,
    /// Whether the end of the turn was its end, which some agents do not say.
    Settled,
}

impl Waiting {
    /// How long it may last, where the protocol gives a reason for a bound.
    pub fn bound(self) -> Option<Duration> {
        match self {
            Self::Handshake => Some(HANDSHAKE),
            Self::Settled => Some(SETTLE),
            Self::Idle | Self::Turn | Self::Answer => None,
        }
    }
}

impl Wire {
    /// A codec for one process.
    pub fn codec(self, settings: Settings) -> Box<dyn Codec> {
        match self {
            Self::Pi => Box::new(Pi::new(settings)),
            Self::Codex => Box::new(Codex::new(settings)),
            Self::Claude => Box::new(Claude::new(settings)),
            Self::Acp => Box::new(Acp::new(settings)),
        }
    }

    /// What to start.
    pub fn launch(self, settings: &Settings) -> Launch {
        match self {
            Self::Pi => Pi::launch(settings),
            Self::Codex => Codex::launch(settings),
            Self::Claude => Claude::launch(settings),
            Self::Acp => Acp::launch(settings),
        }
    }

    /// What its agents can do as far as it is known before one runs.
    pub fn capabilities(self) -> Capabilities {
        match self {
            Self::Pi => Pi::CAPABILITIES,
            Self::Codex => Codex::CAPABILITIES,
            Self::Claude => Claude::CAPABILITIES,
            Self::Acp => Acp::CAPABILITIES,
        }
    }
}
