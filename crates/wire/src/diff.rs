//! What a run has changed in its repository.

use run::event::FileChange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a run has changed since its worktree began, as it was at the end of its last turn; or in one turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DiffBody {
    /// The changed files, with their counts of lines; the first of them where there are many.
    #[schema(value_type = Vec<Object>)]
    pub files: Vec<FileChange>,
    /// How many files changed.
    pub n_files: u64,
    /// Lines added in all.
    pub additions: u64,
    /// Lines removed in all.
    pub deletions: u64,
    /// The diff as `git diff` prints it.
    pub text: String,
    /// Whether the text was cut off.
    pub truncated: bool,
}
