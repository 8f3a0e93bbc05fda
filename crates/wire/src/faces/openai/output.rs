//! The finished items of a response.

use std::collections::BTreeMap;

use super::item::Item;

/// Finished items by their index, as far as there is room.
#[derive(Debug)]
pub(super) struct Output {
    items: BTreeMap<u32, Item>,
    n_bytes: usize,
    max_bytes: usize,
    /// Whether something had no room; from then on nothing is kept.
    pub(super) is_cut: bool,
}

impl Output {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            items: BTreeMap::new(),
            n_bytes: 0,
            max_bytes,
            is_cut: false,
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.max_bytes);
    }

    pub(super) fn keep(&mut self, index: u32, item: &Item) {
        if self.is_cut {
            return;
        }
        self.n_bytes = self.n_bytes.saturating_add(item.n_bytes());
        if self.n_bytes > self.max_bytes {
            self.is_cut = true;
            self.items.clear();
        } else {
            self.items.insert(index, item.clone());
        }
    }

    pub(super) fn forget(&mut self, index: u32) {
        self.items.remove(&index);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Item)> {
        self.items.iter().map(|(index, item)| (*index, item))
    }
}
