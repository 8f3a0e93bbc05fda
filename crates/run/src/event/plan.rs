//! Plans and background tasks of an agent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PlanId, RunId, TaskId};

/// Where a step of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStepStatus {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanStep {
    /// What is to be done.
    pub text: String,
    /// Where it is.
    pub status: PlanStepStatus,
}

/// The plan as it is now; replaces the earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanUpdated {
    /// Its steps.
    pub steps: Vec<PlanStep>,
    /// Why it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// A plan for a person to accept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanProposed {
    /// Its id.
    pub plan: PlanId,
    /// Its text.
    pub markdown: String,
}

/// This run carries out a plan of an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanImplemented {
    /// The plan.
    pub plan: PlanId,
    /// The run that proposed it.
    pub of: RunId,
}

/// Where a background task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Under way.
    Running,
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// Its attempt or run ended before it did.
    Interrupted,
}

/// A background task begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStarted {
    /// Its id.
    pub task: TaskId,
    /// What kind it is, in the agent's word.
    pub kind: String,
    /// A line for people.
    pub title: String,
    /// Where it is.
    pub status: TaskStatus,
}

/// A background task goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskProgress {
    /// Its id.
    pub task: TaskId,
    /// Where it is.
    pub status: TaskStatus,
    /// What it did so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

/// A background task has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskCompleted {
    /// Its id.
    pub task: TaskId,
    /// How.
    pub status: TaskStatus,
    /// What it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}
