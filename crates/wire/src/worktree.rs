//! The worktrees of coding agents' runs.

use run::{RunId, Status, WorktreeCommand};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /v1/runs/{id}/worktree`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OnWorktree(pub WorktreeCommand);

impl utoipa::PartialSchema for OnWorktree {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        crate::schema::worktree_command().into()
    }
}

impl ToSchema for OnWorktree {}

/// Where a coding agent's run worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WorktreeBody {
    /// Where, on the server's machine.
    pub path: String,
    /// The worktree's branch. None where it is no worktree but the repository as it is checked out.
    #[serde(default)]
    pub branch: Option<String>,
    /// The commit it began from.
    #[serde(default)]
    pub base: Option<String>,
    /// The run that made it, and by which alone it can be removed.
    #[schema(value_type = String, format = "uuid")]
    pub owner_run: RunId,
    /// The commit that was checked out at the end of the run.
    #[serde(default)]
    pub head: Option<String>,
    /// Whether there was something uncommitted at the end of the run.
    #[serde(default)]
    pub dirty: Option<bool>,
    /// Whether it is there still, as far as the server has removed it or not.
    pub present: bool,
}

/// A command to try the work of a run with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreviewBody {
    /// Its name.
    pub name: String,
    /// The line for the shell.
    pub command: String,
    /// Its last run, if there was one: follow it, or stop it, as any run.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub run_id: Option<RunId>,
    /// Where that is.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub status: Option<Status>,
}
