//! The readers: a few threads with a read-only connection each. Reads never wait for the writer.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::fault::{closed, unavailable};
use crate::{READERS, Unavailable};

type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// The way to the readers.
#[derive(Clone)]
pub(crate) struct Readers {
    queue: mpsc::SyncSender<Task>,
}

/// Reads that wait at most; then the senders wait, which is the back pressure of reads.
const QUEUE: usize = 4_096;

impl Readers {
    /// Opens the connections and starts the threads; they end when the last sender is gone.
    pub(crate) fn start(path: &Path) -> rusqlite::Result<(Self, Vec<JoinHandle<()>>)> {
        let (send, receive) = mpsc::sync_channel::<Task>(QUEUE);
        let receive = Arc::new(Mutex::new(receive));
        let mut threads = Vec::new();
        for n in 0..READERS {
            let mut connection = connect(path)?;
            let receive = Arc::clone(&receive);
            let thread = std::thread::Builder::new()
                .name(format!("reader-{n}"))
                .spawn(move || {
                    loop {
                        // Held only while taking: the others read meanwhile.
                        let task = receive
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .recv();
                        let Ok(task) = task else { return };
                        task(&mut connection);
                    }
                });
            threads.push(thread.expect("a thread can be started"));
        }
        Ok((Self { queue: send }, threads))
    }

    /// Runs a read.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let mut task: Task = Box::new(move |connection| {
            // A reader that went away needs no answer.
            let _ = reply.send(read(connection));
        });
        // A full queue is rare and short; giving way lets the runtime's other tasks go on meanwhile.
        loop {
            match self.queue.try_send(task) {
                Ok(()) => break,
                Err(mpsc::TrySendError::Full(back)) => {
                    task = back;
                    tokio::task::yield_now().await;
                }
                Err(mpsc::TrySendError::Disconnected(_)) => return Err(closed()),
            }
        }
        match answer.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(unavailable(&error)),
            Err(_) => Err(closed()),
        }
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
