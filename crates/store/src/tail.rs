//! The newest events of a run, in memory, as ready frames: what every follower copies from.
//!
//! A tail holds what is durable and not yet in a chunk, and a little more while somebody follows. There is no queue per
//! follower: a follower is a cursor, so a slow one reads later and costs nothing meanwhile.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use run::{Run, RunId, Seq, Timestamp, frame};
use tokio::sync::watch;

use crate::sqlite::LastAppend;
use crate::{READ_BYTES, TAIL_BYTES};

/// The newest events of one run.
pub(crate) struct Tail {
    /// Counts commits that touched the run.
    head: watch::Sender<u64>,
    n_followers: AtomicUsize,
    is_closed: AtomicBool,
    state: Mutex<State>,
}

struct State {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: Seq,
    updated_at: Timestamp,
    control: Arc<Run>,
    append: LastAppend,
}

/// What one commit added to the run.
struct Entry {
    first: Seq,
    last: Seq,
    bytes: Bytes,
}

/// What a cursor finds in a tail.
pub(crate) enum Found {
    /// These frames, up to this number.
    Frames(Bytes, Seq),
    /// What is wanted is older than the tail: it is in chunks.
    InChunks,
    /// Nothing yet.
    CaughtUp,
    /// Nothing, and never more.
    Ended,
    /// Nothing, and the store was closed.
    Closed,
}

impl Tail {
    /// A tail of a run whose events up to `folded` are in chunks. What is behind that is pushed next.
    pub(crate) fn new(control: Arc<Run>, folded: Seq) -> Self {
        let state = State {
            entries: VecDeque::new(),
            bytes: 0,
            last: folded,
            updated_at: control.updated_at,
            control,
            append: LastAppend::default(),
        };
        Self {
            head: watch::Sender::new(0),
            n_followers: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held can only have come from an allocation; the data is consistent at every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds committed events. They can be read at once; [`Tail::settle`] says so to those who wait. Called by the writer
    /// only, in the order of the log.
    pub(crate) fn push(&self, first: Seq, last: Seq, bytes: Bytes) {
        let mut state = self.state();
        // A writer that loads its memory again after a failed commit brings what is here already.
        if last > state.last {
            state.bytes += bytes.len();
            state.entries.push_back(Entry { first, last, bytes });
            state.last = last;
        }
    }

    /// Shows the state behind a commit, once all its events are pushed: a final state before the final event would let
    /// a follower leave too early.
    pub(crate) fn settle(&self, control: &Arc<Run>, updated_at: Timestamp, append: LastAppend) {
        let mut state = self.state();
        state.updated_at = updated_at;
        state.append = append;
        if !Arc::ptr_eq(&state.control, control) {
            state.control = Arc::clone(control);
        }
        drop(state);
        // Whoever subscribes from here on reads after that, and finds what was pushed.
        if self.head.receiver_count() > 0 {
            self.head.send_modify(|n| *n += 1);
        }
    }

    /// The last append that is durable. Neither row nor journal need know it while its worker lives: a row is written
    /// only when the state moved, and what is folded leaves the journal.
    pub(crate) fn append(&self) -> LastAppend {
        self.state().append
    }

    /// Events up to `folded` are in chunks now; the oldest of them may go.
    pub(crate) fn fold(&self, folded: Seq) {
        let keep_bytes = if self.n_followers() > 0 {
            TAIL_BYTES
        } else {
            0
        };
        let mut state = self.state();
        while let Some(oldest) = state.entries.front()
            && oldest.last <= folded
            && state.bytes > keep_bytes
        {
            state.bytes -= oldest.bytes.len();
            state.entries.pop_front();
        }
        if state.entries.is_empty() {
            state.entries.shrink_to_fit();
        }
    }

    /// What a cursor that has seen everything before `next` finds.
    pub(crate) fn read(&self, next: Seq) -> Found {
        let state = self.state();
        if next > state.last {
            return if state.control.is_final() {
                Found::Ended
            } else if self.is_closed.load(Ordering::Acquire) {
                Found::Closed
            } else {
                Found::CaughtUp
            };
        }
        let Some(oldest) = state.entries.front() else {
            return Found::InChunks;
        };
        if next < oldest.first {
            return Found::InChunks;
        }
        let at = state.entries.partition_point(|entry| entry.last < next);
        let mut entries = state.entries.iter().skip(at);
        let first = entries
            .next()
            .expect("next is at most the last number, which the newest entry has");
        let head = behind(&first.bytes, next);
        // One commit since the last read is the common case: its bytes are shared, not copied.
        if first.last == state.last {
            return Found::Frames(head, first.last);
        }
        let mut merged = BytesMut::with_capacity(state.bytes.min(READ_BYTES));
        merged.extend_from_slice(&head);
        let mut last = first.last;
        for entry in entries {
            if merged.len() + entry.bytes.len() > READ_BYTES {
                break;
            }
            merged.extend_from_slice(&entry.bytes);
            last = entry.last;
        }
        Found::Frames(merged.freeze(), last)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// The number of the last visible event, its time, and the control state.
    pub(crate) fn now(&self) -> (Seq, Timestamp, Arc<Run>) {
        let state = self.state();
        (state.last, state.updated_at, Arc::clone(&state.control))
    }

    pub(crate) fn control(&self) -> Arc<Run> {
        Arc::clone(&self.state().control)
    }

    pub(crate) fn n_followers(&self) -> usize {
        self.n_followers.load(Ordering::Relaxed)
    }

    pub(crate) fn follow(self: &Arc<Self>) -> Following {
        self.n_followers.fetch_add(1, Ordering::Relaxed);
        Following {
            tail: Arc::clone(self),
        }
    }
}

/// Counts a follower as long as it lives.
pub(crate) struct Following {
    pub(crate) tail: Arc<Tail>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.tail.n_followers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The frames from number `next` on.
pub(crate) fn behind(bytes: &Bytes, next: Seq) -> Bytes {
    let mut skipped = 0;
    for frame in frame::split(bytes) {
        if frame::seq(frame).is_some_and(|seq| seq >= next) {
            break;
        }
        skipped += frame.len();
    }
    bytes.slice(skipped..)
}

/// All tails there are. The writer makes and drops them; everybody else only looks them up.
#[derive(Default)]
pub(crate) struct Tails(Mutex<HashMap<RunId, Arc<Tail>>>);

impl Tails {
    fn map(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Tail>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, run: RunId) -> Option<Arc<Tail>> {
        self.map().get(&run).map(Arc::clone)
    }

    pub(crate) fn get_or_insert(&self, run: RunId, make: impl FnOnce() -> Tail) -> Arc<Tail> {
        Arc::clone(self.map().entry(run).or_insert_with(|| Arc::new(make())))
    }

    /// Tells those who follow that nothing more will come.
    pub(crate) fn close(&self) {
        for tail in self.map().values() {
            tail.is_closed.store(true, Ordering::Release);
            tail.head.send_modify(|n| *n += 1);
        }
    }

    /// The runs that have a tail.
    pub(crate) fn runs(&self) -> Vec<RunId> {
        self.map().keys().copied().collect()
    }

    /// Drops a tail that nobody but the map and the writer holds. Under the map's lock nobody can look it up meanwhile.
    pub(crate) fn evict(&self, run: RunId) -> bool {
        let mut map = self.map();
        let unused = map
            .get(&run)
            .is_none_or(|tail| Arc::strong_count(tail) <= 2);
        if unused {
            map.remove(&run);
            // A burst of runs must not keep its room for ever.
            if map.len() * 4 < map.capacity() {
                map.shrink_to(64);
            }
        }
        unused
    }
}
