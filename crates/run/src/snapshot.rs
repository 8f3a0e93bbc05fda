//! The snapshot: the unbounded fold of a log that people read. Messages, activities, plan, tasks, requests,
//! checkpoints and shared state, as they stand after the last event taken in.

mod fold;
mod output;
mod patch;
mod position;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{
    Decision, DiffUpdated, FileChange, Notice, OutputStream, PlanImplemented, PlanStep,
    PromptRendered, Question, SessionExited, TaskStatus, ToolKind, ToolStatus,
};
use crate::{
    By, CallId, CheckpointId, Input, InputId, MessageId, Part, PlanId, RequestId, Role, RunId, Seq,
    StepId, TaskId, Timestamp, TurnId, Usage,
};

/// Whether something is still going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// More may come.
    Open,
    /// All of it is there.
    Completed,
    /// It was cut short; what there is stays.
    Interrupted,
    /// It was said again elsewhere; readers skip it.
    Discarded,
}

/// A message of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub message: MessageId,
    /// Who speaks.
    pub role: Role,
    /// The turn it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The step it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// What is said.
    pub parts: Vec<Part>,
    /// Whether more may come.
    pub progress: Progress,
    /// The number of its first event.
    pub first_seq: Seq,
}

/// A tool call, as people watch it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// The call.
    pub call: CallId,
    /// The tool.
    pub name: String,
    /// What kind of thing it does.
    pub kind: ToolKind,
    /// A line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The message that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The turn it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The step it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// The text of its arguments as far as it came; empty once they are complete.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub args_text: String,
    /// Its arguments, once complete.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub args: Value,
    /// What the vendor wants back with the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Value>,
    /// Whether its tool was touched.
    pub running: bool,
    /// The run of another agent that performs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Where it is, in the agent's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// What the agent last added about it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// What it printed, oldest first; long output keeps its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<OutputText>,
    /// Whether earlier output was left out here; the log has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_cut: bool,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ToolStatus>,
    /// What came out.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// The number of its first event.
    pub first_seq: Seq,
}

/// A stretch of output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputText {
    /// Where it came from.
    pub stream: OutputStream,
    /// The text.
    pub text: String,
}

/// What a request asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Asked {
    /// May I?
    Approval {
        /// What kind of thing.
        of: String,
        /// A line for people.
        title: String,
        /// All of it.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        detail: Value,
        /// The decisions that may be given.
        options: Vec<Decision>,
    },
    /// Some questions.
    Question {
        /// The questions.
        questions: Vec<Question>,
    },
    /// A tool of the client.
    ClientTool,
}

/// How a request was closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Resolution {
    /// An approval's decision.
    Decided {
        /// The decision.
        decision: Decision,
        /// A word to the agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Who.
        by: By,
    },
    /// Answers or a result.
    Answered {
        /// The answers or the result.
        value: Value,
        /// Who.
        by: By,
    },
    /// Nobody answered in time, or nobody could any more.
    Expired {
        /// Why.
        why: String,
    },
}

/// A request to the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub request: RequestId,
    /// What it asks.
    pub asks: Asked,
    /// The call it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// When nobody needs to answer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// The number of the event by which it was made.
    #[serde(default)]
    pub first_seq: Seq,
}

/// An input of an open run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GivenInput {
    /// Its id.
    pub input: InputId,
    /// When it is to be heard.
    pub mode: crate::event::InputMode,
    /// What it says.
    pub parts: Vec<Part>,
    /// Who says it.
    pub by: By,
    /// Where it is.
    pub state: InputState,
    /// The number of the event by which it was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_seq: Option<Seq>,
}

/// Where an input is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum InputState {
    /// Accepted, not heard.
    Waiting,
    /// Heard by a turn.
    Consumed {
        /// The turn.
        turn: TurnId,
    },
    /// It will not be heard.
    Returned {
        /// Why.
        code: crate::event::ReturnCode,
    },
}

