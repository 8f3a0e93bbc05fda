//! A run as clients see it.

use crate::{PreviewBody, WorktreeBody};
use run::snapshot::Session;
use run::{
    CallId, ErrorInfo, Reason, RunId, Seq, Snapshot, Status, ThreadId, Timestamp, Trigger, Usage,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunBody {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: RunId,
    /// The thread it belongs to.
    #[schema(value_type = String)]
    pub thread_id: ThreadId,
    /// The agent's name.
    pub agent: String,
    /// `vendor/model`, where the agent has one.
    #[serde(default)]
    pub model: Option<String>,
    /// Where it is.
    #[schema(schema_with = crate::schema::status)]
    pub status: Status,
    /// Why it ended, once it has.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "completed")]
    pub reason: Option<Reason>,
    /// What started it.
    #[schema(schema_with = crate::schema::trigger)]
    pub trigger: Trigger,
    /// The number of its present or last attempt; 0 before the first.
    pub attempt: u32,
    /// Model calls so far.
    pub step_count: u32,
    /// The number of its last event.
    #[schema(value_type = u64)]
    pub last_seq: Seq,
    /// The beginning of its last finished answer.
    #[serde(default)]
    pub summary: Option<String>,
    /// The user who started it.
    #[serde(default)]
    pub created_by: Option<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its first attempt began.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When its last event happened.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// When it ended.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// When a stop was asked for.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stop_requested_at: Option<Timestamp>,
    /// When its result was applied.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub applied_at: Option<Timestamp>,
    /// By whom its result was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_by: Option<String>,
    /// What the client wanted to remember with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_ref: Option<String>,
    /// What it consumed so far.
    #[schema(schema_with = crate::schema::usage)]
    pub usage: Usage,
    /// Its structured result.
    #[serde(default)]
    #[schema(value_type = Option<Value>)]
    pub output: Option<Value>,
    /// What went wrong: `{code, message}`.
    #[serde(default)]
    #[schema(schema_with = crate::schema::error_info)]
    pub error: Option<ErrorInfo>,
    /// The vendor's own word for its end, for example `length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The run whose result it refines.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub refines: Option<RunId>,
    /// The call of another run that it performs, where an agent started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentBody>,
    /// Whether its result can be refined as it is. A run that did not succeed can be refined with an `output` given.
    #[serde(default)]
    pub can_refine: bool,
    /// The run whose worktree it does something with, where it is the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub worktree_of: Option<RunId>,
    /// Where a coding agent worked. Only where one run is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<WorktreeBody>,
    /// What its work can be tried with. Only where one run is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previews: Vec<PreviewBody>,
    /// A coding agent's own session: `{native_id, model?, state?, why?, exited?}`. Only where one run is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub session: Option<Session>,
    /// Whether it is the thread's current run.
    pub is_current: bool,
    /// Whether its events were deleted by age.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub log_expired: bool,
    /// Your own data.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// What its log folds to: messages, activities, plan, tasks, requests, inputs, checkpoints, state, notices, usage,
    /// `output_preview`.
    /// Only where one run is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub snapshot: Option<Box<Snapshot>>,
}

/// The call of another run that a run performs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParentBody {
    /// The run that calls.
    #[schema(value_type = String, format = "uuid")]
    pub run_id: RunId,
    /// Its call.
    #[schema(value_type = String)]
    pub call: CallId,
    /// How many agents there are above, from 1.
    pub depth: u32,
}

/// Runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// The runs.
    pub runs: Vec<RunBody>,
    /// Where the next page begins, if there is one: for `?cursor=`.
    #[serde(default)]
    pub next: Option<String>,
}
