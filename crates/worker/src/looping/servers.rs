//! The MCP servers of one attempt. One that cannot be reached costs its tools and says so; one that dies fails its calls.
//! Neither ends the run.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent::{Mark, Marker, Spec, Stdin};
use run::event::{Notice, NoticeLevel};
use run::{MAX_WHY_BYTES, bounded_text};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tool::mcp::{Call, Error, Names, Origin, Server};
use tool::{Definition, GuardedClient, Redactor, Secret, ToolOutput};

use super::child::{Child, part_of};
use crate::fault::source_chain;
use crate::toolbox::{Known, Owner, Toolbox};

/// An MCP server as the configuration describes it.
#[derive(Debug, Clone)]
pub enum McpServer {
    /// A program that speaks over its pipes. It carries the run's marker and dies with the attempt.
    Command {
        /// A path, or a name that is looked for in `PATH`.
        program: String,
        /// Its arguments.
        args: Vec<String>,
        /// Where it runs; the server's directory if missing.
        directory: Option<PathBuf>,
        /// All that its environment holds beside the harmless names.
        env: Vec<(OsString, OsString)>,
    },
    /// A service that speaks streamable HTTP.
    Http {
        /// Its address.
        url: String,
        /// What goes with each request.
        headers: Vec<(String, Secret)>,
    },
}

/// The servers by their names in the configuration.
pub type McpServers = BTreeMap<String, McpServer>;

/// The host of a server over HTTP.
pub(super) fn host_of(server: &McpServer) -> Option<String> {
    match server {
        McpServer::Command { .. } => None,
        McpServer::Http { url, .. } => {
            let url = reqwest::Url::parse(url).ok()?;
            let host = url
                .host_str()?
                .trim_start_matches('[')
                .trim_end_matches(']');
            Some(host.to_owned())
        }
    }
}

/// Starts a server, counts the tools that it offers, and ends it. `allow_hosts` are as in [`Loops::new`]. The error is for
/// people.
///
/// [`Loops::new`]: super::Loops::new
pub async fn try_server(
    name: &str,
    server: &McpServer,
    allow_hosts: &[String],
) -> Result<usize, String> {
    let marker = Mark::new(&format!("check-{}", std::process::id()));
    let marker = marker.and_then(|mark| mark.run(name));
    let allowed: Vec<String> = allow_hosts.iter().cloned().chain(host_of(server)).collect();
    let surroundings = Surroundings {
        marker: marker.map_err(|error| error.to_string())?,
        attempt: 1,
        starts: Arc::default(),
        client: super::client(&allowed)?,
        headers: BTreeMap::new(),
    };
    let running = start(name, server, &surroundings).await?;
    let tools = running.server.tools().await;
    running.end().await;
    let tools = tools.map_err(|error| source_chain(&error))?;
    Ok(tools.tools.len())
}

/// What servers of an attempt need.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) marker: Marker,
    /// The attempt's number, and how many processes it has started. What a process leaves behind is swept by its marker,
    /// so no two may have the same one, not even where one has just ended.
    pub(crate) attempt: u32,
    pub(crate) starts: Arc<AtomicU32>,
    pub(crate) client: GuardedClient,
    /// Headers that the run brought along, by server.
    pub(crate) headers: BTreeMap<String, Vec<(String, Secret)>>,
}

impl Surroundings {
    /// The part of the run that a process is.
    fn part(&self, name: &str) -> String {
        let attempt = self.attempt;
        let n = self.starts.fetch_add(1, Ordering::Relaxed);
        format!("mcp-{name}-{attempt}-{n}")
    }
}

/// The servers of one attempt. Dropping them ends them.
#[derive(Debug)]
pub(crate) struct Servers {
    servers: Vec<Configured>,
    surroundings: Surroundings,
}

/// One server, running or not.
#[derive(Debug)]
struct Configured {
    name: String,
    config: McpServer,
    running: Mutex<Option<Arc<Running>>>,
}

#[derive(Debug)]
struct Running {
    server: Server,
    child: Option<Child>,
}

