//! The writer's thread: takes all that is queued, commits it at once, and takes what has gathered meanwhile. No timer
//! groups commits; the disk does.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::core::{Core, Job, Operation};
use super::fault::{Fault, closed};
use super::txn::Txn;
use crate::{COMMIT_OPS, Unavailable, WRITER_QUEUE};

/// How long the writer sleeps when nothing is queued and events wait to be folded by age.
const TICK: Duration = Duration::from_millis(500);

/// An operation, its output, and whoever waits for it.
pub(crate) struct Pending<O: Operation> {
    operation: Option<O>,
    output: Option<O::Output>,
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
            reply,
        }
    }
}

impl<O: Operation> Job for Pending<O> {
    fn perform(&mut self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        let operation = self.operation.take().expect("a job is performed once");
        self.output = Some(operation.perform(txn)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<&Unavailable>) {
        let answer = match (failure, self.output) {
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
    queue: mpsc::Sender<Box<dyn Job>>,
}

/// The other end.
pub(crate) struct WriterThread {
    queue: mpsc::Receiver<Box<dyn Job>>,
    core: Core,
}

pub(crate) fn channel(core: Core) -> (Writer, WriterThread) {
    let (send, receive) = mpsc::channel(WRITER_QUEUE);
    (
        Writer { queue: send },
        WriterThread {
            queue: receive,
            core,
        },
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
        self.queue.send(job).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }

    /// The same for a thread of its own.
    pub(crate) fn submit_blocking<O: Operation>(
        &self,
        operation: O,
    ) -> Result<O::Output, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Pending::new(operation, reply));
        self.queue.blocking_send(job).map_err(|_| closed())?;
        answer.blocking_recv().unwrap_or_else(|_| Err(closed()))
    }
}

impl WriterThread {
    /// Works until all senders are gone, then finishes what is queued.
    pub(crate) fn run(mut self, runtime: &tokio::runtime::Handle) {
        let mut jobs = Vec::new();
        loop {
            jobs.clear();
            let n = if self.core.has_unfolded() {
                let queue = &mut self.queue;
                let waited = runtime.block_on(async {
                    tokio::time::timeout(TICK, queue.recv_many(&mut jobs, COMMIT_OPS)).await
                });
                waited.unwrap_or(usize::MAX)
            } else {
                self.core.forget_idle();
                self.queue.blocking_recv_many(&mut jobs, COMMIT_OPS)
            };
            if n == 0 {
                return;
            }
            if jobs.is_empty() {
                self.core.forget_idle();
            }
            self.core.commit(std::mem::take(&mut jobs));
        }
    }
}
