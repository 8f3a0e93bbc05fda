//! Followers: they begin anywhere, read when they like, and come back with their cursors after a crash.

use run::{RunId, Seq};
use store::sqlite::Reader;

use crate::Violation;
use crate::check::Log;
use crate::world::World;

const TO_THE_END: &str = "who follows a run gets to its end";

/// A cursor of somebody who watches.
pub(crate) struct Follower {
    pub(crate) run: RunId,
    pub(crate) cursor: Seq,
    /// Gone after a crash, until it connects again.
    pub(crate) reader: Option<Reader>,
}

impl World {
    /// Somebody begins to watch, or reads on.
    pub(crate) fn follow(&mut self) -> Result<(), Violation> {
        if self.followers.len() < 6 && self.rng.percent(30) {
            let records = self.records()?;
            let Some(run) = self.rng.pick(&records).map(|record| record.id) else {
                return Ok(());
            };
            let seen = self.witness.seen(run).0;
            // From the beginning, or with a cursor that somebody got before.
            let cursor = if self.rng.percent(50) {
                Seq::ZERO
            } else {
                Seq(self.rng.between(0, seen))
            };
            self.followers.push(Follower {
                run,
                cursor,
                reader: None,
            });
            return Ok(());
        }
        if self.followers.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.followers.len());
        let mut follower = self.followers.swap_remove(at);
        let mut reader = match follower.reader.take() {
            Some(reader) => reader,
            None => self.hands().follow(follower.run, follower.cursor)?,
        };
        let n_pages = self.rng.between(1, 3);
        for _ in 0..n_pages {
            self.hands().page(follower.run, &mut reader)?;
        }
        follower.cursor = reader.cursor();
        match self.rng.below(10) {
            0 => {}
            1 | 2 => self.followers.push(follower),
            _ => {
                follower.reader = Some(reader);
                self.followers.push(follower);
            }
        }
        Ok(())
    }

    /// Everybody who watches reads to the end, once all runs have ended.
    pub(crate) fn follow_to_the_ends(&mut self) -> Result<(), Violation> {
        for mut follower in std::mem::take(&mut self.followers) {
            let run = follower.run;
            let mut reader = match follower.reader.take() {
                Some(reader) => reader,
                None => self.hands().follow(run, follower.cursor)?,
            };
            while self.hands().page(run, &mut reader)?.is_some() {}
            if self.witness.log(run).map(Log::last) != Some(reader.cursor()) {
                let what = format!("{} at {}", self.witness.name(run), reader.cursor());
                return Err(Violation::new(TO_THE_END, what));
            }
        }
        Ok(())
    }
}
