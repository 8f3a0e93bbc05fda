//! A line of the table.

use crate::pid::{Identity, Pid};

/// A process at the moment of the look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) identity: Identity,
    /// None where the parent is outside of what can be seen; so for the group and the session.
    pub(crate) parent: Option<Pid>,
    pub(crate) group: Option<Pid>,
    pub(crate) session: Option<Pid>,
    /// Dead: nothing of it runs any more, only its status waits to be collected.
    pub(crate) dead: bool,
    /// A thread of the kernel, which nobody can kill.
    pub(crate) kernel: bool,
}

impl Entry {
    pub(crate) fn pid(&self) -> Pid {
        self.identity.pid
    }
}
