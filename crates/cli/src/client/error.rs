//! What can go wrong between a client and its server.

use wire::{Code, Problem};

use crate::exit::Exit;

/// A call that did not give what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// No answer.
    #[error("the server at {url} cannot be reached: {why}")]
    Unreachable {
        /// The server.
        url: String,
        /// What happened.
        why: String,
    },
    /// The server says no.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The answer is none of ours.
    #[error("the server at {url} gave an answer that this program cannot read: {why}")]
    Garbled {
        /// The server.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ClientError {
    /// The status that the program ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Unreachable { .. } => Exit::Unavailable,
            Self::Garbled { .. } => Exit::Failed,
            Self::Refused(problem) => match (problem.known_code(), problem.status) {
                (Some(Code::AgentUnknown | Code::LogExpired), _) | (_, 404) => Exit::NotFound,
                (_, 409 | 410) => Exit::Conflict,
                (_, 408 | 429) => Exit::Unavailable,
                (_, 400..500) => Exit::Usage,
                _ => Exit::Unavailable,
            },
        }
    }

    /// Whether the same call may succeed soon.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Garbled { .. } => false,
            Self::Refused(problem) => {
                let known = problem.known_code().is_some_and(Code::is_transient);
                // A proxy whose server is being restarted answers with one of these.
                known || matches!(problem.status, 502..=504)
            }
        }
    }

    /// The code, if the server refused with one.
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(problem) => problem.known_code(),
            Self::Unreachable { .. } | Self::Garbled { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_exit_status_for_scripts() {
        let cases = [
            (Code::NotFound, Exit::NotFound),
            (Code::RequestUnknown, Exit::NotFound),
            (Code::AgentUnknown, Exit::NotFound),
            (Code::LogExpired, Exit::NotFound),
            (Code::RunAlreadyActive, Exit::Conflict),
            (Code::RequestAnswered, Exit::Conflict),
            (Code::RequestExpired, Exit::Conflict),
            (Code::CredentialMissing, Exit::Usage),
            (Code::AnswerUnfit, Exit::Usage),
            (Code::InvalidRequest, Exit::Usage),
            (Code::QueueFull, Exit::Unavailable),
            (Code::StoreUnavailable, Exit::Unavailable),
            (Code::ShuttingDown, Exit::Unavailable),
            (Code::Internal, Exit::Unavailable),
        ];
        for (code, exit) in cases {
            let error = ClientError::Refused(Box::new(Problem::new(code, "x")));
            assert_eq!(error.exit(), exit, "{code}");
        }
    }
}
