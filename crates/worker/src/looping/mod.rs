//! The `loop` driver: calls of a model and of tools in turn, until the model has an answer.
//!
//! **What is next follows from the log** ([`plan`], [`Attempt::next`]), so an attempt that goes on behind another one does
//! what that one would have done: a completed message is never asked for again, a call that was announced as running is
//! performed again only where that is harmless, an answer of a person is heard whenever it comes.
//!
//! A step ends with the model's message: its usage is durable before any of its tools is touched.

mod calls;
mod child;
mod fitting;
pub(crate) mod log;
mod perform;
mod plan;
mod servers;
mod shell;
mod steps;
mod subagent;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use provider::{Request, Vendor};
use run::event::{InputMode, Notice};
use run::snapshot::{Message, Progress, Snapshot};
use run::{ErrorInfo, Event, ModelSpec, Outcome, Reason, Role, Tools, TurnId};
use tool::builtin::HttpFetch;
use tool::{Guard, GuardedClient};

pub(crate) use self::perform::hex;
pub use self::servers::{McpServer, McpServers, try_server};
pub use self::subagent::Agents;
pub(crate) use self::subagent::{child_id, report};

use self::calls::Flow;
use self::log::Log;
use self::perform::Hands;
use self::plan::open_calls;
use self::servers::{Servers, Surroundings};
use crate::answered;
use crate::asking::{Calling, Models};
use crate::command::Commands;
use crate::context::{Context, Over};
use crate::driver::{Driver, Ending};
use crate::recall::{self, Callee};
use crate::structured::Judge;
use crate::toolbox::Toolbox;
use crate::{orphans, prompt, rendered};

/// Performs loops.
#[derive(Debug, Clone)]
pub struct Loops {
    models: Models,
    commands: Commands,
    servers: McpServers,
    agents: Agents,
    fetch: HttpFetch,
    /// For MCP servers over HTTP.
    client: GuardedClient,
}

impl Loops {
    /// Runs loops with these models, MCP servers and agents. Fetches reach public addresses and those of `allow_hosts`
    /// (host names, addresses, networks); an MCP server is reached at the address that the configuration gives it.
    pub fn new(
        models: Models,
        commands: Commands,
        servers: McpServers,
        agents: Agents,
        allow_hosts: &[String],
    ) -> Result<Self, String> {
        // Naming an address in the configuration is allowing it, for this purpose.
        let named = servers.values().filter_map(servers::host_of);
        let with_servers: Vec<String> = allow_hosts.iter().cloned().chain(named).collect();
        Ok(Self {
            fetch: HttpFetch::new(client(allow_hosts)?),
            client: client(&with_servers)?,
            models,
            commands,
            servers,
            agents,
        })
    }
}

/// A client that reaches public addresses and these.
fn client(allowed: &[String]) -> Result<GuardedClient, String> {
    let guard = Guard::new(allowed).map_err(|error| error.to_string())?;
    let client = guard.client();
    client.map_err(|error| format!("failed to make an HTTP client: {error}"))
}

/// What is wrong with a list of hosts that tools may reach.
pub fn check_hosts(allow_hosts: &[String]) -> Result<(), String> {
    let guard = Guard::new(allow_hosts);
    guard.map(drop).map_err(|error| error.to_string())
}

/// What is wrong with an agent's rules about its tools.
pub fn check_tools(tools: &Tools) -> Result<(), String> {
    let checked = Toolbox::new(tools, &BTreeMap::new(), &[]);
    checked.map(drop).map_err(|error| error.message)
}

impl Driver for Loops {
    async fn perform(&self, mut context: Context) -> Ending {
        match self.run(&mut context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        }
    }
}

/// One attempt under way.
struct Attempt<'a> {
    loops: &'a Loops,
    context: &'a mut Context,
    log: Log,
    tools: Toolbox,
    hands: Hands,
    model: ModelSpec,
    vendor: Vendor,
    /// What every step's request begins with: settings, tools, the system prompt.
    base: Request,
    /// What was said on the thread before.
    history: Vec<provider::Message>,
    /// Tools that are allowed for the thread.
    granted: BTreeSet<String>,
    judge: Option<Judge>,
    /// What the model is told about an answer that did not fit, until it has given another one.
    repair: Vec<provider::Message>,
    turn: Option<TurnId>,
    /// How the run ends if nobody says anything more.
    outcome: Option<Outcome>,
}

