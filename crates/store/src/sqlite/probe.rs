//! What a simulation or a measurement needs of the core beside operations: to read as followers do, to put several
//! operations into one commit, to do the writer's upkeep, and to see a commit fail. All of it is the code that the
//! threads run, without the threads.

use run::{RunId, Seq};
use tokio::sync::oneshot;

use super::chunks;
use super::core::{Core, Job, Operation};
use super::fault::{Fault, closed, unavailable};
use super::op::{Tick, Watch};
use super::reading::bring_up;
use super::rows;
use super::txn::Txn;
use super::upkeep::compact;
use super::writer::Pending;
use crate::tail::{Following, Found};
use crate::{FollowError, Ready, RunRecord, Unavailable};

/// Operations that share one commit, in order.
#[derive(Default)]
pub struct Batch {
    jobs: Vec<Box<dyn Job>>,
}

/// The answer to one operation of a [`Batch`].
pub struct Ticket<T>(oneshot::Receiver<Result<T, Unavailable>>);

impl Batch {
    /// Adds an operation.
    pub fn add<O: Operation>(&mut self, operation: O) -> Ticket<O::Output> {
        let (send, receive) = oneshot::channel();
        self.jobs.push(Box::new(Pending::new(operation, send)));
        Ticket(receive)
    }

    /// Makes the commit fail: when it is about to end, or at this place in the order.
    pub fn fail(&mut self, at: FailAt) {
        drop(self.add(Fail(at)));
    }
}

/// Where a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailAt {
    /// While the operations are performed.
    Work,
    /// When all is written and the database is asked to make it durable. Needs a run in the file.
    Commit,
}

struct Fail(FailAt);

impl Operation for Fail {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        match self.0 {
            FailAt::Work => Err(Fault(rusqlite::Error::InvalidQuery)),
            // A reference to nothing is allowed until the end, and there the database refuses.
            FailAt::Commit => {
                txn.connection.execute_batch(
                    "PRAGMA defer_foreign_keys = 1;
                     UPDATE run SET thread = -1 WHERE key = (SELECT max(key) FROM run)",
                )?;
                Ok(())
            }
        }
    }
}

impl<T> Ticket<T> {
    /// The answer. `closed` before the commit.
    pub fn take(mut self) -> Result<T, Unavailable> {
        self.0.try_recv().unwrap_or_else(|_| Err(closed()))
    }
}

/// A cursor on one run's log that never waits.
pub struct Reader {
    run: RunId,
    next: Seq,
    source: Source,
}

enum Source {
    /// The run has ended, with this number.
    Stored {
        last: Seq,
    },
    Live(Following),
}

impl Reader {
    /// The number of the last event that was given out.
    pub fn cursor(&self) -> Seq {
        Seq(self.next.0 - 1)
    }
}

impl Core {
    /// Performs operations in one commit.
    pub fn perform_together(&mut self, batch: Batch) {
        self.commit_all(batch.jobs);
    }

    /// What the writer does while nobody asks for anything: folds by age, forgets what it can read back.
    pub fn rest(&mut self) -> Result<(), Unavailable> {
        self.perform(Tick)?;
        self.forget_idle();
        Ok(())
    }

    /// Rewrites the log of a run that has ended and whose events are all in chunks, compressed.
    pub fn compact(&mut self, run: RunId) -> Result<(), Unavailable> {
        let pack = compact(&self.connection, run).map_err(|error| Unavailable {
            code: "io",
            message: error.to_string(),
        })?;
        match pack {
            Some(pack) => self.perform(pack),
            None => Ok(()),
        }
    }

    /// Every run, oldest first, as readers see them.
    pub fn runs(&self) -> Result<Vec<RunRecord>, Unavailable> {
        let ids: Vec<[u8; 16]> = self
            .connection
            .prepare_cached("SELECT id FROM run ORDER BY key")
            .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
            .map_err(|error| unavailable(&error))?;
        ids.into_iter()
            .filter_map(|id| self.run(RunId::from_bytes(id)).transpose())
            .collect()
    }

    /// A run as readers see it.
    pub fn run(&self, run: RunId) -> Result<Option<RunRecord>, Unavailable> {
        let now = self.shared.tails.get(run).map(|tail| tail.now());
        let stored = rows::by_id(&self.connection, run).map_err(|error| unavailable(&error))?;
        Ok(stored.map(|stored| {
            let mut record = stored.into_record();
            if let Some(now) = now {
                bring_up(&mut record, now);
            }
            record
        }))
    }

    /// Follows a log.
    pub fn follow(&mut self, run: RunId, after: Seq) -> Result<Reader, FollowError> {
        let record = self.run(run)?.ok_or(FollowError::Unknown)?;
        let mut last = record.control.last_seq;
        let source = if record.control.is_final() {
            Source::Stored { last }
        } else {
            let tail = match self.shared.tails.get(run) {
                Some(tail) => tail,
                None => self.perform(Watch(run))?.ok_or(FollowError::Unknown)?,
            };
            last = last.max(tail.now().0);
            Source::Live(tail.follow())
        };
        if after > last {
            return Err(FollowError::CursorUnknown { after, last });
        }
        Ok(Reader {
            run,
            next: after.next(),
            source,
        })
    }

    /// What a cursor finds now.
    pub fn ready(&self, reader: &mut Reader) -> Result<Ready, FollowError> {
        let found = match &reader.source {
            Source::Stored { last } if reader.next > *last => Found::Ended,
            Source::Stored { .. } => Found::InChunks,
            Source::Live(following) => following.tail.read(reader.next),
        };
        let (frames, last) = match found {
            Found::Ended => return Ok(Ready::Ended),
            Found::CaughtUp => return Ok(Ready::Nothing),
            Found::Closed => return Err(closed().into()),
            Found::Frames(frames, last) => (frames, last),
            Found::InChunks => chunks::read(&self.connection, reader.run, reader.next)
                .map_err(|error| unavailable(&error))?
                .ok_or(FollowError::LogExpired)?,
        };
        reader.next = last.next();
        Ok(Ready::Frames(frames))
    }
}
