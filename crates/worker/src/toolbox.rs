//! The tools of one attempt: what the model is told of them, who performs them, and on what terms.

use std::collections::BTreeMap;

use run::event::ToolKind;
use run::{BuiltinTool, ClientTool, ErrorInfo, Tools};
use tool::builtin::{AskUser, HttpFetchArgs, ShellArgs, SubAgentArgs};
use tool::{Definition, Hints, Permission, Policy, PolicyConfig, Rule, Terms};

/// Who performs a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A server of the attempt.
    Server {
        /// Its place among the servers.
        server: usize,
        /// The server's own name of the tool.
        tool: String,
    },
    /// This server fetches.
    HttpFetch,
    /// A process of the run.
    Shell,
    /// The run's user answers.
    AskUser,
    /// A run of another agent.
    Agent(String),
    /// The client.
    Client,
}

/// A tool.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// What the model is told.
    pub(crate) definition: Definition,
    /// Who performs it.
    pub(crate) owner: Owner,
    /// A line for people.
    pub(crate) title: Option<String>,
    /// What its server says of it.
    pub(crate) hints: Hints,
}

impl Known {
    /// A tool of this server.
    fn own(definition: Definition, owner: Owner) -> Self {
        Self {
            definition,
            owner,
            title: None,
            hints: Hints::default(),
        }
    }

    pub(crate) fn kind(&self) -> ToolKind {
        match self.owner {
            Owner::Server { .. } => ToolKind::Mcp,
            Owner::HttpFetch => ToolKind::Web,
            Owner::Shell => ToolKind::Command,
            Owner::Agent(_) => ToolKind::Subagent,
            Owner::AskUser | Owner::Client => ToolKind::Other,
        }
    }
}

/// The tools of one attempt.
#[derive(Debug, Default)]
pub(crate) struct Toolbox {
    tools: BTreeMap<String, Known>,
    /// For tools that touch something.
    policy: Policy,
    /// For tools that only ask or start what has terms of its own: they are allowed unless a rule has their name or
    /// denies everything. Nobody wants to be asked whether they may be asked.
    open_policy: Policy,
}

impl Toolbox {
    /// The tools of an agent that need no server, and those of its client.
    pub(crate) fn new(
        tools: &Tools,
        agents: &BTreeMap<String, String>,
        client: &[ClientTool],
    ) -> Result<Self, ErrorInfo> {
        let policy = |default| {
            Policy::new(rules(tools, default))
                .map_err(|error| ErrorInfo::new("tool_rules", error.to_string()))
        };
        let mut toolbox = Self {
            tools: BTreeMap::new(),
            policy: policy(Permission::Ask)?,
            open_policy: policy(Permission::Allow)?,
        };
        for builtin in &tools.builtin {
            let (definition, owner) = match builtin {
                BuiltinTool::HttpFetch => (HttpFetchArgs::definition(), Owner::HttpFetch),
                BuiltinTool::Shell => (ShellArgs::definition(), Owner::Shell),
                BuiltinTool::AskUser => (AskUser::definition(), Owner::AskUser),
            };
            toolbox.add(Known::own(definition, owner))?;
        }
        for (agent, description) in agents {
            let definition = SubAgentArgs::definition(agent, description);
            toolbox.add(Known::own(definition, Owner::Agent(agent.clone())))?;
        }
        for tool in client {
            let definition = Definition {
                name: tool.name.clone(),
                description: tool.description.clone(),
                input_schema: tool.parameters.clone(),
            };
            toolbox.add(Known::own(definition, Owner::Client))?;
        }
        Ok(toolbox)
    }

    /// Adds a tool.
    pub(crate) fn add(&mut self, known: Known) -> Result<(), ErrorInfo> {
        let name = known.definition.name.clone();
        let is_new = self.tools.insert(name.clone(), known).is_none();
        if is_new {
            Ok(())
        } else {
            let message = format!("two tools have the name {name:?}");
            Err(ErrorInfo::new("tool_name", message))
        }
    }

    /// The tool that a model calls by this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Known> {
        self.tools.get(name)
    }

    /// On what terms it is used.
    pub(crate) fn terms(&self, name: &str) -> Terms {
        let known = self.get(name);
        let hints = known.map_or_else(Hints::default, |known| known.hints);
        let policy = match known.map(|known| &known.owner) {
            Some(Owner::AskUser | Owner::Agent(_) | Owner::Client) => &self.open_policy,
            Some(Owner::Server { .. } | Owner::HttpFetch | Owner::Shell) | None => &self.policy,
        };
        policy.terms(name, hints)
    }

    /// Their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.keys().map(String::as_str)
    }

    /// What the model is told. What it may never use it need not know.
    pub(crate) fn definitions(&self) -> Vec<provider::Tool> {
        let usable = self
            .tools
            .iter()
            .filter(|(name, _)| self.terms(name).permission != Permission::Deny);
        usable
            .map(|(name, known)| provider::Tool {
                name: name.clone(),
                description: known.definition.description.clone(),
                parameters: known.definition.input_schema.clone(),
            })
            .collect()
    }
}

