//! Prompts, turns and steps: a turn answers one input, a step is one model call and its tool calls.

use serde::{Deserialize, Serialize};

use crate::{ErrorInfo, InputId, StepId, TurnId, Usage};

/// What an agent's templates made of the run's input. Written once, before the first turn; every attempt uses it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptRendered {
    /// The system prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The user's message, in place of the text of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// A turn begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnStarted {
    /// Its id.
    pub turn: TurnId,
    /// The input it answers; none for the run's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<InputId>,
    /// The model that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    /// Well.
    Completed,
    /// With an error.
    Failed,
    /// Its attempt was lost.
    Interrupted,
    /// By a stop.
    Cancelled,
}

/// A turn has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnCompleted {
    /// Its id.
    pub turn: TurnId,
    /// How it ended.
    pub status: TurnStatus,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorInfo>,
}

/// A model call begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepStarted {
    /// Its id.
    pub step: StepId,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A model call and its tool calls are done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepFinished {
    /// Its id.
    pub step: StepId,
    /// What it consumed.
    #[serde(default)]
    pub usage: Usage,
    /// The vendor's word for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
}
