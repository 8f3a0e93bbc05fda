//! Puts file, environment and flags together.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use provider::Prices;
use run::AgentSpec;

use super::error::{ConfigError, Origin, Problem};
use super::place::{STORE_FILE, Surroundings};
use super::settings::{Limits, Server, Worker};
use super::{agents, document, mcp, overrides, price, repository, vendor};

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The file it came from.
    pub(crate) file: Option<PathBuf>,
    /// The store's file.
    pub(crate) store: PathBuf,
    /// Whether somebody chose the address; else another port will do when that one is taken.
    pub(crate) listen_was_chosen: bool,
    /// `[server]`
    pub(crate) server: Server,
    /// `[worker]`
    pub(crate) worker: Worker,
    /// `[limits]`
    pub(crate) limits: Limits,
    /// Vendors by name.
    pub(crate) vendors: BTreeMap<String, vendor::Vendor>,
    /// What their models cost.
    pub(crate) prices: Prices,
    /// MCP servers by name.
    pub(crate) mcp: BTreeMap<String, mcp::McpSection>,
    /// Agents by name.
    pub(crate) agents: BTreeMap<String, AgentSpec>,
    /// The names of those that the file has.
    pub(crate) own_agents: BTreeSet<String>,
}

impl Config {
    /// Where the store is and what belongs to it.
    pub(crate) fn data_directory(&self) -> &Path {
        self.store.parent().unwrap_or(Path::new("/"))
    }

    /// A sentence for each agent whose vendor's key is not in the environment.
    pub(crate) fn missing_keys(&self, surroundings: &Surroundings) -> Vec<String> {
        let missing = self.agents.iter().filter_map(|(name, spec)| {
            let variable = self.missing_key(spec, surroundings)?;
            let vendor = spec.model_spec()?.vendor;
            Some(format!(
                "agent {name}: vendor {vendor} has no key, {variable} is not set"
            ))
        });
        let servers = self.mcp.iter().flat_map(|(name, server)| {
            server
                .missing(surroundings)
                .map(move |variable| format!("mcp {name}: {variable} is not set"))
        });
        missing.chain(servers).collect()
    }

    /// The variable of the key that an agent's vendor wants, if it is not in the environment.
    pub(crate) fn missing_key(
        &self,
        spec: &AgentSpec,
        surroundings: &Surroundings,
    ) -> Option<&str> {
        let vendor = spec.model_spec()?.vendor;
        let variable = self.vendors.get(&vendor)?.key_env.as_deref()?;
        surroundings.var(variable).is_none().then_some(variable)
    }
}

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// `--config`
    pub(crate) config: Option<PathBuf>,
    /// `--listen`
    pub(crate) listen: Option<SocketAddr>,
    /// `--store`
    pub(crate) store: Option<String>,
}

/// Reads and resolves the configuration.
pub(crate) fn load(surroundings: &Surroundings, flags: &Flags) -> Result<Config, ConfigError> {
    let file = surroundings.config_file(flags.config.as_deref());
    let text = match &file {
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            let origin = Origin::File {
                path: path.clone(),
                line: 0,
            };
            ConfigError::one(origin, format!("failed to read the configuration: {error}"))
        })?,
        None => String::new(),
    };
    let path = file.clone().unwrap_or_default();
    resolve(surroundings, flags, file, document::parse(&path, &text)?)
}

fn resolve(
    surroundings: &Surroundings,
    flags: &Flags,
    file: Option<PathBuf>,
    parsed: document::Parsed,
) -> Result<Config, ConfigError> {
    let document::Parsed {
        mut server,
        mut worker,
        mut limits,
        vendors,
        prices,
        mcp,
        repositories,
        mut agents,
    } = parsed;
    let by_default = Server::default();
    let mut listen_was_chosen = server.listen != by_default.listen;
    let overridden = overrides::apply(surroundings, &mut server, &mut worker, &mut limits)?;
    listen_was_chosen |= overridden.listen;
    if let Some(listen) = flags.listen {
        server.listen = listen;
        listen_was_chosen = true;
    }
    let beside_file = file.as_deref().and_then(Path::parent);
    let (origin, base) = if flags.store.is_some() {
        server.store.clone_from(&flags.store);
        (Origin::Flag("--store"), surroundings.directory.as_path())
    } else if overridden.store {
        let name = "OUTLIVE_SERVER_STORE".to_owned();
        (Origin::Variable(name), surroundings.directory.as_path())
    } else {
        let path = file.clone().unwrap_or_default();
        let base = beside_file.unwrap_or(&surroundings.directory);
        (Origin::File { path, line: 0 }, base)
    };
    let mut problems: Vec<Problem> = [("server", server.problems()), ("worker", worker.problems())]
        .into_iter()
        .flat_map(|(section, found)| {
            let file = file.clone().unwrap_or_default();
            found.into_iter().map(move |message| Problem {
                origin: Origin::File {
                    path: file.clone(),
                    line: 0,
                },
                message: format!("[{section}] {message}"),
            })
        })
        .collect();
    let store = match store_path(server.store.as_deref(), base, surroundings) {
        Ok(path) => path,
        Err(message) => {
            problems.push(Problem { origin, message });
            PathBuf::new()
        }
    };
    let mut known = vendor::built_in();
    for named in vendors {
        match named.section.resolve(known.get(&named.name)) {
            Ok(vendor) => {
                known.insert(named.name, vendor);
            }
            Err(message) => problems.push(Problem {
                origin: named.origin,
                message: format!("vendor {}: {message}", named.name),
            }),
        }
    }
    let prices = price::resolve(prices, &known).unwrap_or_else(|found| {
        problems.extend(found);
        Prices::default()
    });
    let own_agents = agents.iter().map(|named| named.name.clone()).collect();
    let mcp = mcp::resolve(mcp).unwrap_or_else(|found| {
        problems.extend(found);
        BTreeMap::new()
    });
    problems.extend(repository::resolve(repositories, &mut agents));
    let agents = agents::resolve(agents, &known, &mcp, surroundings).unwrap_or_else(|found| {
        problems.extend(found);
        BTreeMap::new()
    });
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    Ok(Config {
        file,
        store,
        listen_was_chosen,
        server,
        worker,
        limits,
        vendors: known,
        prices,
        mcp,
        agents,
        own_agents,
    })
}

fn store_path(
    setting: Option<&str>,
    base: &Path,
    surroundings: &Surroundings,
) -> Result<PathBuf, String> {
    let Some(text) = setting else {
        return Ok(surroundings.data_directory().join(STORE_FILE));
    };
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Err(
            "store: PostgreSQL is not built into this version, only sqlite:// is".to_owned(),
        );
    }
    match store::Location::parse(text) {
        Ok(store::Location::Sqlite(path)) => Ok(base.join(path)),
        Err(message) => Err(format!("store: {message}")),
    }
}