/// The agent's rules as the policy reads them.
fn rules(tools: &Tools, default: Permission) -> PolicyConfig {
    let mut rules: BTreeMap<String, Rule> = tools
        .rules
        .iter()
        .map(|(pattern, rule)| {
            let permission = match rule.permission {
                run::Permission::Allow => Permission::Allow,
                run::Permission::Ask => Permission::Ask,
                run::Permission::Deny => Permission::Deny,
            };
            let rule = Rule {
                permission: Some(permission),
                idempotent: rule.idempotent.then_some(true),
                timeout_ms: rule.timeout_ms,
            };
            (pattern.clone(), rule)
        })
        .collect();
    if default == Permission::Allow
        && let Some(all) = rules.get_mut("*")
        && all.permission == Some(Permission::Ask)
    {
        all.permission = None;
    }
    let all = rules.entry("*".to_owned()).or_default();
    all.timeout_ms.get_or_insert(tools.timeout_ms);
    PolicyConfig {
        default: Some(default),
        trust_hints: tools.trust_hints,
        rules,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use run::ToolRule;
    use serde_json::json;

    use super::*;

    fn toolbox(rules: &[(&str, run::Permission)]) -> Toolbox {
        let tools = Tools {
            builtin: vec![
                BuiltinTool::HttpFetch,
                BuiltinTool::Shell,
                BuiltinTool::AskUser,
            ],
            rules: rules
                .iter()
                .map(|(name, permission)| ((*name).to_owned(), ToolRule::new(*permission)))
                .collect(),
            timeout_ms: 5,
            ..Tools::default()
        };
        let agents = BTreeMap::from([("writer".to_owned(), "Writes.".to_owned())]);
        let client = ClientTool {
            name: "pick_colour".into(),
            description: String::new(),
            parameters: json!({"type": "object"}),
        };
        Toolbox::new(&tools, &agents, &[client]).unwrap()
    }

    #[track_caller]
    fn check(rules: &[(&str, run::Permission)], name: &str, expected: Permission) {
        let terms = toolbox(rules).terms(name);
        assert_eq!(terms.permission, expected);
        assert_eq!(terms.timeout, Duration::from_millis(5));
    }

    #[test]
    fn what_touches_something_is_asked_about_unless_a_rule_says_otherwise() {
        use run::Permission::{Allow, Ask, Deny};
        check(&[], "shell", Permission::Ask);
        check(&[], "unknown", Permission::Ask);
        check(&[("*", Allow)], "shell", Permission::Allow);
        check(&[("*", Allow), ("shell", Deny)], "shell", Permission::Deny);
        check(&[], "ask_user", Permission::Allow);
        check(&[], "pick_colour", Permission::Allow);
        check(&[("pick_*", Deny)], "pick_colour", Permission::Deny);
        check(&[("*", Ask)], "shell", Permission::Ask);
        for open in ["ask_user", "writer", "pick_colour"] {
            check(&[("*", Ask)], open, Permission::Allow);
            check(&[("*", Deny)], open, Permission::Deny);
            check(&[(open, Ask)], open, Permission::Ask);
        }
    }

    #[test]
    fn the_model_is_not_told_of_what_it_may_never_use() {
        let toolbox = toolbox(&[("shell", run::Permission::Deny)]);
        let told = toolbox.definitions();
        let names: Vec<_> = told.iter().map(|tool| tool.name.as_str()).collect();
        assert!(
            !names.contains(&"shell") && names.contains(&"http_fetch"),
            "{names:?}"
        );
        assert!(toolbox.get("shell").is_some());
    }

    #[test]
    fn a_name_is_given_once() {
        let tools = Tools {
            builtin: vec![BuiltinTool::Shell],
            ..Tools::default()
        };
        let client = ClientTool {
            name: "shell".into(),
            description: String::new(),
            parameters: json!({}),
        };
        let error = Toolbox::new(&tools, &BTreeMap::new(), &[client]).unwrap_err();
        assert_eq!(error.code, "tool_name");
    }
}
