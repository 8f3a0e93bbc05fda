//! What a worker has at hand: the time, chance, and what is visible in the store.

use std::sync::Arc;

use bytes::BytesMut;
use run::{Run, RunId, Seq, Timestamp};
use store::sqlite::{Core, Reader};
use store::{FollowError, Ready, Unavailable};

use crate::check::Witness;
use crate::{Rng, Violation};

const READABLE: &str = "what is durable can be read";
const KNOWN_CURSOR: &str = "a cursor that was given out is known for ever";

/// What a worker has at hand.
pub(crate) struct Hands<'w> {
    pub(crate) core: &'w mut Core,
    pub(crate) witness: &'w mut Witness,
    pub(crate) rng: &'w mut Rng,
    pub(crate) now: Timestamp,
}

impl Hands<'_> {
    /// The control state as everybody sees it.
    pub(crate) fn control(&self, run: RunId) -> Result<Arc<Run>, Violation> {
        match self.core.run(run) {
            Ok(Some(record)) => Ok(record.control),
            Ok(None) => Err(Violation::new(READABLE, format!("there is no run {run}"))),
            Err(why) => Err(unreadable(&why)),
        }
    }

    /// A cursor.
    pub(crate) fn follow(&mut self, run: RunId, after: Seq) -> Result<Reader, Violation> {
        self.core
            .follow(run, after)
            .map_err(|error| cannot(run, &error))
    }

    /// All that is visible behind a cursor.
    pub(crate) fn read(&mut self, run: RunId, after: Seq) -> Result<BytesMut, Violation> {
        let mut reader = self.follow(run, after)?;
        let mut frames = BytesMut::new();
        while let Some(more) = self.page(run, &mut reader)? {
            frames.extend_from_slice(&more);
        }
        Ok(frames)
    }

    /// The next page of a cursor, if one is ready; the witness sees it too.
    pub(crate) fn page(
        &mut self,
        run: RunId,
        reader: &mut Reader,
    ) -> Result<Option<bytes::Bytes>, Violation> {
        let after = reader.cursor();
        match self
            .core
            .ready(reader)
            .map_err(|error| cannot(run, &error))?
        {
            Ready::Frames(frames) => {
                self.witness.saw(run, after, &frames)?;
                Ok(Some(frames))
            }
            Ready::Ended => {
                let log = self.witness.log(run);
                if log.is_some_and(|log| log.is_final() && log.last() == after) {
                    return Ok(None);
                }
                let what = format!("{} ends behind {after}", self.witness.name(run));
                Err(Violation::new("a stream ends with the final event", what))
            }
            Ready::Nothing => Ok(None),
        }
    }
}

fn cannot(run: RunId, error: &FollowError) -> Violation {
    let promise = match error {
        FollowError::CursorUnknown { .. } => KNOWN_CURSOR,
        _ => READABLE,
    };
    Violation::new(promise, format!("run {run}: {error}"))
}

/// A read failed.
pub(crate) fn unreadable(why: &Unavailable) -> Violation {
    Violation::new(READABLE, why.to_string())
}
