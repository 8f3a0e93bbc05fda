//! What a stream shows of a run.

use std::collections::BTreeSet;

use run::{CallId, Input, MessageId, RequestKind, Run, RunId, Seq, State, ThreadId};

/// What the client's version understands. Nothing in a request tells it, so a client that knows more says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Version 6 of the package, and all that came before.
    #[default]
    V6,
    /// Version 7: `reset-step` and `tool-approval-response`.
    V7,
}

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With the run: the client has nothing of it.
    Run,
    /// With an answer to the run's requests: the client has the message as it was before this event.
    Answer(Seq),
    /// With an input to the run: the client has nothing of it and does not want what was before this event.
    Input(Seq),
}

impl Begin {
    /// The number of the first event that is shown.
    pub fn first_seq(self) -> Seq {
        match self {
            Self::Run => Seq(1),
            Self::Answer(first) | Self::Input(first) => first,
        }
    }
}

/// What becomes of messages that were discarded before the stream began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// They are left out.
    LeftOut,
    /// Their chunks are there without text, so that chunks have the same numbers in each replay.
    Blank,
}

/// What a stream shows of a run, and how the run stood when it began.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub(super) run: RunId,
    pub(super) thread: ThreadId,
    pub(super) agent: String,
    pub(super) begin: Begin,
    pub(super) dialect: Dialect,
    /// The last event that there was when the stream began.
    pub(super) known: Seq,
    /// Whether the run waited for its client then.
    pub(super) waits: bool,
    pub(super) left_out: BTreeSet<MessageId>,
    pub(super) blank: BTreeSet<MessageId>,
    /// Names of the tools that run at the client.
    pub(super) client_tools: BTreeSet<String>,
    /// Calls that the client was to run and had not then.
    pub(super) at_client: BTreeSet<CallId>,
}

impl View {
    /// What a stream shows of a run that stands like this.
    pub fn new(
        (run, thread, agent): (RunId, ThreadId, String),
        control: &Run,
        input: &Input,
        begin: Begin,
        discarded: Discarded,
        dialect: Dialect,
    ) -> Self {
        let forgotten = control.discarded.iter().cloned().collect();
        let (left_out, blank) = match discarded {
            Discarded::LeftOut => (forgotten, BTreeSet::new()),
            Discarded::Blank => (BTreeSet::new(), forgotten),
        };
        let at_client = control
            .requests
            .values()
            .filter_map(|open| match &open.wants {
                RequestKind::ClientTool { call } => Some(call.clone()),
                RequestKind::Approval { .. } | RequestKind::Question { .. } => None,
            });
        Self {
            run,
            thread,
            agent,
            begin,
            dialect,
            known: control.last_seq,
            waits: waits_for_client(control),
            left_out,
            blank,
            client_tools: input.tools.iter().map(|tool| tool.name.clone()).collect(),
            at_client: at_client.collect(),
        }
    }
}

/// Whether a run waits for its client, and not only for runs of other agents or for a time.
fn waits_for_client(control: &Run) -> bool {
    match &control.state {
        State::Waiting { requests, .. } => !requests.is_empty(),
        State::Queued { .. } | State::Running | State::Final(_) => false,
    }
}
