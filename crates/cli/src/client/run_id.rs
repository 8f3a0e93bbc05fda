//! Runs as people name them: by id, by its beginning, by `last`.

use run::RunId;

use super::calls::{Client, RunQuery};
use super::error::ClientError;
use super::limits::{ABBREVIATED_AMONG, ABBREVIATION, FEW, PAGE};

/// The newest run that somebody started: those that agents start stand below it.
const LAST: &str = "last";

/// A name that names no run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunNameError {
    /// None.
    #[error("there is no run {0}")]
    Unknown(String),
    /// There are no runs at all.
    #[error("there is no run yet")]
    NoRuns,
    /// Several.
    #[error("{name} is the beginning of several runs: {}", among.join(", "))]
    Ambiguous {
        /// What was given.
        name: String,
        /// Some that it could be.
        among: Vec<String>,
    },
    /// It can be none.
    #[error(
        "{0:?} is no run: a run is an id, at least {ABBREVIATION} characters of its beginning, or last"
    )]
    Malformed(String),
    /// The server could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The run that is meant.
pub(crate) async fn find(client: &Client, name: &str) -> Result<RunId, RunNameError> {
    if let Ok(run) = RunId::parse(name) {
        return Ok(run);
    }
    if name == LAST {
        return last(client).await;
    }
    let begins = name.to_ascii_lowercase();
    let is_beginning = begins.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if begins.len() < ABBREVIATION || !is_beginning {
        return Err(RunNameError::Malformed(name.to_owned()));
    }
    let mut found = Vec::new();
    let mut query = RunQuery {
        limit: PAGE,
        // Whoever has the beginning of an id asks for that run.
        ephemeral: true,
        ..RunQuery::default()
    };
    for _ in 0..ABBREVIATED_AMONG / PAGE {
        let page = client.runs(&query).await?;
        let ids = page.runs.iter().map(|run| run.id);
        found.extend(ids.filter(|id| id.to_string().starts_with(&begins)));
        query.cursor = page.next;
        if query.cursor.is_none() || found.len() > 1 {
            break;
        }
    }
    match &found[..] {
        [] => Err(RunNameError::Unknown(name.to_owned())),
        [run] => Ok(*run),
        several => Err(RunNameError::Ambiguous {
            name: name.to_owned(),
            among: several.iter().take(3).map(RunId::to_string).collect(),
        }),
    }
}

async fn last(client: &Client) -> Result<RunId, RunNameError> {
    let mut query = RunQuery {
        limit: FEW,
        ..RunQuery::default()
    };
    for _ in 0..ABBREVIATED_AMONG / FEW {
        let page = client.runs(&query).await?;
        if let Some(run) = page.runs.iter().find(|run| run.parent.is_none()) {
            return Ok(run.id);
        }
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    Err(RunNameError::NoRuns)
}
