//! How a run's end reads as a response's.

use run::event::RunFinished;
use run::{ErrorInfo, Reason, Status};
use serde_json::{Value, json};

use super::event::Lifecycle;

/// Where a response is.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It waits for a worker.
    Queued,
    /// It is under way.
    InProgress,
    /// It ended well, or the run waits for its client.
    Completed,
    /// It ended with an error.
    Failed(ErrorInfo),
    /// Somebody cancelled it.
    Cancelled,
    /// A bound or a filter cut it.
    Incomplete(&'static str),
}

impl Standing {
    /// How a finished run reads.
    pub(super) fn of(finished: &RunFinished) -> Self {
        let is = |word: &str| {
            let error = finished.error.as_ref();
            error.is_some_and(|error| error.code == word)
        };
        match finished.reason {
            // The vendor's word; the run succeeded with what there was.
            Reason::Completed | Reason::Budget
                if finished.status == Status::Succeeded
                    && finished.finish_reason.as_deref() == Some("length") =>
            {
                Self::Incomplete("max_output_tokens")
            }
            Reason::Completed => Self::Completed,
            Reason::Budget if finished.status == Status::Succeeded => Self::Completed,
            // A refusal is an answer here: the words stand in the message.
            Reason::Rejected if is("refusal") => Self::Completed,
            Reason::Rejected if is("content_filter") => Self::Incomplete("content_filter"),
            Reason::Stopped | Reason::Superseded | Reason::Unwatched => Self::Cancelled,
            Reason::Budget
            | Reason::Error
            | Reason::InvalidOutput
            | Reason::EmptyOutput
            | Reason::Silence
            | Reason::Deadline
            | Reason::Lost
            | Reason::AgentUnknown
            | Reason::Rejected
            | Reason::Interrupted => {
                let unsaid = || ErrorInfo::new(finished.reason.as_str(), "the run failed");
                Self::Failed(finished.error.clone().unwrap_or_else(unsaid))
            }
        }
    }

    /// The word on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Incomplete(_) => "incomplete",
        }
    }

    /// The event that tells of it, beside the one of the beginning.
    pub(super) fn lifecycle(&self) -> Lifecycle {
        match self {
            Self::Queued => Lifecycle::Queued,
            Self::InProgress => Lifecycle::InProgress,
            Self::Completed => Lifecycle::Completed,
            Self::Failed(_) => Lifecycle::Failed,
            Self::Cancelled | Self::Incomplete(_) => Lifecycle::Incomplete,
        }
    }

    /// `error`.
    pub(super) fn error(&self) -> Value {
        match self {
            Self::Failed(error) => json!({ "code": error.code, "message": error.message }),
            Self::Queued
            | Self::InProgress
            | Self::Completed
            | Self::Cancelled
            | Self::Incomplete(_) => Value::Null,
        }
    }

    /// `incomplete_details`.
    pub(super) fn incomplete_details(&self) -> Value {
        match self {
            Self::Incomplete(reason) => json!({ "reason": reason }),
            Self::Queued
            | Self::InProgress
            | Self::Completed
            | Self::Failed(_)
            | Self::Cancelled => Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use run::Usage;

    use super::*;

    #[track_caller]
    fn check(
        (status, reason): (Status, Reason),
        finish_reason: Option<&str>,
        error: Option<&str>,
        expected: (&str, &str),
    ) {
        let finished = RunFinished {
            status,
            reason,
            finish_reason: finish_reason.map(str::to_owned),
            error: error.map(|code| ErrorInfo::new(code, "why")),
            usage: Usage::default(),
            output: None,
        };
        let standing = Standing::of(&finished);
        let detail = match &standing {
            Standing::Failed(error) => &error.code,
            Standing::Incomplete(why) => *why,
            Standing::Queued | Standing::InProgress | Standing::Completed | Standing::Cancelled => {
                ""
            }
        };
        assert_eq!((standing.word(), detail), expected);
    }

    #[test]
    fn every_end_has_a_word() {
        let well = (Status::Succeeded, Reason::Completed);
        check(well, Some("stop"), None, ("completed", ""));
        check(
            well,
            Some("length"),
            None,
            ("incomplete", "max_output_tokens"),
        );
        check(
            (Status::Succeeded, Reason::Budget),
            None,
            None,
            ("completed", ""),
        );
        let rejected = (Status::Failed, Reason::Rejected);
        check(rejected, None, Some("refusal"), ("completed", ""));
        check(
            rejected,
            None,
            Some("content_filter"),
            ("incomplete", "content_filter"),
        );
        check(
            rejected,
            None,
            Some("unauthorized"),
            ("failed", "unauthorized"),
        );
        for reason in [
            Reason::Error,
            Reason::InvalidOutput,
            Reason::EmptyOutput,
            Reason::Silence,
            Reason::Deadline,
            Reason::Lost,
            Reason::AgentUnknown,
            Reason::Budget,
        ] {
            check(
                (Status::Failed, reason),
                None,
                None,
                ("failed", reason.as_str()),
            );
        }
        check(
            (Status::Aborted, Reason::Interrupted),
            None,
            None,
            ("failed", "interrupted"),
        );
        for reason in [Reason::Stopped, Reason::Superseded, Reason::Unwatched] {
            check((Status::Aborted, reason), None, None, ("cancelled", ""));
        }
    }
}
