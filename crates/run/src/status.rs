//! Where a run is and how it ended.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a run, as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for a worker: new, in line behind another run, or due again after an attempt.
    Queued,
    /// A worker performs an attempt.
    Running,
    /// Waits for its client, for a child run or for a time.
    Waiting,
    /// Ended well.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because somebody or something ended it.
    Aborted,
}

impl Status {
    /// Every status, in the order in which a run passes them.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Succeeded,
        Self::Failed,
        Self::Aborted,
    ];

    /// Whether a run in this status has ended.
    pub fn is_final(self) -> bool {
        match self {
            Self::Queued | Self::Running | Self::Waiting => false,
            Self::Succeeded | Self::Failed | Self::Aborted => true,
        }
    }

    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It did what it was asked; also when a stop came too late to matter.
    Completed,
    /// A budget ran out: failed, or succeeded with a last summary.
    Budget,
    /// The driver failed.
    Error,
    /// The output does not fit its schema.
    InvalidOutput,
    /// The model said nothing.
    EmptyOutput,
    /// Nothing was heard for too long.
    Silence,
    /// The time for the run is over.
    Deadline,
    /// Too many attempts were lost without progress between them.
    Lost,
    /// The agent is not in the catalogue.
    AgentUnknown,
    /// The agent or the vendor refused.
    Rejected,
    /// A stop.
    Stopped,
    /// Another run took its place.
    Superseded,
    /// Its attempt was lost and its agent does not go on after that.
    Interrupted,
    /// Nobody watched for longer than its budget allows.
    Unwatched,
}

impl Reason {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Budget => "budget",
            Self::Error => "error",
            Self::InvalidOutput => "invalid_output",
            Self::EmptyOutput => "empty_output",
            Self::Silence => "silence",
            Self::Deadline => "deadline",
            Self::Lost => "lost",
            Self::AgentUnknown => "agent_unknown",
            Self::Rejected => "rejected",
            Self::Stopped => "stopped",
            Self::Superseded => "superseded",
            Self::Interrupted => "interrupted",
            Self::Unwatched => "unwatched",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A person.
    User,
    /// A program.
    #[default]
    Api,
    /// A rule of the board.
    Autostart,
    /// A time.
    Schedule,
    /// An earlier run.
    Continue,
}

/// An error as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorInfo {
    /// A stable word for programs.
    pub code: String,
    /// What was wrong, for people.
    pub message: String,
}

impl ErrorInfo {
    /// An error with a bounded message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: crate::bounded_text(message.into(), crate::MAX_WHY_BYTES),
        }
    }
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// A final status.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// The vendor's own word for the end, for example `length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorInfo>,
    /// The structured result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

impl Outcome {
    /// Ended well.
    pub fn completed() -> Self {
        Self {
            status: Status::Succeeded,
            reason: Reason::Completed,
            finish_reason: None,
            error: None,
            output: None,
        }
    }

    /// Ended with an error.
    pub fn failed(reason: Reason, error: ErrorInfo) -> Self {
        Self {
            status: Status::Failed,
            reason,
            finish_reason: None,
            error: Some(error),
            output: None,
        }
    }

    /// Ended by somebody or something.
    pub fn aborted(reason: Reason) -> Self {
        Self {
            status: Status::Aborted,
            reason,
            finish_reason: None,
            error: None,
            output: None,
        }
    }

    /// The same with a structured result.
    #[must_use]
    pub fn with_output(mut self, output: Value) -> Self {
        self.output = Some(output);
        self
    }
}
