//! A bounded queue from tasks to a thread. Tasks wait for room without blocking their runtime; the thread waits on the
//! operating system, so it needs no runtime and outlives any.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// One queue; its clones are the same.
pub(crate) struct Queue<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    room: Semaphore,
}

struct State<T> {
    items: VecDeque<T>,
    is_closed: bool,
    /// Threads that wait: waking nobody would cost a call of the system for each item.
    n_waiting: usize,
}

/// The queue was closed: nothing more is taken.
#[derive(Debug)]
pub(crate) struct Closed;

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<T> Queue<T> {
    /// With room for `max` items.
    pub(crate) fn new(max: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            is_closed: false,
            n_waiting: 0,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                filled: Condvar::new(),
                room: Semaphore::new(max),
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // Nothing is called while it is held, so it is never left half done.
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item; waits for room.
    pub(crate) async fn push(&self, item: T) -> Result<(), Closed> {
        let room = self.shared.room.acquire().await.map_err(|_| Closed)?;
        room.forget();
        self.push_at_once(item)
    }

    /// Adds an item without asking for room, for the few callers that add one at a time.
    pub(crate) fn push_over(&self, item: T) -> Result<(), Closed> {
        if let Ok(room) = self.shared.room.try_acquire() {
            room.forget();
        }
        self.push_at_once(item)
    }

    fn push_at_once(&self, item: T) -> Result<(), Closed> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Closed);
        }
        state.items.push_back(item);
        let is_awaited = state.n_waiting > 0;
        drop(state);
        if is_awaited {
            self.shared.filled.notify_one();
        }
        Ok(())
    }

    /// Takes what is there, at most `max` items; waits for the first one, until `deadline` if there is one. `Err` when
    /// the queue is closed and empty.
    pub(crate) fn take(
        &self,
        into: &mut Vec<T>,
        max: usize,
        deadline: Option<Instant>,
    ) -> Result<(), Closed> {
        let mut state = self.state();
        while state.items.is_empty() {
            if state.is_closed {
                return Err(Closed);
            }
            state.n_waiting += 1;
            state = match deadline {
                None => self
                    .shared
                    .filled
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO {
                        state.n_waiting -= 1;
                        return Ok(());
                    }
                    let waited = self.shared.filled.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            state.n_waiting -= 1;
        }
        let n = state.items.len().min(max);
        into.extend(state.items.drain(..n));
        drop(state);
        self.shared.room.add_permits(n);
        Ok(())
    }

    /// Takes nothing more; what is there will still be taken out.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.shared.room.close();
        self.shared.filled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_makes_its_senders_wait_and_keeps_their_order() {
        let queue = Queue::new(2);
        let sender = queue.clone();
        let sending = tokio::spawn(async move {
            for n in 0..100 {
                sender.push(n).await.unwrap();
            }
        });
        let mut all = Vec::new();
        while all.len() < 100 {
            let mut some = Vec::new();
            let took = queue.take(&mut some, 7, Some(Instant::now()));
            took.unwrap();
            assert!(some.len() <= 2);
            all.extend(some);
            tokio::task::yield_now().await;
        }
        sending.await.unwrap();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_closed_queue_gives_what_it_has_and_takes_nothing() {
        let queue = Queue::new(1);
        queue.push(1).await.unwrap();
        let waiting = queue.clone();
        let waits = tokio::spawn(async move { waiting.push(2).await });
        tokio::task::yield_now().await;
        queue.close();
        assert!(waits.await.unwrap().is_err());
        assert!(queue.push_over(3).is_err());
        let mut taken = Vec::new();
        queue.take(&mut taken, 9, None).unwrap();
        assert_eq!(taken, [1]);
        assert!(queue.take(&mut taken, 9, None).is_err());
    }
}