impl Servers {
    /// Starts all of them at once, and puts what they offer into the toolbox. Gives what is to be told of those that
    /// could not be reached.
    pub(crate) async fn start(
        configs: Vec<(String, McpServer)>,
        surroundings: Surroundings,
        toolbox: &mut Toolbox,
    ) -> (Self, Vec<Notice>) {
        let mut starts = JoinSet::new();
        for (place, (name, config)) in configs.into_iter().enumerate() {
            let surroundings = surroundings.clone();
            starts.spawn(async move {
                let started = start(&name, &config, &surroundings).await;
                let offer = match started {
                    Ok(running) => match running.server.tools().await {
                        Ok(tools) => Ok((running, tools)),
                        Err(error) => Err(source_chain(&error)),
                    },
                    Err(why) => Err(why),
                };
                (place, name, config, offer)
            });
        }
        let mut started = starts.join_all().await;
        started.sort_by_key(|(place, ..)| *place);
        let mut notices = Vec::new();
        let mut servers = Vec::new();
        let mut offered = BTreeMap::new();
        for (place, name, config, offer) in started {
            let running = match offer {
                Ok((running, tools)) => {
                    for left_out in &tools.left_out {
                        notices.push(notice("mcp_tool_left_out", left_out));
                    }
                    for info in &tools.tools {
                        let origin = Origin {
                            server: name.clone(),
                            tool: info.name.clone(),
                        };
                        offered.insert(origin, (place, info.clone()));
                    }
                    Some(Arc::new(running))
                }
                Err(why) => {
                    let text = format!("the tools of {name} are missing: {why}");
                    notices.push(notice("mcp_unreachable", &text));
                    None
                }
            };
            servers.push(Configured {
                name,
                config,
                running: Mutex::new(running),
            });
        }
        let reserved: Vec<String> = toolbox.names().map(str::to_owned).collect();
        let names = Names::new(reserved.iter().map(String::as_str), offered.keys().cloned());
        for (name, origin) in names.iter() {
            let (place, info) = &offered[origin];
            let known = Known {
                definition: Definition {
                    name: name.to_owned(),
                    description: info.description.clone(),
                    input_schema: info.input_schema.clone(),
                },
                owner: Owner::Server {
                    server: *place,
                    tool: info.name.clone(),
                },
                title: info.title.clone(),
                hints: info.hints,
            };
            // The names are made so that none is there twice.
            if let Err(error) = toolbox.add(known) {
                notices.push(notice("mcp_tool_left_out", &error.message));
            }
        }
        let servers = Self {
            servers,
            surroundings,
        };
        (servers, notices)
    }

    /// Calls a tool; what it says meanwhile goes to `notices`. The error is for the model. A server that has ended is
    /// started again, once per call.
    pub(crate) async fn call(
        &self,
        place: usize,
        tool: &str,
        args: Value,
        timeout: Duration,
        notices: mpsc::Sender<String>,
    ) -> Result<ToolOutput, String> {
        let running = self.running(place).await?;
        let call = Call {
            tool: tool.to_owned(),
            args,
            timeout,
            notices: Some(notices),
        };
        let called = running.server.call(call).await;
        if let Err(Error::Gone { .. }) = &called {
            // Its client may need a moment more to notice.
            self.forget(place, &running);
        }
        called.map_err(|error| source_chain(&error))
    }

    /// Ends all of them and waits until nothing of them is left. No call is under way; one that comes later starts its
    /// server again.
    pub(crate) async fn end(&self) {
        self.end_those(|_| true).await;
    }

    /// Ends those that are processes, before the run is parked or ends: nobody who sees that may find one, and none
    /// may meet those of the next attempt.
    pub(crate) async fn end_processes(&self) {
        self.end_those(|running| running.child.is_some()).await;
    }

    async fn end_those(&self, is_meant: fn(&Running) -> bool) {
        let mut ends = JoinSet::new();
        for configured in &self.servers {
            let running = configured.take_if(|running| is_meant(running));
            // Whoever still had it would end it by letting go of it.
            if let Some(running) = running.and_then(Arc::into_inner) {
                ends.spawn(running.end());
            }
        }
        ends.join_all().await;
    }

    fn forget(&self, place: usize, gone: &Arc<Running>) {
        if let Some(configured) = self.servers.get(place) {
            configured.take_if(|running| Arc::ptr_eq(running, gone));
        }
    }

