//! Where a thing with an id stands in a list that only grows. Most events speak of something near the end of its list;
//! for the others there is an index, made when it is first needed and again after a snapshot was read back.

use std::collections::BTreeMap;

use crate::{CallId, InputId, MessageId, RequestId, TaskId};

/// How many of the newest are looked through before the index is asked.
const RECENT: usize = 8;

/// The index of a snapshot. It follows from the lists, so it is neither stored nor compared.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    pub(super) messages: Positions<MessageId>,
    pub(super) activities: Positions<CallId>,
    pub(super) tasks: Positions<TaskId>,
    pub(super) requests: Positions<RequestId>,
    pub(super) inputs: Positions<InputId>,
    /// The size of the shared state, once it was measured.
    pub(super) state_bytes: Option<usize>,
}

impl PartialEq for Index {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// The last position of each id.
#[derive(Debug, Clone)]
pub(super) struct Positions<K> {
    by_id: BTreeMap<K, usize>,
    n_seen: usize,
}

impl<K> Default for Positions<K> {
    fn default() -> Self {
        Self {
            by_id: BTreeMap::new(),
            n_seen: 0,
        }
    }
}

impl<K: Ord + Clone> Positions<K> {
    /// The last thing with this id: a faulty agent may use an id again, and means the newest then.
    pub(super) fn find<'a, T>(
        &mut self,
        list: &'a mut [T],
        id_of: impl Fn(&T) -> &K,
        id: &K,
    ) -> Option<&'a mut T> {
        let older = list.len().saturating_sub(RECENT);
        if let Some(n) = list[older..].iter().rposition(|item| id_of(item) == id) {
            return list.get_mut(older + n);
        }
        for (n, item) in list.iter().enumerate().skip(self.n_seen) {
            self.by_id.insert(id_of(item).clone(), n);
        }
        self.n_seen = list.len();
        list.get_mut(*self.by_id.get(id)?)
    }
}
