//! `outlive ls`: runs, newest first.

use std::io::{IsTerminal, stdout};

use run::Timestamp;
use wire::RunBody;

use crate::args::List;
use crate::client::{RunQuery, limits};
use crate::clock::now;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{clean_line, columns, duration, table};
use crate::session::{Session, print, print_line};

/// Characters of an id that are shown at least: its time, which two runs of one millisecond share.
const ID_CHARS: usize = 13;
/// Characters of a thread's id that are shown.
const THREAD_CHARS: usize = 24;

pub(super) async fn run(session: &Session, args: List) -> Result<Exit, Failure> {
    let client = session.client().await?;
    let mut query = RunQuery {
        statuses: args
            .status
            .into_iter()
            .flat_map(|statuses| statuses.0)
            .collect(),
        agent: args.agent,
        thread: args.thread,
        ephemeral: args.all,
        cursor: None,
        limit: args.limit.clamp(1, limits::PAGE),
    };
    let mut runs = Vec::new();
    while runs.len() < args.limit {
        let page = client.runs(&query).await?;
        runs.extend(page.runs);
        query.cursor = page.next;
        if query.cursor.is_none() {
            break;
        }
    }
    runs.truncate(args.limit);
    if args.json {
        for run in &runs {
            print_line(&serde_json::to_string(run).unwrap_or_default())?;
        }
        return Ok(Exit::Succeeded);
    }
    if runs.is_empty() {
        session.tell("no runs");
        return Ok(Exit::Succeeded);
    }
    let width = stdout().is_terminal().then(columns);
    print(&table(&rows(&runs, now()), width))?;
    Ok(Exit::Succeeded)
}

fn rows(runs: &[RunBody], now: Timestamp) -> Vec<Vec<String>> {
    let header = ["RUN", "STATUS", "AGENT", "THREAD", "AGE", "TOOK", "SAID"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let ids: Vec<String> = runs.iter().map(|run| run.id.to_string()).collect();
    for (run, id) in runs.iter().zip(&ids) {
        let status = match run.reason {
            Some(reason) if reason != run::Reason::Completed => {
                format!("{} ({reason})", run.status)
            }
            _ => run.status.to_string(),
        };
        let began = run.started_at.unwrap_or(run.created_at);
        let took = run.finished_at.unwrap_or(now).ms_since(began);
        let said = run.error.as_ref().map(|error| &error.message);
        let said = said.or(run.summary.as_ref());
        rows.push(vec![
            short(id, &ids),
            status,
            clean_line(&run.agent, THREAD_CHARS),
            clean_line(run.thread_id.as_str(), THREAD_CHARS),
            duration(now.ms_since(run.created_at)),
            duration(took),
            said.map_or(String::new(), |said| clean_line(said, 200)),
        ]);
    }
    rows
}

/// The beginning of an id that no other one of the list shares.
fn short(id: &str, ids: &[String]) -> String {
    let shared = ids.iter().filter(|other| *other != id).map(|other| {
        let same = id.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
        same.count() + 1
    });
    let length = shared.max().unwrap_or(0).max(ID_CHARS).min(id.len());
    id[..length].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shortened_to_what_tells_it_from_the_others() {
        let ids = [
            "0198c5f0-1a2b-7000-8000-000000000000",
            "0198c5f0-1a2b-7001-8000-000000000000",
            "0198c5f0-1a2c-7000-8000-000000000000",
        ]
        .map(str::to_owned);
        let short: Vec<String> = ids.iter().map(|id| short(id, &ids)).collect();
        assert_eq!(
            short,
            ["0198c5f0-1a2b-7000", "0198c5f0-1a2b-7001", "0198c5f0-1a2c"]
        );
    }
}