    async fn running(&self, place: usize) -> Result<Arc<Running>, String> {
        let configured = self
            .servers
            .get(place)
            .ok_or_else(|| "there is no such server".to_owned())?;
        if let Some(alive) = configured.alive() {
            return Ok(alive);
        }
        let started = start(&configured.name, &configured.config, &self.surroundings).await?;
        Ok(configured.keep(started))
    }
}

impl Running {
    async fn end(self) {
        self.server.close().await;
        if let Some(child) = self.child {
            // How it ends interests nobody any more.
            let _ = child.end().await;
        }
    }
}

impl Configured {
    fn alive(&self) -> Option<Arc<Running>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = running.as_ref();
        running
            .filter(|running| !running.server.is_closed())
            .cloned()
    }

    fn take_if(&self, is_meant: impl FnOnce(&Arc<Running>) -> bool) -> Option<Arc<Running>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.take_if(|running| is_meant(running))
    }

    /// Another call may have started it at the same time: then that one is kept, and this one ends.
    fn keep(&self, started: Running) -> Arc<Running> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match &*running {
            Some(other) if !other.server.is_closed() => Arc::clone(other),
            Some(_) | None => Arc::clone(running.insert(Arc::new(started))),
        }
    }
}

async fn start(
    name: &str,
    config: &McpServer,
    surroundings: &Surroundings,
) -> Result<Running, String> {
    match config {
        McpServer::Command {
            program,
            args,
            directory,
            env,
        } => {
            let mut environment = agent::inherited();
            environment.extend(env.iter().cloned());
            let spec = Spec {
                program: program.into(),
                args: args.iter().map(OsString::from).collect(),
                cwd: directory.clone(),
                env: environment,
                marker: part_of(&surroundings.marker, &surroundings.part(name)),
                stdin: Stdin::Pipe,
            };
            let secrets: Vec<Secret> = env
                .iter()
                .map(|(_, value)| Secret::new(value.to_string_lossy()))
                .collect();
            let started = Child::start(name, spec, Redactor::new(secrets.iter())).await;
            let (child, pipes) = started.map_err(|error| source_chain(&error))?;
            match Server::over_io(name, pipes.read, pipes.write, &secrets).await {
                Ok(server) => Ok(Running {
                    server,
                    child: Some(child),
                }),
                Err(error) => Err(explained(&error, child, &Redactor::new(secrets.iter())).await),
            }
        }
        McpServer::Http { url, headers } => {
            // What the run brought along takes the place of what the server has.
            let own = surroundings.headers.get(name);
            let own = own.map_or(&[][..], Vec::as_slice);
            let is_own = |header: &str| {
                own.iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case(header))
            };
            let mut all: Vec<(String, Secret)> = own.to_vec();
            all.extend(headers.iter().filter(|(name, _)| !is_own(name)).cloned());
            let server = Server::over_http(name, url, &all, &surroundings.client).await;
            Ok(Running {
                server: server.map_err(|error| source_chain(&error))?,
                child: None,
            })
        }
    }
}

/// Why a program did not become a server, with its own last words: they often say what is missing.
async fn explained(error: &Error, child: Child, secrets: &Redactor) -> String {
    let (exit, last_words) = child.end().await;
    let mut why = source_chain(error);
    if let Error::Gone { .. } = error {
        why = format!("{why}: it {exit}");
    }
    let last_words = secrets.clean(last_words);
    let lines = last_words.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        why
    } else {
        format!("{why}; it said: {}", lines.join(" | "))
    }
}

/// What is told of a server that the configuration does not know any more.
pub(super) fn missing(name: &str) -> Notice {
    let text = format!("the configuration has no MCP server {name}, its tools are missing");
    notice("mcp_unknown", &text)
}

/// The headers that a run brought along, by server.
pub(super) fn headers_of(
    credentials: &wire::Credentials,
) -> BTreeMap<String, Vec<(String, Secret)>> {
    let servers = credentials.mcp.iter();
    let servers = servers.map(|(server, headers)| {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), Secret::new(value.reveal())));
        (server.clone(), headers.collect())
    });
    servers.collect()
}

fn notice(code: &str, text: &str) -> Notice {
    let text = bounded_text(text.to_owned(), MAX_WHY_BYTES);
    Notice::new(NoticeLevel::Warning, code, text)
}
