//! The MCP servers of the agents: whether each starts, and what it offers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::Config;
use crate::failure::Failure;
use crate::render::{clean_line, counted};
use crate::session::Session;

/// For one server in all.
const PATIENCE: Duration = Duration::from_secs(30);
/// Characters of what is said about a server.
const LINE_CHARS: usize = 500;

/// What became of a server.
pub(super) struct Tried {
    offered: Result<(usize, u128), String>,
    /// Variables that it names and that are not there.
    missing: Vec<String>,
}

impl Tried {
    pub(super) fn sign(&self) -> &'static str {
        if self.has_failed() { "✗" } else { "✓" }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.offered.is_err()
    }

    pub(super) fn words(&self) -> String {
        let words = match &self.offered {
            Ok((n_tools, ms)) => format!("{} in {ms} ms", counted(*n_tools as u64, "tool")),
            Err(why) => clean_line(why, LINE_CHARS),
        };
        if self.missing.is_empty() {
            words
        } else {
            format!("{words} ({} is not set)", self.missing.join(", "))
        }
    }
}

/// Starts each server that an agent uses, once, all at the same time.
pub(super) async fn try_all(
    session: &Session,
    config: &Config,
) -> Result<BTreeMap<String, Tried>, Failure> {
    let agents = config.agents.values();
    let used: BTreeSet<&String> = agents.flat_map(|spec| &spec.tools.mcp).collect();
    let mut tries = JoinSet::new();
    for name in used {
        let Some(section) = config.mcp.get(name) else {
            continue;
        };
        let Some(server) = section.resolve(&session.surroundings) else {
            continue;
        };
        let missing = section.missing(&session.surroundings);
        let missing = missing.map(str::to_owned).collect();
        let (name, allowed) = (name.clone(), config.worker.allow_hosts.clone());
        tries.spawn(async move {
            let begun = Instant::now();
            let answer = timeout(PATIENCE, worker::try_server(&name, &server, &allowed)).await;
            let offered = match answer {
                Ok(offered) => offered.map(|n_tools| (n_tools, begun.elapsed().as_millis())),
                Err(_) => Err(format!("not ready within {} s", PATIENCE.as_secs())),
            };
            (name, Tried { offered, missing })
        });
    }
    let mut servers = BTreeMap::new();
    while let Some(joined) = tries.join_next().await {
        let (name, found) =
            joined.map_err(|error| Failure::Failed(format!("a check broke off: {error}")))?;
        servers.insert(name, found);
    }
    Ok(servers)
}
