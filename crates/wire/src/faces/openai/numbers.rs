//! Numbers of events, ids of items, and what is shown of both.

use std::sync::Arc;

use run::{RunId, Seq};

use super::event::{Event, ItemPlace, NUMBERS_PER_EVENT, Numbered};
use super::ids::plain;
use super::item::Item;

/// Gives events their numbers. A number follows from the log alone: an event that is not shown to this reader takes its
/// number all the same.
#[derive(Debug)]
pub(super) struct Numbers {
    /// The run's id as it stands in ids of items.
    run: String,
    /// The number of the first event of the response.
    first: Seq,
    /// The event of the log under way.
    seq: Seq,
    /// How many events it has become so far.
    n: u64,
    /// The index that the next item gets.
    index: u32,
    /// Whether this is the response that is wanted.
    pub(super) shows: bool,
    /// Whether what comes belongs to something that is to be forgotten.
    pub(super) hides: bool,
    /// The last number that the reader has.
    after: Option<u64>,
    out: Vec<Numbered>,
}

impl Numbers {
    pub(super) fn new(run: RunId, after: Option<u64>) -> Self {
        Self {
            run: plain(run),
            first: Seq(1),
            seq: Seq::ZERO,
            n: 0,
            index: 0,
            shows: false,
            hides: false,
            after,
            out: Vec::new(),
        }
    }

    /// The next event of the log.
    pub(super) fn move_to(&mut self, seq: Seq) {
        self.seq = seq;
        self.n = 0;
        self.hides = false;
    }

    /// The response begins with the event of the log under way.
    pub(super) fn begin(&mut self) {
        self.first = self.seq;
        self.index = 0;
    }

    pub(super) fn first(&self) -> Seq {
        self.first
    }

    /// The id of an item that appears now, and its index.
    pub(super) fn item(&mut self, kind: &str) -> ItemPlace {
        let n = self.seq.0 * NUMBERS_PER_EVENT + self.n;
        let output_index = self.index;
        self.index += 1;
        ItemPlace {
            item_id: Arc::from(format!("{kind}_{}_{n}", self.run)),
            output_index,
        }
    }

    /// The number that comes next.
    pub(super) fn next(&self) -> u64 {
        (self.seq.0 - self.first.0) * NUMBERS_PER_EVENT + self.n
    }

    /// How many numbers are left for the event of the log under way; one is kept for the end of the response.
    pub(super) fn room(&self) -> u64 {
        (NUMBERS_PER_EVENT - 1).saturating_sub(self.n)
    }

    /// An event with text.
    pub(super) fn push(&mut self, event: Event) {
        if !self.hides {
            self.write(event);
        }
        self.n += 1;
    }

    /// An event without text, which is shown also of what is to be forgotten, so that items keep their places.
    pub(super) fn push_bare(&mut self, event: Event) {
        self.write(event);
        self.n += 1;
    }

    /// An item appears.
    pub(super) fn add(&mut self, place: &ItemPlace, item: Item) {
        self.push_bare(Event::ItemAdded(place.output_index, item));
    }

    /// The number of an event that is printed elsewhere.
    pub(super) fn pass(&mut self) -> u64 {
        let number = self.next();
        self.n += 1;
        number
    }

    fn write(&mut self, event: Event) {
        let sequence_number = self.next();
        if self.shows && self.wants(sequence_number) {
            self.out.push(Numbered {
                sequence_number,
                event,
            });
        }
    }

    pub(super) fn wants(&self, sequence_number: u64) -> bool {
        self.after.is_none_or(|after| sequence_number > after)
    }

    pub(super) fn drain(&mut self) -> std::vec::Drain<'_, Numbered> {
        self.out.drain(..)
    }
}
