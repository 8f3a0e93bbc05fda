//! The agent catalogue's types: a named configuration of a driver, and the policy that follows from it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::coding::{Approval, Cleanup, WorktreeUse};
use crate::{Backoff, Budget, History, ScriptStep, Tools, WorktreeTask};

/// How an attempt is performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverKind {
    /// One streaming call of a model.
    Model,
    /// Calls of a model and of tools in turn, until the model has an answer.
    Loop,
    /// A command of the operating system.
    Command,
    /// An agent of another program that speaks AG-UI.
    Agui,
    /// The coding agent pi.
    Pi,
    /// The coding agent codex.
    Codex,
    /// The coding agent Claude Code.
    Claude,
    /// A coding agent that speaks the Agent Client Protocol.
    Acp,
    /// The server's own: a command on the worktree of an earlier run.
    Worktree,
    /// A script: for tests, the demo and load.
    Scripted,
}

impl DriverKind {
    /// The word in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Loop => "loop",
            Self::Command => "command",
            Self::Agui => "agui",
            Self::Pi => "pi",
            Self::Codex => "codex",
            Self::Claude => "claude",
            Self::Acp => "acp",
            Self::Worktree => "worktree",
            Self::Scripted => "scripted",
        }
    }

    /// What follows a lost attempt unless the agent says otherwise.
    pub fn default_on_lost(self) -> OnLost {
        match self {
            // Done twice, each command ends as done once.
            Self::Model | Self::Worktree => OnLost::Retry,
            Self::Command => OnLost::Abort,
            Self::Loop
            | Self::Agui
            | Self::Pi
            | Self::Codex
            | Self::Claude
            | Self::Acp
            | Self::Scripted => OnLost::Resume,
        }
    }

    /// Whether a run of it hears steers and follow-ups.
    pub fn takes_inputs(self) -> bool {
        match self {
            Self::Loop | Self::Pi | Self::Codex | Self::Claude | Self::Acp | Self::Scripted => true,
            Self::Model | Self::Command | Self::Agui | Self::Worktree => false,
        }
    }

    /// Whether a run of it can be told an earlier answer and a word about it. To a command that word would be the input.
    pub fn can_refine(self) -> bool {
        match self {
            Self::Model
            | Self::Loop
            | Self::Agui
            | Self::Pi
            | Self::Codex
            | Self::Claude
            | Self::Acp
            | Self::Scripted => true,
            Self::Command | Self::Worktree => false,
        }
    }
}

impl fmt::Display for DriverKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What goes on after a lost or handed-over attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLost {
    /// The next attempt goes on behind what was written.
    Resume,
    /// The next attempt begins again.
    Retry,
    /// The run ends as interrupted.
    Abort,
}

/// What happens when a budget of tokens, steps or cost is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetEnd {
    /// The run fails as `budget`.
    #[default]
    Fail,
    /// One more call without tools asks for a summary, with which the run succeeds as `budget`.
    Summarise,
}

impl BudgetEnd {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde asks for"
    )]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A setting that an agent may let its runs override.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The model.
    Model,
    /// The sampling temperature.
    Temperature,
    /// The longest answer.
    MaxOutputTokens,
    /// What a coding agent may do without asking.
    Approval,
    /// How much a coding agent thinks.
    Effort,
    /// The mode of a coding agent's session.
    Mode,
    /// Where in its repository a coding agent works.
    Worktree,
    /// What becomes of a worktree when its run has ended.
    Cleanup,
}

impl Setting {
    /// The word in configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Temperature => "temperature",
            Self::MaxOutputTokens => "max_output_tokens",
            Self::Approval => "approval",
            Self::Effort => "effort",
            Self::Mode => "mode",
            Self::Worktree => "worktree",
            Self::Cleanup => "cleanup",
        }
    }
}

/// How a model learns the form of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// By its vendor's own structured mode.
    #[default]
    Native,
    /// By an instruction in the system message, for vendors and models without such a mode.
    Prompt,
}

/// What a `model` agent says to its vendor.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// The vendor's name in the configuration.
    pub vendor: String,
    /// The vendor's name of the model.
    pub model: String,
}

/// What a `command` agent runs; each word is a template.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandSpec {
    /// The program.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// An agent as its configuration says it. What was resolved is stored with each run, so that a changed configuration
