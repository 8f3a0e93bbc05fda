//! Threads.

use run::snapshot::Message;
use run::{RunId, ThreadId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::RunBody;
use crate::answer::present;

/// A thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThreadBody {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ThreadId,
    /// A line for people.
    #[serde(default)]
    pub title: Option<String>,
    /// A longer text.
    #[serde(default)]
    pub body: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Your own data.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// Its column on the board.
    #[serde(default)]
    pub column: Option<String>,
    /// Its place in the column.
    #[serde(default)]
    pub position: Option<f64>,
    /// The agent of runs that name none.
    #[serde(default)]
    pub agent: Option<String>,
    /// The thread above it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub parent_id: Option<ThreadId>,
    /// The user who made it.
    #[serde(default)]
    pub created_by: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it or one of its runs last changed its state.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// When it was put away.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub archived_at: Option<Timestamp>,
    /// Its current run.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub current_run_id: Option<RunId>,
}

/// Threads, the last changed first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThreadList {
    /// The threads.
    pub threads: Vec<ThreadBody>,
    /// Where the next page begins, if there is one: for `?cursor=`.
    #[serde(default)]
    pub next: Option<String>,
}

/// The body of `POST /v1/threads`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateThread {
    /// Its id, at most 200 bytes; one of ours if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub id: Option<ThreadId>,
    /// A line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// A longer text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Data of your own, at most 16 KiB of JSON.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// Its column on the board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Its place in the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<f64>,
    /// The agent of runs that name none; it need not exist yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The thread above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub parent_id: Option<ThreadId>,
}

/// The body of `PATCH /v1/threads/{id}`: a missing member stays, `null` clears.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchThread {
    /// A line for people.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<String>)]
    pub title: Option<Option<String>>,
    /// A longer text.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<String>)]
    pub body: Option<Option<String>>,
    /// Words to find it by; replaces all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// Your own data; replaces all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    /// Its column on the board.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<String>)]
    pub column: Option<Option<String>>,
    /// Its place in the column.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<f64>)]
    pub position: Option<Option<f64>>,
    /// The agent of runs that name none.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    #[schema(value_type = Option<String>)]
    pub agent: Option<Option<String>>,
    /// Put away, or taken out again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// A thread's latest run: the current one, else the last. Both are `null` for a thread without runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ThreadRun {
    /// The run.
    #[serde(default)]
    pub run: Option<RunBody>,
    /// Its last message of the agent, as far as it is written.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub message: Option<Message>,
}
