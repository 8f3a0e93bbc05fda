//! Sending signals to the process that is meant, not to the next one that got its number.

use rustix::io::Errno;
use rustix::process::{Signal, kill_process, kill_process_group, test_kill_process_group};

use crate::pid::{Identity, Pid};
use crate::table;

/// What came of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Delivered,
    /// There was nobody left to send it to.
    Gone,
    /// It runs as another user.
    Refused,
}

/// Sends a signal to one process.
pub(crate) fn send(to: Identity, signal: Signal) -> Sent {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};
        match pidfd_open(to.pid.0, PidfdFlags::empty()) {
            // Looked at again after the descriptor holds the process: from here on the number does not matter.
            Ok(process) if is(to) => return sent(pidfd_send_signal(process, signal)),
            Ok(_) | Err(Errno::SRCH) => return Sent::Gone,
            // Kernels before 5.3, or a filter of system calls that does not know it.
            Err(_) => {}
        }
    }
    if is(to) {
        sent(kill_process(to.pid.0, signal))
    } else {
        Sent::Gone
    }
}

/// Sends a signal to all of a group at once: the kernel lets no member fork while it is delivered, so that a child
/// born meanwhile gets it too. The caller knows that the number is still that group's.
pub(crate) fn send_to_group(group: Pid, signal: Signal) -> Sent {
    sent(kill_process_group(group.0, signal))
}

/// Whether the group has a member, dead or alive, in one answer of the kernel's.
pub(crate) fn group_has_members(group: Pid) -> bool {
    !matches!(test_kill_process_group(group.0), Err(Errno::SRCH))
}

fn is(meant: Identity) -> bool {
    table::entry(meant.pid).is_some_and(|found| found.identity == meant)
}

fn sent(result: rustix::io::Result<()>) -> Sent {
    match result {
        Ok(()) => Sent::Delivered,
        Err(Errno::SRCH) => Sent::Gone,
        Err(_) => Sent::Refused,
    }
}