/// What is next for the run.
enum Next {
    /// Its open calls.
    Calls,
    /// A call of the model.
    Step,
    /// The model has answered.
    End,
}

impl Loops {
    async fn run(&self, context: &mut Context) -> Result<Ending, Over> {
        let failed = |error| Ending::Finished(Outcome::failed(Reason::Error, error));
        let marker = context.marker().clone();
        let (mut attempt, notices) = match self.begin(context).await {
            Ok(Ok(begun)) => begun,
            // Servers that were about to start are let go of; here they are waited for.
            Ok(Err(error)) => {
                orphans::sweep(marker).await;
                return Ok(failed(error));
            }
            Err(over) => {
                orphans::sweep(marker).await;
                return Err(over);
            }
        };
        let ending = match attempt.recall(notices).await {
            Ok(()) => attempt.run().await,
            Err(over) => Err(over),
        };
        // In good order: a process that is stopped has a moment to close its files.
        attempt.hands.servers.end().await;
        ending
    }

    /// Sets an attempt up, and gives what is to be told of its servers, which come last: from here on they have to be
    /// ended. The inner error is the run's.
    async fn begin<'a>(
        &'a self,
        context: &'a mut Context,
    ) -> Result<Result<(Attempt<'a>, Vec<Event>), ErrorInfo>, Over> {
        let snapshot = context.snapshot().await?;
        let control = context.control();
        let spec = context.run().spec.clone();
        let judge = match Judge::of(&spec) {
            Ok(judge) => judge,
            Err(error) => return Ok(Err(error)),
        };
        let Calling {
            model,
            vendor,
            credentials,
        } = match self.models.calling(context).await? {
            Ok(calling) => calling,
            Err(error) => return Ok(Err(error)),
        };
        let rendered = match rendered::prompt(context, &snapshot).await? {
            Ok(rendered) => rendered,
            Err(error) => return Ok(Err(error)),
        };
        // What no vendor takes is refused before anything is asked.
        if let Err(error) = prompt::told(&context.run().input, &rendered) {
            return Ok(Err(error));
        }
        let agents = spec.tools.agents.iter().map(|name| {
            let described = self
                .agents
                .get(name)
                .and_then(|spec| spec.description.clone());
            (name.clone(), described.unwrap_or_default())
        });
        let agents: BTreeMap<String, String> = agents.collect();
        let mut tools = match Toolbox::new(&spec.tools, &agents, &context.run().input.tools) {
            Ok(tools) => tools,
            Err(error) => return Ok(Err(error)),
        };

        let mut log = Log::new(snapshot, &control);
        let has_prompt = rendered != run::event::PromptRendered::default();
        if has_prompt && log.snapshot.prompt.is_none() {
            log.take(vec![rendered.clone().into()]);
        }
        let mut turn = control.turn.clone();
        if turn.is_none() {
            let started = steps::turn_started(&log, context.run().spec.model.clone());
            turn = Some(started.turn.clone());
            context.emit(log.take(vec![started.into()])).await?;
        }
        let (servers, mut notices) = self.servers(context, &credentials, &mut tools).await?;
        // What an earlier attempt has told is known.
        notices.retain(|notice| !log.snapshot.notices.contains(notice));
        let notices = notices.into_iter().map(Event::from).collect();
        let mut base = prompt::request(&spec, &model, &rendered, Vec::new(), Vec::new());
        base.tools = tools.definitions();
        let attempt = Attempt {
            loops: self,
            context,
            log,
            tools,
            hands: Hands {
                fetch: self.fetch.clone(),
                servers,
                commands: self.commands.clone(),
            },
            model,
            vendor,
            base,
            history: Vec::new(),
            granted: BTreeSet::new(),
            judge,
            repair: Vec::new(),
            turn,
            outcome: None,
        };
        Ok(Ok((attempt, notices)))
    }

    async fn servers(
        &self,
        context: &Context,
        credentials: &wire::Credentials,
        tools: &mut Toolbox,
    ) -> Result<(Servers, Vec<Notice>), Over> {
        let names = context.run().spec.tools.mcp.iter();
        let mut missing = Vec::new();
        let mut configs = Vec::new();
        for name in names {
            match self.servers.get(name) {
                Some(config) => configs.push((name.clone(), config.clone())),
                None => missing.push(servers::missing(name)),
            }
        }
        let surroundings = Surroundings {
            marker: context.marker().clone(),
            attempt: context.control().attempt,
            starts: Arc::default(),
            client: self.client.clone(),
            headers: servers::headers_of(credentials),
        };
        let started = tokio::select! {
            biased;
            () = context.cancelled() => return Err(Over),
            started = Servers::start(configs, surroundings, tools) => started,
        };
        let (servers, mut notices) = started;
        notices.extend(missing);
        Ok((servers, notices))
    }
}