/// does not change a run that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// How its attempts are performed.
    pub driver: DriverKind,
    /// `model`, `loop`: `vendor/model`. Coding agents: a model in the agent's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `model`, `loop`: the system prompt, a template. Coding agents: what stands behind the card or before the input in the
    /// first prompt, a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// `model`, `loop`, coding agents: the user's message, a template over `input` and the input's variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// `model`, `loop`: the sampling temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// `model`, `loop`: the longest answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// `model`: the JSON Schema (2020-12) that the answer must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// With `output_schema`: how often the model is shown what is wrong with its answer and asked again.
    #[serde(default = "default_repair_attempts")]
    pub repair_attempts: u32,
    /// With `output_schema`: how the model learns of it.
    #[serde(default)]
    pub structured: Structured,
    /// `model`: how much of its thread's history it is told.
    #[serde(default, skip_serializing_if = "History::is_default")]
    pub history: History,
    /// `command`: program and arguments, each a template over `input` and the input's variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// `command`, `loop`, coding agents without a repository: where they work; the server's directory if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// `command`, `loop`, coding agents: names of variables of the server's environment that child processes are given,
    /// beside the harmless ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// `loop`: what tools it has.
    #[serde(default, skip_serializing_if = "Tools::is_default")]
    pub tools: Tools,
    /// `loop`: what happens when a budget is used up.
    #[serde(default, skip_serializing_if = "BudgetEnd::is_default")]
    pub over_budget: BudgetEnd,
    /// `agui`: the AG-UI endpoint of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `agui`: headers of each request, by the names of variables of the server's environment that hold their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers_env: BTreeMap<String, String>,
    /// `agui`: what is told, by a `POST` of `{threadId, runId}`, when a run is stopped; the protocol has no call for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_url: Option<String>,
    /// `agui`: `forwardedProps` of each request; what a client forwards comes beside it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub forwarded_props: Map<String, Value>,
    /// `agui` and coding agents: whether events that this version does not know are kept in the log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw: bool,
    /// Coding agents: the agent's own binary; its usual name if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Coding agents: arguments before all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Coding agents: what it may do without asking; see [`AgentSpec::approval`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// Coding agents: how much it thinks, in the agent's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// Coding agents: a mode of its session, in the agent's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Coding agents: the git repository that it works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Coding agents: where in its repository it works.
    #[serde(default, skip_serializing_if = "WorktreeUse::is_default")]
    pub worktree: WorktreeUse,
    /// Coding agents: the branch or commit that a worktree begins from; what is checked out if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Coding agents: what becomes of the worktree when its run has ended.
    #[serde(default, skip_serializing_if = "Cleanup::is_default")]
    pub cleanup: Cleanup,
    /// Coding agents: a shell script that prepares a new worktree, before the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
    /// Coding agents: a shell script in the worktree, after the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teardown: Option<String>,
    /// Coding agents: whether what a succeeded run left uncommitted is committed on its branch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub commit_leftovers: bool,
    /// Coding agents that ask: milliseconds after which the process of one that waits for answers and for nothing else is
    /// ended, and its run parked; never if missing. The answers start it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub park_after_ms: Option<u64>,
    /// Coding agents: commands to try the work of a run with, by name; each a line for the shell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub previews: BTreeMap<String, String>,
    /// `worktree`: what is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<WorktreeTask>,
    /// `scripted`: what happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub script: Vec<ScriptStep>,
    /// The column of the board that a card goes to when a run of it has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_column: Option<String>,
    /// A line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many of its runs are performed at once, per tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Its runs stay out of lists unless asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
    /// What its runs may override.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridable: Vec<Setting>,
    /// What follows a lost attempt; the driver's default if missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_lost: Option<OnLost>,
    /// Attempts lost in a row, without progress, that end a run.
    #[serde(default = "default_max_lost_attempts")]
    pub max_lost_attempts: u32,
    /// Calls of a vendor that are made in one attempt, the first one included.
    #[serde(default = "default_max_tries")]
    pub max_tries: u32,
    /// Waiting between tries and attempts.
    #[serde(default)]
    pub backoff: Backoff,
    /// What a run may consume.
    #[serde(default)]
    pub budget: Budget,
    /// Milliseconds without a sign of life, tools and waiting aside, after which a run fails as `silence`.
    #[serde(default = "default_silence_ms")]
    pub silence_ms: u64,
    /// Milliseconds that a stop may take before the run is ended from outside.
    #[serde(default = "default_stop_timeout_ms")]
    pub stop_timeout_ms: u64,
}

fn default_max_lost_attempts() -> u32 {
    3
}

fn default_max_tries() -> u32 {
    4
}

fn default_repair_attempts() -> u32 {
    1
}

fn default_silence_ms() -> u64 {
    300_000
}

fn default_stop_timeout_ms() -> u64 {
    10_000
}

