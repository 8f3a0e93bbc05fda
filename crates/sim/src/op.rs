//! What is asked of the store, and what it answered.

use run::{AppendNo, Command, Event, Fence, NodeId, RunId, Work, WorkerId};
use store::sqlite::{
    AppendOp, Batch, ClaimOp, CommandOp, Register, Release, Renew, StartOp, SweepOp, Ticket, WorkOp,
};
use store::{
    Append, Appended, Claim, Claimed, CommandError, Commanded, Scope, Start, StartError, Started,
    Swept, Unavailable, WorkError, Worked,
};

/// How long a lease is, milliseconds.
pub(crate) const LEASE_MS: u64 = 5_000;

/// Something that is asked of the store.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Start(Box<Start>),
    Command {
        scope: Scope,
        run: RunId,
        command: Command,
    },
    Append {
        run: RunId,
        fence: Fence,
        append_no: AppendNo,
        events: Vec<Event>,
    },
    Work {
        run: RunId,
        fence: Fence,
        work: Work,
    },
    Claim {
        worker: WorkerId,
        max: usize,
    },
    Sweep,
    Register(WorkerId),
    Renew(WorkerId),
    Release(WorkerId),
}

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Worker(usize),
    Client,
    Sweeper,
}

/// One operation of somebody.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) who: Who,
    pub(crate) op: Op,
}

/// An answer of the store.
#[derive(Debug)]
pub(crate) enum Answer {
    Started(Box<Result<Started, StartError>>),
    Commanded(Box<Result<Commanded, CommandError>>),
    Appended(Result<Appended, WorkError>),
    Worked(Result<Worked, WorkError>),
    Claimed(Vec<Claimed>),
    Swept(Swept),
    Renewed(bool),
    Done,
}

/// What whoever asked got to know.
#[derive(Debug)]
pub(crate) enum Heard {
    Answer(Answer),
    /// The commit failed and was undone.
    Failed(Unavailable),
    /// The answer never came; the operation may or may not have happened.
    Nothing,
}

/// An answer that is still to come.
pub(crate) enum Waiting {
    Started(Ticket<Result<Started, StartError>>),
    Commanded(Ticket<Result<Commanded, CommandError>>),
    Appended(Ticket<Result<Appended, WorkError>>),
    Worked(Ticket<Result<Worked, WorkError>>),
    Claimed(Ticket<Vec<Claimed>>),
    Swept(Ticket<Swept>),
    Renewed(Ticket<bool>),
    Done(Ticket<()>),
}

impl Op {
    /// Puts it into a commit.
    pub(crate) fn add_to(self, batch: &mut Batch) -> Waiting {
        let node = || NodeId::parse("node").expect("a short word is a name");
        match self {
            Self::Start(start) => Waiting::Started(batch.add(StartOp(*start))),
            Self::Command {
                scope,
                run,
                command,
            } => Waiting::Commanded(batch.add(CommandOp {
                scope,
                run,
                command,
            })),
            Self::Append {
                run,
                fence,
                append_no,
                events,
            } => Waiting::Appended(batch.add(AppendOp(Append {
                run,
                fence,
                append_no,
                events,
            }))),
            Self::Work { run, fence, work } => {
                Waiting::Worked(batch.add(WorkOp { run, fence, work }))
            }
            Self::Claim { worker, max } => {
                Waiting::Claimed(batch.add(ClaimOp(Claim { worker, max })))
            }
            Self::Sweep => Waiting::Swept(batch.add(SweepOp)),
            Self::Register(worker) => Waiting::Done(batch.add(Register {
                worker,
                node: node(),
                lease_ms: LEASE_MS,
            })),
            Self::Renew(worker) => Waiting::Renewed(batch.add(Renew {
                worker,
                lease_ms: LEASE_MS,
            })),
            Self::Release(worker) => Waiting::Done(batch.add(Release { worker })),
        }
    }
}

impl Waiting {
    /// The answer, once the commit is over.
    pub(crate) fn take(self) -> Heard {
        let answer = match self {
            Self::Started(ticket) => ticket.take().map(Box::new).map(Answer::Started),
            Self::Commanded(ticket) => ticket.take().map(Box::new).map(Answer::Commanded),
            Self::Appended(ticket) => ticket.take().map(Answer::Appended),
            Self::Worked(ticket) => ticket.take().map(Answer::Worked),
            Self::Claimed(ticket) => ticket.take().map(Answer::Claimed),
            Self::Swept(ticket) => ticket.take().map(Answer::Swept),
            Self::Renewed(ticket) => ticket.take().map(Answer::Renewed),
            Self::Done(ticket) => ticket.take().map(|()| Answer::Done),
        };
        answer.map_or_else(Heard::Failed, Heard::Answer)
    }
}