impl Attempt<'_> {
    /// Reads what was before it on the thread and below its run.
    async fn recall(&mut self, notices: Vec<Event>) -> Result<(), Over> {
        self.say(notices).await?;
        let callee = Callee {
            client: self.loops.models.client(),
            prices: self.loops.models.prices(),
            vendor: &self.vendor,
            model: &self.model,
            calls: steps::calls_of(&self.base.tools),
        };
        let log = &mut self.log;
        let recalled =
            recall::history(self.context, &log.snapshot, callee, log.counts.steps).await?;
        self.history = recalled.messages;
        log.counts.steps += recalled.n_steps;
        log.snapshot.usage = log.snapshot.usage.plus(&recalled.usage);
        self.granted = calls::granted(self.context, &self.log.snapshot).await?;
        self.read_agents().await
    }

    async fn run(&mut self) -> Result<Ending, Over> {
        loop {
            if self.context.is_cancelled() || self.context.is_draining() {
                return Ok(Ending::Cancelled);
            }
            let ending = match self.next() {
                Next::Calls => match self.calls().await? {
                    Flow::GoOn => None,
                    Flow::Parked => Some(Ending::Settled),
                    Flow::Cancelled(outcome) => Some(Ending::Finished(outcome)),
                },
                Next::Step => {
                    self.hear(InputMode::Steer).await?;
                    self.step().await?
                }
                Next::End => self.end().await?,
            };
            if let Some(ending) = ending {
                return Ok(ending);
            }
        }
    }

    fn next(&self) -> Next {
        let snapshot = &self.log.snapshot;
        if open_calls(snapshot).next().is_some() {
            return Next::Calls;
        }
        match last_answer(snapshot) {
            Some(answer) if is_last_word(answer, snapshot) => Next::End,
            Some(_) | None => Next::Step,
        }
    }

    /// The run is done, unless somebody has said something more: a steer that came late or a follow-up.
    async fn end(&mut self) -> Result<Option<Ending>, Over> {
        if self.hear(InputMode::FollowUp).await? {
            return Ok(None);
        }
        let outcome = self.outcome.clone().unwrap_or_else(|| self.settle());
        self.hands.servers.end_processes().await;
        if self.context.finish(outcome).await? {
            return Ok(Some(Ending::Settled));
        }
        // Refused, because an input came first.
        self.hear(InputMode::FollowUp).await?;
        Ok(None)
    }

    /// The outcome of an answer that an earlier attempt has got.
    fn settle(&self) -> Outcome {
        let snapshot = &self.log.snapshot;
        let judge = self.judge.as_ref();
        let judge = judge.filter(|_| !steps::sums_up(snapshot));
        let outcome = answered::outcome(snapshot, judge);
        steps::over_budget(snapshot, outcome.unwrap_or_else(Outcome::completed))
    }
}

/// The last message of the model that counts.
fn last_answer(snapshot: &Snapshot) -> Option<&Message> {
    let mut messages = snapshot.messages.iter().rev();
    messages
        .find(|message| message.role == Role::Assistant && message.progress != Progress::Discarded)
}

/// Whether the model waits for nothing behind a message of its own: it called no tool, and nobody has said anything since.
fn is_last_word(answer: &Message, snapshot: &Snapshot) -> bool {
    let calls = snapshot.activities.iter().rev();
    let mut calls = calls.filter(|call| call.message.as_ref() == Some(&answer.message));
    let heard_since = snapshot
        .inputs
        .iter()
        .any(|input| input.heard_seq.is_some_and(|seq| seq > answer.first_seq));
    answer.progress == Progress::Completed && calls.next().is_none() && !heard_since
}
