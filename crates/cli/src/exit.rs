//! How the program ends: a promise to scripts, documented in `--help`.

use std::process::ExitCode;

/// The status that the program ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well; the run succeeded.
    Succeeded = 0,
    /// The run failed, or the command did.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The run was aborted.
    Aborted = 3,
    /// There is no such run.
    NotFound = 4,
    /// The server cannot be reached, or cannot work now.
    Unavailable = 5,
    /// Something else came first.
    Conflict = 6,
    /// Ctrl-C: the run goes on.
    Detached = 130,
}

impl Exit {
    /// The status that stands for the end of a run.
    pub(crate) fn of_run(status: run::Status) -> Self {
        match status {
            run::Status::Failed => Self::Failed,
            run::Status::Aborted => Self::Aborted,
            run::Status::Succeeded
            | run::Status::Queued
            | run::Status::Running
            | run::Status::Waiting => Self::Succeeded,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
