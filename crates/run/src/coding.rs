//! Coding agents: processes of their own, in a repository or a directory.

use serde::{Deserialize, Serialize};

use crate::{AgentSpec, DriverKind, PREVIEW_NAME_BYTES, RunId, ThreadId};

/// What a coding agent may do without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nothing that acts.
    Ask,
    /// Change files where it works.
    AutoEdits,
    /// Everything.
    Full,
}

/// Where in its repository a coding agent works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorktreeUse {
    /// In a worktree of the run's own, on a branch of its own.
    #[default]
    PerRun,
    /// In the repository as it is checked out. What other runs and people do there is seen.
    Shared,
    /// In `directory`, without git.
    None,
}

/// What becomes of a worktree when its run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleanup {
    /// It stays, to be looked at, refined and merged.
    #[default]
    Keep,
    /// It goes, with its branch; what is in no other branch is saved under a ref.
    OnFinish,
}

impl WorktreeUse {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde asks for"
    )]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Cleanup {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde asks for"
    )]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The drivers of coding agents.
pub(crate) const CODING: &[DriverKind] = &[
    DriverKind::Pi,
    DriverKind::Codex,
    DriverKind::Claude,
    DriverKind::Acp,
];

impl DriverKind {
    /// Whether it drives a coding agent: a process of its own that keeps a session.
    pub fn is_coding(self) -> bool {
        CODING.contains(&self)
    }
}

impl AgentSpec {
    /// What a coding agent may do without asking: as it says, else the most careful that its kind can keep.
    pub fn approval(&self) -> Approval {
        self.approval.unwrap_or(match self.driver {
            // It never asks.
            DriverKind::Pi => Approval::Full,
            DriverKind::Model
            | DriverKind::Loop
            | DriverKind::Command
            | DriverKind::Agui
            | DriverKind::Codex
            | DriverKind::Claude
            | DriverKind::Acp
            | DriverKind::Worktree
            | DriverKind::Scripted => Approval::Ask,
        })
    }

    /// Where a coding agent works. Without a repository there is no worktree.
    pub fn worktree_use(&self) -> WorktreeUse {
        if self.repository.is_some() {
            self.worktree
        } else {
            WorktreeUse::None
        }
    }
}

impl AgentSpec {
    /// What performs a preview of the work of a run of this agent, in its worktree.
    pub fn preview(&self, name: &str, directory: String) -> Option<Self> {
        let command = self.previews.get(name)?;
        // Words of a command are templates; a shell's line is none.
        let literal = command.replace('{', "{{ '{' }}");
        Some(Self {
            command: vec!["sh".to_owned(), "-c".to_owned(), literal],
            directory: Some(directory),
            env: self.env.clone(),
            ephemeral: true,
            ..Self::new(DriverKind::Command)
        })
    }
}

/// What the ids of the threads of a run's previews begin with.
pub fn preview_threads(owner: RunId) -> String {
    format!("preview.{owner}.")
}

/// The thread of a preview in the worktree of a run: one thread has one current run, so each preview is there once.
pub fn preview_thread(owner: RunId, name: &str) -> ThreadId {
    ThreadId::parse(preview_threads(owner) + name)
        .expect("a run's id and a preview's name are short")
}

/// Those among the coding agents that ask people.
pub(crate) const ASKING: &[DriverKind] = &[DriverKind::Codex, DriverKind::Claude, DriverKind::Acp];

/// What is wrong with a coding agent beside keys that do not belong to it.
pub(crate) fn problems(spec: &AgentSpec) -> Vec<String> {
    let mut problems = Vec::new();
    if spec.driver == DriverKind::Acp && spec.program.is_none() {
        problems.push(
            "program is missing: driver acp needs program = \"opencode\" and args = [\"acp\"], or another agent's"
                .to_owned(),
        );
    }
    if spec.driver == DriverKind::Pi && spec.approval() != Approval::Full {
        problems.push(
            "approval must be \"full\" with driver pi, which runs everything without asking"
                .to_owned(),
        );
    }
    let uses_worktree = spec.worktree_use() == WorktreeUse::PerRun;
    if spec.repository.is_none()
        && !spec.worktree.is_default()
        && spec.worktree != WorktreeUse::None
    {
        problems.push("worktree needs repository = \"path\"".to_owned());
    }
    if spec.repository.is_some() && spec.directory.is_some() {
        problems.push(
            "directory and repository exclude each other: the agent works in the repository"
                .to_owned(),
        );
    }
    for (present, key) in [
        (spec.base.is_some(), "base"),
        (!spec.cleanup.is_default(), "cleanup"),
        (spec.setup.is_some(), "setup"),
        (spec.teardown.is_some(), "teardown"),
        (spec.commit_leftovers, "commit_leftovers"),
    ] {
        if present && !uses_worktree {
            problems.push(format!(
                "{key} needs a worktree of the run's own: repository = \"path\" with worktree = \"per_run\""
            ));
        }
    }
    for (name, command) in &spec.previews {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > PREVIEW_NAME_BYTES || !name.chars().all(fits) {
            problems.push(format!(
                "preview {name:?}: a name has 1 to {PREVIEW_NAME_BYTES} letters, digits, hyphens and underscores"
            ));
        }
        if command.trim().is_empty() {
            problems.push(format!("preview {name}: command is empty"));
        }
    }
    problems
}
