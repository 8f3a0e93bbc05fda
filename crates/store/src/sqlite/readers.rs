//! The readers: a few threads with a read-only connection each. Reads never wait for the writer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::fault::{closed, internal, unavailable};
use super::queue::Queue;
use crate::{READERS, Unavailable};

type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// The way to the readers.
#[derive(Clone)]
pub(crate) struct Readers {
    queue: Queue<Task>,
}

/// Reads that wait at most; then the senders wait, which is the back pressure of reads.
const QUEUE: usize = 4_096;

/// The readers' threads; they end when this is dropped.
pub(crate) struct ReaderThreads {
    queue: Queue<Task>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    /// Opens the connections and starts the threads.
    pub(crate) fn start(path: &Path) -> rusqlite::Result<(Self, ReaderThreads)> {
        let queue = Queue::new(QUEUE);
        // Made first: if a connection cannot be opened, the threads that were started end with it.
        let readers = ReaderThreads {
            queue: queue.clone(),
            threads: Mutex::default(),
        };
        for n in 0..READERS {
            let connection = connect(path)?;
            let queue = queue.clone();
            let thread = std::thread::Builder::new()
                .name(format!("reader-{n}"))
                .spawn(move || work(connection, &queue));
            let thread = thread.expect("a thread can be started");
            let mut threads = readers
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            threads.push(thread);
        }
        Ok((Self { queue }, readers))
    }

    /// Runs a read.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task: Task = Box::new(move |connection| {
            // A bug in one read must not take a reader away from all others.
            let found = catch_unwind(AssertUnwindSafe(|| read(connection)));
            let found = match found {
                Ok(found) => found.map_err(|error| unavailable(&error)),
                Err(_) => Err(internal()),
            };
            // Whoever went away needs no answer.
            let _ = reply.send(found);
        });
        self.queue.push(task).await.map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn work(mut connection: Connection, queue: &Queue<Task>) {
    let mut tasks = Vec::with_capacity(1);
    // One at a time, so that the other readers take the next.
    while queue.take(&mut tasks, 1, None).is_ok() {
        for task in tasks.drain(..) {
            task(&mut connection);
        }
    }
}

impl ReaderThreads {
    /// Finishes what was asked and closes the connections.
    pub(crate) fn stop(&self) {
        self.queue.close();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // A panic there has been reported.
            let _ = thread.join();
        }
    }
}

impl Drop for ReaderThreads {
    fn drop(&mut self) {
        // Without waiting: whoever drops a store without closing it may be a task.
        self.queue.close();
    }
}

/// A connection that only reads.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