/// The plan of an agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<PlanStep>,
    /// Why it last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// The last proposed plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<ProposedPlan>,
    /// The plan of an earlier run that this run carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implements: Option<PlanImplemented>,
}

/// A plan for a person to accept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProposedPlan {
    /// Its id.
    pub plan: PlanId,
    /// Its text.
    pub markdown: String,
}

/// A background task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub task: TaskId,
    /// What kind it is.
    pub kind: String,
    /// A line for people.
    pub title: String,
    /// Where it is.
    pub status: TaskStatus,
    /// What it did so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What the agent last added about it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
}

/// The worktree of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worktree {
    /// Where, on the node.
    pub path: String,
    /// Its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The commit it began from.
    pub base: String,
    /// The run that owns it, where this run works in that of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<RunId>,
    /// As the run left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Settled>,
}

/// A worktree as its run left it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// The commit at its head.
    pub head: String,
    /// Whether something is not committed.
    pub dirty: bool,
    /// Whether it was removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

/// The agent's own session. What reopens it is part of the control state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The agent's id of it.
    pub native_id: String,
    /// The model it uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The state, in the agent's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why it is in that state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How its process ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exited: Option<SessionExited>,
}

/// A kept state of the worktree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its id.
    pub checkpoint: CheckpointId,
    /// The git ref.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// Changed files.
    pub files: u64,
    /// Its state.
    pub status: String,
    /// What changed since the one before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// The turn it closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
}

/// The diff of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Diff {
    /// The changed files; the first of them where there are many.
    pub files: Vec<FileChange>,
    /// How many files changed, where `files` does not name all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_files: Option<u64>,
    /// Lines added.
    pub additions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// The blob that holds it as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blob: Option<String>,
    /// Whether the text was cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl From<&DiffUpdated> for Diff {
    fn from(updated: &DiffUpdated) -> Self {
        Self {
            files: updated.files.clone(),
            n_files: updated.n_files,
            additions: updated.additions,
            deletions: updated.deletions,
            blob: updated.blob.clone(),
            truncated: updated.truncated,
        }
    }
}

impl From<&Diff> for DiffUpdated {
    fn from(diff: &Diff) -> Self {
        Self {
            files: diff.files.clone(),
            n_files: diff.n_files,
            additions: diff.additions,
            deletions: diff.deletions,
            blob: diff.blob.clone(),
            truncated: diff.truncated,
        }
    }
}

/// Tokens in the model's context.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Context {
    /// Now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// At most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_tokens: Option<u64>,
}

/// What stands for the older history of a thread, which this run was not told in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistorySummary {
    /// The text.
    pub text: String,
    /// The last run that it covers, with all before it.
    pub through: RunId,
}

/// What a log folds to, for people. Its lists only grow while it folds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// The number of the last event taken in.
    pub last_seq: Seq,
    /// What the run was asked.
    #[serde(default)]
    pub input: Input,
    /// What the agent's templates made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptRendered>,
    /// What stands for the thread's older history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistorySummary>,
    /// The turn under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The step under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// What was said, in order.
    pub messages: Vec<Message>,
    /// What was done, in order.
    pub activities: Vec<Activity>,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Background tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Task>,
    /// Requests, open and closed.
    pub requests: Vec<Request>,
    /// Inputs, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<GivenInput>,
    /// Kept states of the worktree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<Checkpoint>,
    /// The diff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// The worktree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<Worktree>,
    /// State that the agent shares.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub state: Value,
    /// Whether a change of the state could not be made: then `state` is behind what the agent means, until it shares
    /// the whole state again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub state_stale: bool,
    /// The agent's own session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// Notices, the newest of many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// The model's context.
    #[serde(default)]
    pub context: Context,
    /// What the run consumed so far.
    #[serde(default)]
    pub usage: Usage,
    /// The valid part of the structured output so far. Never part of the fold: whoever shows a snapshot of a run with
    /// a schema works it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_preview: Option<Value>,
    /// Where things stand in the lists.
    #[serde(skip)]
    index: position::Index,
}
