//! What a run chooses instead of its agent.

use run::{AgentSpec, Approval, Cleanup, Setting, WorktreeUse};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a run overrides of its agent, as far as the agent lists it under `overridable`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `vendor/model`; for a coding agent in the agent's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The sampling temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The longest answer, tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// What a coding agent may do without asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::schema::approval)]
    pub approval: Option<Approval>,
    /// How much a coding agent thinks, in the agent's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// A mode of a coding agent's session, in the agent's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Where in its repository a coding agent works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::schema::worktree_use)]
    pub worktree: Option<WorktreeUse>,
    /// What becomes of a worktree when the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = crate::schema::cleanup)]
    pub cleanup: Option<Cleanup>,
}

impl Settings {
    /// Whether nothing is overridden.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is overridden.
    pub fn given(&self) -> impl Iterator<Item = Setting> {
        let Self {
            model,
            temperature,
            max_output_tokens,
            approval,
            effort,
            mode,
            worktree,
            cleanup,
        } = self;
        let given = [
            (Setting::Model, model.is_some()),
            (Setting::Temperature, temperature.is_some()),
            (Setting::MaxOutputTokens, max_output_tokens.is_some()),
            (Setting::Approval, approval.is_some()),
            (Setting::Effort, effort.is_some()),
            (Setting::Mode, mode.is_some()),
            (Setting::Worktree, worktree.is_some()),
            (Setting::Cleanup, cleanup.is_some()),
        ];
        let given = given.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(setting, _)| setting)
    }

    /// What a run has, of all that its agent lets it choose.
    pub fn of(spec: &AgentSpec) -> Self {
        let chosen = |setting| spec.overridable.contains(&setting);
        Self {
            model: spec.model.clone().filter(|_| chosen(Setting::Model)),
            temperature: spec.temperature.filter(|_| chosen(Setting::Temperature)),
            max_output_tokens: spec
                .max_output_tokens
                .filter(|_| chosen(Setting::MaxOutputTokens)),
            approval: spec.approval.filter(|_| chosen(Setting::Approval)),
            effort: spec.effort.clone().filter(|_| chosen(Setting::Effort)),
            mode: spec.mode.clone().filter(|_| chosen(Setting::Mode)),
            worktree: Some(spec.worktree).filter(|_| chosen(Setting::Worktree)),
            cleanup: Some(spec.cleanup).filter(|_| chosen(Setting::Cleanup)),
        }
    }

    /// The agent with what is overridden.
    pub fn apply(&self, spec: &mut AgentSpec) {
        if self.model.is_some() {
            spec.model.clone_from(&self.model);
        }
        spec.temperature = self.temperature.or(spec.temperature);
        spec.max_output_tokens = self.max_output_tokens.or(spec.max_output_tokens);
        spec.approval = self.approval.or(spec.approval);
        if self.effort.is_some() {
            spec.effort.clone_from(&self.effort);
        }
        if self.mode.is_some() {
            spec.mode.clone_from(&self.mode);
        }
        spec.worktree = self.worktree.unwrap_or(spec.worktree);
        spec.cleanup = self.cleanup.unwrap_or(spec.cleanup);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_chosen_is_found_again_and_what_may_not_be_is_not() {
        let chosen = r#"{"approval":"ask","effort":"high","mode":"plan","worktree":"shared","cleanup":"on_finish","model":"a/b"}"#;
        let chosen: Settings = serde_json::from_str(chosen).unwrap();
        let mut spec = AgentSpec::new(run::DriverKind::Codex);
        chosen.apply(&mut spec);
        assert_eq!(Settings::of(&spec), Settings::default());
        spec.overridable = chosen.given().collect();
        assert_eq!(spec.overridable.len(), 6);
        assert_eq!(Settings::of(&spec), chosen);
    }
}
