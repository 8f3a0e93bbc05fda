//! Starting a run.

use run::{Budget, Input, RunId, ThreadId, Trigger};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{Credentials, Settings};

/// The body of `POST /v1/runs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRun {
    /// The agent's name in the catalogue; that of the thread if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "writer")]
    pub agent: Option<String>,
    /// The thread it belongs to, at most 200 bytes; an unknown one is created. One of ours if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "chat-42")]
    pub thread_id: Option<ThreadId>,
    /// What it is asked: a string, `{parts, variables}` or `{messages, tools}`.
    #[schema(schema_with = crate::schema::input)]
    pub input: Input,
    /// What happens when the thread has a current run; `reject` if missing, `supersede` if `supersedes` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_conflict: Option<ConflictRule>,
    /// With `supersede`: the run whose place it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub supersedes: Option<RunId>,
    /// The JSON Schema (2020-12) that the answer must fit, in place of the agent's; at most 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub output_schema: Option<Value>,
    /// The ended run of the same thread whose result it refines; for a start that brings the messages itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub refines: Option<RunId>,
    /// What it overrides of the agent, where the agent lists it as `overridable`.
    #[serde(
        default,
        deserialize_with = "crate::read::object",
        skip_serializing_if = "Settings::is_empty"
    )]
    pub settings: Settings,
    /// Data of your own, at most 16 KiB of JSON; given back with the run.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// What starts it; `api` if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::schema::trigger)]
    pub trigger: Option<Trigger>,
    /// What it may consume; narrows the agent's own budget and never widens it.
    #[serde(
        default,
        deserialize_with = "crate::read::optional_object",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(schema_with = crate::schema::budget)]
    pub budget: Option<Budget>,
    /// Keys of vendors (`{"vendors": {"openai": "sk-…"}}`) and headers of MCP servers (`{"mcp": {"files":
    /// {"Authorization": "Bearer …"}}}`) for this run alone, before those of the server. Kept encrypted, never given back,
    /// erased when the run ends; a retry or a refinement needs them again. Not taken when the input goes to the current run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::schema::credentials)]
    pub credentials: Option<Credentials>,
}

impl StartRun {
    /// A start with nothing but what is needed.
    pub fn new(agent: impl Into<String>, input: Input) -> Self {
        Self {
            agent: Some(agent.into()),
            thread_id: None,
            input,
            on_conflict: None,
            supersedes: None,
            output_schema: None,
            refines: None,
            settings: Settings::default(),
            metadata: Map::new(),
            trigger: None,
            budget: None,
            credentials: None,
        }
    }
}

/// What happens when the thread has a current run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictRule {
    /// 409 `run_already_active`.
    Reject,
    /// The new run stands in line.
    Enqueue,
    /// The new run takes the place of the one that `supersedes` names.
    Supersede,
    /// The input goes to the current run as a steer.
    Steer,
}
