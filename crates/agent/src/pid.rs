//! Which process is meant. The system gives numbers out again, so a number alone is never enough.

use std::fmt;

/// The number of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pid(pub(crate) rustix::process::Pid);

impl Pid {
    /// This process.
    pub(crate) fn own() -> Self {
        Self(rustix::process::getpid())
    }

    /// None for what cannot be the number of a process; outside of this PID namespace the kernel shows 0.
    pub(crate) fn new(number: i32) -> Option<Self> {
        // A negative number would name a group to `kill`.
        (number > 0)
            .then(|| rustix::process::Pid::from_raw(number))
            .flatten()
            .map(Self)
    }

    /// As the system prints it.
    pub fn number(self) -> i32 {
        self.0.as_raw_pid()
    }
}

impl Ord for Pid {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.number().cmp(&other.number())
    }
}

impl PartialOrd for Pid {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// One process, for as long as this machine is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) pid: Pid,
    /// When it began, in units of the platform; later is greater.
    pub(crate) started: u64,
}
