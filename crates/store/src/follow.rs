//! Following a log. A follower is a cursor: chunks first, then the shared tail, then a wait for the head to move.
//! Replay and live are one path, so there is no gap and no double by construction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use run::{RunId, Seq};
use tokio::sync::watch;

use crate::sqlite::Chunks;
use crate::tail::{Following, Found};
use crate::{FollowError, ReadError};

/// A cursor on one run's log.
pub struct Follower {
    pub(crate) run: RunId,
    /// The number that comes next.
    pub(crate) next: Seq,
    pub(crate) source: Source,
    pub(crate) chunks: Chunks,
    pub(crate) _reading: ReadGuard,
}

/// Where a follower reads.
pub(crate) enum Source {
    /// The run has ended and all its events are in chunks, up to this number.
    Stored { last: Seq },
    /// The run may go on.
    Live {
        following: Following,
        head: watch::Receiver<u64>,
    },
}

/// Some events of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// Their frames; see [`run::frame`].
    pub frames: Bytes,
    /// The number of the last event of this page: the cursor for the next one.
    pub next: Seq,
    /// Whether the final event is among them or before them.
    pub is_final: bool,
}

impl Follower {
    /// The run that is followed.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The cursor: the number of the last event that was given out.
    pub fn cursor(&self) -> Seq {
        Seq(self.next.0 - 1)
    }

    /// The next frames, as many as are ready up to [`crate::READ_BYTES`]; waits when there are none. `None` behind the
    /// final event. Dropping the future between calls or while it waits loses nothing: the cursor moves only when
    /// frames are returned.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FollowError> {
        loop {
            if let Source::Live { head, .. } = &mut self.source {
                // Forget earlier wake-ups before reading, so that a commit during the read wakes us.
                head.mark_unchanged();
            }
            match self.ready().await? {
                Ready::Frames(frames) => return Ok(Some(frames)),
                Ready::Ended => return Ok(None),
                Ready::Nothing => {
                    let Source::Live { head, .. } = &mut self.source else {
                        return Ok(None);
                    };
                    // The sender lives in the tail that this follower holds.
                    let _ = head.changed().await;
                }
            }
        }
    }

    /// What is ready now, without waiting for more.
    pub async fn ready(&mut self) -> Result<Ready, FollowError> {
        let found = match &self.source {
            Source::Stored { last } if self.next > *last => Found::Ended,
            Source::Stored { .. } => Found::InChunks,
            Source::Live { following, .. } => following.tail.read(self.next),
        };
        let (frames, last) = match found {
            Found::Ended => return Ok(Ready::Ended),
            Found::CaughtUp => return Ok(Ready::Nothing),
            Found::Closed => return Err(crate::sqlite::closed().into()),
            Found::Frames(frames, last) => (frames, last),
            Found::InChunks => match self.chunks.read(self.run, self.next).await {
                Ok(Some(read)) => read,
                // The log went away between the look at the run and the read.
                Ok(None) | Err(ReadError::Unknown) => return Err(FollowError::LogExpired),
                Err(ReadError::Unavailable(why)) => return Err(why.into()),
            },
        };
        self.next = last.next();
        Ok(Ready::Frames(frames))
    }
}

/// What a follower has at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// These frames.
    Frames(Bytes),
    /// Nothing yet.
    Nothing,
    /// Nothing, and never more.
    Ended,
}

/// Who reads which run now, so that no log is deleted under a reader's feet.
#[derive(Default)]
pub(crate) struct Reading(Mutex<HashMap<RunId, usize>>);

impl Reading {
    pub(crate) fn read(self: &Arc<Self>, run: RunId) -> ReadGuard {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(run)
            .or_default() += 1;
        ReadGuard {
            run,
            reading: Arc::clone(self),
        }
    }

    pub(crate) fn is_read(&self, run: RunId) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(&run)
    }
}

/// Counts a reader as long as it lives.
pub(crate) struct ReadGuard {
    run: RunId,
    reading: Arc<Reading>,
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        let mut map = self
            .reading
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut n) = map.entry(self.run) {
            *n.get_mut() -= 1;
            if *n.get() == 0 {
                n.remove();
            }
        }
    }
}
