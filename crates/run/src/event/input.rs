//! Messages to an open run: accepted, then consumed or returned.

use serde::{Deserialize, Serialize};

use crate::{By, InputId, Part, TurnId};

/// When an input is to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputMode {
    /// Now, between two steps of the turn under way.
    Steer,
    /// After the turn under way, as a turn of its own.
    FollowUp,
}

/// An input was accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputReceived {
    /// Its id.
    pub input: InputId,
    /// When it is to be heard.
    pub mode: InputMode,
    /// What is said.
    pub parts: Vec<Part>,
    /// Who says it.
    pub by: By,
}

/// An input reached the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputConsumed {
    /// Its id.
    pub input: InputId,
    /// The turn that heard it.
    pub turn: TurnId,
}

/// Why an input came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnCode {
    /// Its sender took it back.
    TakenBack,
    /// The run ended first.
    RunEnded,
}

/// An input will not be heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputReturned {
    /// Its id.
    pub input: InputId,
    /// Why.
    pub code: ReturnCode,
}
