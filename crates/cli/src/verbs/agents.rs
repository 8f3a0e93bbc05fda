//! `outlive agents`: what can be started, and whether its configuration is right.

mod check;

use std::io::{IsTerminal, stdout};

use wire::AgentBody;

use crate::args::AgentsVerb;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{clean_line, columns, table};
use crate::session::{Session, print, print_line};

pub(super) async fn run(session: &Session, verb: Option<AgentsVerb>) -> Result<Exit, Failure> {
    match verb {
        Some(AgentsVerb::Check { offline: true }) => loads(session),
        Some(AgentsVerb::Check { offline: false }) => check::run(session).await,
        None => list(session).await,
    }
}

async fn list(session: &Session) -> Result<Exit, Failure> {
    let agents = session.client().await?.agents().await?.agents;
    let width = stdout().is_terminal().then(columns);
    let mut rows = vec![["AGENT", "DRIVER", "MODEL", ""].map(str::to_owned).to_vec()];
    rows.extend(agents.iter().map(row));
    print(&table(&rows, width))?;
    Ok(Exit::Succeeded)
}

fn row(agent: &AgentBody) -> Vec<String> {
    vec![
        agent.name.clone(),
        agent.driver.to_string(),
        agent.model.clone().unwrap_or_default(),
        clean_line(agent.description.as_deref().unwrap_or_default(), 200),
    ]
}

/// Loading is the check: what is wrong with an agent is an error of the configuration.
fn loads(session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    for (name, spec) in &config.agents {
        let model = spec.model.as_deref().unwrap_or_default();
        print_line(format!("✓ {name} {} {model}", spec.driver).trim_end())?;
    }
    for warning in config.missing_keys(&session.surroundings) {
        session.warn(&warning);
    }
    Ok(Exit::Succeeded)
}
