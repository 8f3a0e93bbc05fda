//! The agents that runs may name.

use std::collections::BTreeMap;
use std::sync::Arc;

use run::{AgentSpec, Budget};
use serde_json::Value;
use wire::structured::Schema;
use wire::{Code, Settings};

use crate::error::Error;

/// Agents by name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(Arc<BTreeMap<String, AgentSpec>>);

/// What a run wants of its agent.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'w> {
    pub(crate) settings: &'w Settings,
    pub(crate) budget: Option<&'w Budget>,
    pub(crate) output_schema: Option<&'w Value>,
}

impl Catalogue {
    /// A catalogue of these agents.
    pub fn new(agents: Arc<BTreeMap<String, AgentSpec>>) -> Self {
        Self(agents)
    }

    pub(crate) fn agents(&self) -> impl Iterator<Item = (&str, &AgentSpec)> {
        self.0.iter().map(|(name, spec)| (name.as_str(), spec))
    }

    /// The agent as a run will have it: what the run overrides and how much it may consume included.
    pub(crate) fn resolve(
        &self,
        name: &str,
        wanted: &Wanted<'_>,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<AgentSpec, Error> {
        let Some(spec) = self.0.get(name) else {
            let names = self
                .0
                .keys()
                .map(String::as_str)
                .filter(|name| allowed(name));
            return Err(Error::agent_unknown(name, wire::closest(name, names)));
        };
        let mut spec = spec.clone();
        let Wanted {
            settings,
            budget,
            output_schema,
        } = *wanted;
        let refused = settings
            .given()
            .find(|setting| !spec.overridable.contains(setting));
        if let Some(setting) = refused {
            let word = setting.as_str();
            let error = Error::new(
                Code::SettingNotOverridable,
                format!("agent `{name}` does not list {word} under overridable"),
            );
            return Err(error.with_path(&format!("settings.{word}")));
        }
        settings.apply(&mut spec);
        if let Some(budget) = budget {
            spec.budget = budget.within(&spec.budget);
        }
        if let Some(schema) = output_schema {
            spec.output_schema = Some(schema.clone());
            Schema::new(schema).map_err(|problem| Error::schema_invalid(&problem))?;
        }
        // The configuration was checked when it was read, so what is wrong now came with the run.
        match spec.problems().into_iter().next() {
            Some(problem) if problem.starts_with("output_schema") => {
                Err(Error::invalid("output_schema", problem))
            }
            Some(problem) => Err(Error::invalid("settings", problem)),
            None => Ok(spec),
        }
    }
}
