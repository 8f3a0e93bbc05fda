//! `[repositories.NAME]`: repositories that agents name, and what can be started in their worktrees.

use std::collections::BTreeMap;
use std::path::PathBuf;

use run::AgentSpec;
use serde::{Deserialize, Serialize};

use super::document::Named;
use super::error::Problem;

/// A repository as its section says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepositorySection {
    /// Where it is; beside the configuration's file if not absolute.
    pub(crate) path: PathBuf,
    /// Commands to try the work of a run with, by name.
    #[serde(default)]
    pub(crate) previews: BTreeMap<String, PreviewSection>,
}

/// A command to try the work of a run with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewSection {
    /// A line for the shell, in the run's worktree.
    pub(crate) command: String,
}

/// Gives the agents the repositories that they name.
pub(super) fn resolve(
    repositories: Vec<Named<RepositorySection>>,
    agents: &mut [Named<AgentSpec>],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for agent in &mut *agents {
        if !agent.section.previews.is_empty() {
            problems.push(Problem {
                origin: agent.origin.clone(),
                message: format!(
                    "agent {}: previews belong to [repositories.NAME.previews.PREVIEW]",
                    agent.name
                ),
            });
        }
    }
    for Named {
        name,
        origin,
        section,
    } in repositories
    {
        let named = agents
            .iter_mut()
            .filter(|agent| agent.section.repository.as_deref() == Some(&*name));
        let previews = section.previews.into_iter();
        let previews: BTreeMap<_, _> = previews
            .map(|(name, preview)| (name, preview.command))
            .collect();
        let mut is_named = false;
        for agent in named {
            is_named = true;
            agent.section.repository = Some(section.path.display().to_string());
            agent.section.previews.clone_from(&previews);
        }
        if !is_named {
            problems.push(Problem {
                origin,
                message: format!(
                    "no agent works in repository {name}: name it by repository = \"{name}\" of an agent with a driver of coding agents"
                ),
            });
        }
    }
    problems
}
