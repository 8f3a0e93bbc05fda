//! Why a verb failed: what is printed and the status that the program ends with.

use std::io;

use wire::Code;

use crate::admin::AdminError;
use crate::client::{ClientError, LaunchError, NoServer, RunNameError};
use crate::config::ConfigError;
use crate::exit::Exit;
use crate::follow::FollowError;

/// A verb that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration is wrong.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// A call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No run is meant.
    #[error(transparent)]
    Run(#[from] RunNameError),
    /// There is no server.
    #[error(transparent)]
    NoServer(#[from] NoServer),
    /// No server could be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Watching ended before the run.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] store::OpenError),
    /// An order did not reach a store.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Reading or writing failed.
    #[error("{what}: {why}")]
    Io {
        /// What was being done.
        what: String,
        /// What happened.
        #[source]
        why: io::Error,
    },
    /// The run has no such request.
    #[error("{0}")]
    NotFound(String),
    /// Something is in the way.
    #[error("{0}")]
    Conflict(String),
    /// Something does not work now.
    #[error("{0}")]
    Unavailable(String),
    /// The work itself failed.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |why| Self::Io { what, why }
    }

    /// The status that the program ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_)
            | Self::Usage(_)
            | Self::Run(RunNameError::Ambiguous { .. } | RunNameError::Malformed(_)) => Exit::Usage,
            Self::Client(error)
            | Self::Run(RunNameError::Client(error))
            | Self::Follow(FollowError::Client(error)) => error.exit(),
            Self::Run(RunNameError::Unknown(_) | RunNameError::NoRuns) | Self::NotFound(_) => {
                Exit::NotFound
            }
            Self::NoServer(_)
            | Self::Launch(_)
            | Self::Open(_)
            | Self::Admin(_)
            | Self::Follow(FollowError::GaveUp { .. })
            | Self::Unavailable(_) => Exit::Unavailable,
            Self::Conflict(_) => Exit::Conflict,
            Self::Follow(
                FollowError::Gap { .. } | FollowError::Unreadable { .. } | FollowError::Output(_),
            )
            | Self::Io { .. }
            | Self::Failed(_) => Exit::Failed,
        }
    }

    /// Whether it only means that nobody reads our output any more.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        match self {
            Self::Follow(FollowError::Output(error)) | Self::Io { why: error, .. } => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }

    /// What to do about it, where that can be said.
    pub(crate) fn hint(&self) -> Option<String> {
        let Self::Client(ClientError::Refused(problem)) = self else {
            return None;
        };
        let run = problem.run_id.as_deref();
        match (problem.known_code()?, run) {
            (Code::RunAlreadyActive, Some(run)) => Some(format!(
                "watch it with `outlive attach {run}`, or use --on-conflict enqueue, supersede or steer"
            )),
            (Code::RunOpen, Some(run)) => Some(format!("end it first: `outlive stop {run}`")),
            (Code::AgentUnknown, _) => Some("`outlive agents` lists them".to_owned()),
            (Code::CredentialMissing | Code::CredentialUnknown, _) => {
                Some("put a key into OUTLIVE_KEY; `outlive keys create NAME` makes one".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::Problem;

    use super::*;

    #[test]
    fn failures_have_the_documented_exit_codes() {
        let refused =
            |code| Failure::Client(ClientError::Refused(Box::new(Problem::new(code, "x"))));
        let cases = [
            (Failure::Usage("x".into()), Exit::Usage),
            (Failure::Config(ConfigError(Vec::new())), Exit::Usage),
            (refused(Code::RunAlreadyActive), Exit::Conflict),
            (refused(Code::NotFound), Exit::NotFound),
            (Failure::Run(RunNameError::NoRuns), Exit::NotFound),
            (
                Failure::Run(RunNameError::Malformed("x".into())),
                Exit::Usage,
            ),
            (
                Failure::NoServer(NoServer { store: "x".into() }),
                Exit::Unavailable,
            ),
            (
                Failure::Follow(FollowError::GaveUp { why: "x".into() }),
                Exit::Unavailable,
            ),
            (Failure::Failed("x".into()), Exit::Failed),
        ];
        for (failure, exit) in cases {
            assert_eq!(failure.exit(), exit, "{failure}");
        }
    }
}