impl AgentSpec {
    /// An agent of a driver with every default.
    pub fn new(driver: DriverKind) -> Self {
        Self {
            driver,
            model: None,
            system: None,
            prompt: None,
            temperature: None,
            max_output_tokens: None,
            output_schema: None,
            repair_attempts: default_repair_attempts(),
            structured: Structured::default(),
            history: History::default(),
            command: Vec::new(),
            directory: None,
            env: Vec::new(),
            tools: Tools::default(),
            over_budget: BudgetEnd::default(),
            url: None,
            headers_env: BTreeMap::new(),
            stop_url: None,
            forwarded_props: Map::new(),
            raw: false,
            program: None,
            args: Vec::new(),
            approval: None,
            effort: None,
            mode: None,
            repository: None,
            worktree: WorktreeUse::default(),
            base: None,
            cleanup: Cleanup::default(),
            setup: None,
            teardown: None,
            commit_leftovers: false,
            park_after_ms: None,
            previews: BTreeMap::new(),
            task: None,
            script: Vec::new(),
            finished_column: None,
            description: None,
            concurrency: None,
            ephemeral: false,
            overridable: Vec::new(),
            on_lost: None,
            max_lost_attempts: default_max_lost_attempts(),
            max_tries: default_max_tries(),
            backoff: Backoff::default(),
            budget: Budget::default(),
            silence_ms: default_silence_ms(),
            stop_timeout_ms: default_stop_timeout_ms(),
        }
    }

    /// A scripted agent.
    pub fn scripted(script: Vec<ScriptStep>) -> Self {
        Self {
            script,
            ..Self::new(DriverKind::Scripted)
        }
    }

    /// Vendor and model of a `model` or `loop` agent.
    pub fn model_spec(&self) -> Option<ModelSpec> {
        if self.driver.is_coding() {
            return None;
        }
        let (vendor, model) = self.model.as_deref()?.split_once('/')?;
        let complete = !vendor.is_empty() && !model.is_empty();
        complete.then(|| ModelSpec {
            vendor: vendor.to_owned(),
            model: model.to_owned(),
        })
    }

    /// Program and arguments of a `command` agent.
    pub fn command_spec(&self) -> Option<CommandSpec> {
        let (program, args) = self.command.split_first()?;
        Some(CommandSpec {
            program: program.clone(),
            args: args.to_vec(),
        })
    }

    /// What decisions need to know of the agent.
    pub fn policy(&self) -> Policy {
        Policy {
            on_lost: self.on_lost.unwrap_or(self.driver.default_on_lost()),
            survives: match self.driver {
                DriverKind::Scripted => Survives {
                    text: true,
                    calls: false,
                    requests: true,
                },
                DriverKind::Model => Survives {
                    text: false,
                    calls: false,
                    requests: true,
                },
                DriverKind::Loop | DriverKind::Agui => Survives {
                    text: false,
                    calls: true,
                    requests: true,
                },
                // An agent of its own asks again when its session is reopened; half a message stays, for it may have acted
                // on it.
                DriverKind::Command
                | DriverKind::Worktree
                | DriverKind::Pi
                | DriverKind::Codex
                | DriverKind::Claude
                | DriverKind::Acp => Survives {
                    text: true,
                    calls: false,
                    requests: false,
                },
            },
            takes_inputs: self.driver.takes_inputs(),
            over_budget: self.over_budget,
            max_lost_attempts: self.max_lost_attempts,
            stop_timeout_ms: self.stop_timeout_ms,
            backoff: self.backoff,
            budget: self.budget,
        }
    }
}

/// What outlives the attempt it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Survives {
    /// The text of a message that was being written: the next attempt says the rest in a new message. Else the message
    /// is discarded and said again.
    pub text: bool,
    /// Calls whose tool was not touched or may be touched twice.
    pub calls: bool,
    /// Open requests: the next attempt can use their answers.
    pub requests: bool,
}

/// What decisions need to know of an agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// What follows a lost attempt.
    pub on_lost: OnLost,
    /// What outlives an attempt.
    pub survives: Survives,
    /// Whether its runs hear steers and follow-ups.
    pub takes_inputs: bool,
    /// Who ends a run whose budget is used up: its worker, or its driver with a summary.
    pub over_budget: BudgetEnd,
    /// Attempts lost in a row that end a run.
    pub max_lost_attempts: u32,
    /// Milliseconds that a stop may take.
    pub stop_timeout_ms: u64,
    /// Waiting between attempts.
    pub backoff: Backoff,
    /// What a run may consume.
    pub budget: Budget,
}
