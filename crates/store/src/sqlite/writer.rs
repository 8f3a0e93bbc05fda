//! The writer's thread: takes all that is queued, commits it at once, and takes what has gathered meanwhile. No timer
//! groups commits; the disk does.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::core::{Core, Job, Operation};
use super::fault::{Fault, closed, unavailable};
use super::queue::Queue;
use super::txn::Txn;
use crate::{COMMIT_OPS, Unavailable, WRITER_QUEUE};

/// How long the writer sleeps when nothing is queued and there is upkeep: events that wait to be folded by age, runs to
/// be forgotten, a failed commit to be got over.
const TICK: Duration = Duration::from_millis(500);

/// An operation, its output, and whoever waits for it.
pub(crate) struct Pending<O: Operation> {
    operation: Option<O>,
    output: Option<O::Output>,
    /// Why this operation alone was not performed.
    failure: Option<Unavailable>,
    reply: oneshot::Sender<Result<O::Output, Unavailable>>,
}

impl<O: Operation> Pending<O> {
    pub(crate) fn new(
        operation: O,
        reply: oneshot::Sender<Result<O::Output, Unavailable>>,
    ) -> Self {
        Self {
            operation: Some(operation),
            output: None,
            failure: None,
            reply,
        }
    }
}

impl<O: Operation> Job for Pending<O> {
    fn perform(&mut self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        let operation = self.operation.take().expect("a job is performed once");
        let before = txn.mark();
        match operation.perform(txn) {
            Ok(output) => self.output = Some(output),
            // One odd row or one repeated key is no reason to undo what others asked for, as long as this operation
            // has not changed anything.
            Err(fault) if fault.is_of_its_operation() && txn.mark() == before => {
                let why = unavailable(&fault.0);
                tracing::error!(code = why.code, "an operation failed: {}", why.message);
                self.failure = Some(why);
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&Unavailable>) {
        let answer = match (failure.or(self.failure.as_ref()), self.output) {
            (None, Some(output)) => Ok(output),
            (None, None) => Err(closed()),
            (Some(why), _) => Err(why.clone()),
        };
        // Nobody waiting any more is no error: what was decided is decided.
        let _ = self.reply.send(answer);
    }
}

/// The way to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Queue<Box<dyn Job>>,
}

/// The other end.
pub(crate) struct WriterThread {
    queue: Queue<Box<dyn Job>>,
    core: Core,
}

pub(crate) fn channel(core: Core) -> (Writer, WriterThread) {
    let queue = Queue::new(WRITER_QUEUE);
    (
        Writer {
            queue: queue.clone(),
        },
        WriterThread { queue, core },
    )
}

impl Writer {
    /// Has an operation performed; waits for its commit.
    pub(crate) async fn submit<O: Operation>(
        &self,
        operation: O,
    ) -> Result<O::Output, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Pending::new(operation, reply));
        self.queue.push(job).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// The same for a thread of its own, which has one operation under way at most.
    pub(crate) fn submit_blocking<O: Operation>(
        &self,
        operation: O,
    ) -> Result<O::Output, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Pending::new(operation, reply));
        self.queue.push_over(job).map_err(|_| closed())?;
        answer.blocking_recv().unwrap_or_else(|_| Err(closed()))
    }

    /// Takes no more operations; those that were taken are finished.
    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

impl WriterThread {
    /// Works until the queue is closed, then finishes what is in it.
    pub(crate) fn run(mut self) {
        let mut jobs = Vec::new();
        let mut next_rest = Instant::now() + TICK;
        loop {
            // With nothing to do but to wait it sleeps until somebody calls.
            let deadline = self.core.needs_rest().then_some(next_rest);
            if self.queue.take(&mut jobs, COMMIT_OPS, deadline).is_err() {
                return;
            }
            if jobs.is_empty() {
                self.core.rest_quietly();
            }
            // More than one commit, if they would write very much.
            while !jobs.is_empty() {
                jobs = self.core.commit(jobs);
            }
            // By the clock and not only when nothing is queued: a store that is never idle must forget as well.
            let now = Instant::now();
            if now >= next_rest {
                self.core.forget_idle();
                next_rest = now + TICK;
            }
        }
    }
}

impl Drop for WriterThread {
    /// However the thread ends, nobody may wait for it for ever.
    fn drop(&mut self) {
        self.queue.close();
        let mut left = Vec::new();
        while self.queue.take(&mut left, COMMIT_OPS, None).is_ok() {
            for job in left.drain(..) {
                job.answer(Some(&closed()));
            }
        }
    }
}
