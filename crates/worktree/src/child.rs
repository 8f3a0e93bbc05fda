//! A child process that ends with its owner.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::Child;

use crate::limits::GRACE;

/// A child that leads a group of its own. Dropping it before it has ended stops the group and waits for that, which
/// blocks for some milliseconds: git deletes its lock files when it is asked to end, and whoever gave it up must find
/// them gone.
#[derive(Debug)]
pub(crate) struct Leader {
    pub(crate) child: Child,
    group: Option<Pid>,
}

impl Leader {
    pub(crate) fn new(child: Child) -> Self {
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Self { child, group }
    }

    /// Waits for its end. Cancel safe.
    pub(crate) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.group = None;
        status
    }

    /// Stops it and all of its group. Blocks until that is done.
    pub(crate) fn stop(&mut self) {
        let Some(group) = self.group.take() else {
            return;
        };
        let _ = kill_process_group(group, Signal::TERM);
        let until = Instant::now() + GRACE;
        while Instant::now() < until {
            let ended = matches!(self.child.try_wait(), Ok(Some(_)));
            if ended && test_kill_process_group(group).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // The leader may be collected by now; its number is the group's as long as there is a member.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.stop();
    }
}
