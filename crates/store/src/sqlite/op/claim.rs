//! Giving due runs to a worker.

use std::collections::BTreeSet;

use run::{Command, RunId};
use rusqlite::{OptionalExtension, Row, params};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use crate::{Claim, Claimed};

/// Gives due runs to a worker, oldest first, within the concurrency of their agents.
pub struct ClaimOp(pub Claim);

/// A tenant and one of its agents.
type Agent = (String, String);

/// A run that is due, as its columns say.
struct Candidate {
    due_at: i64,
    key: i64,
    id: RunId,
    agent: Agent,
}

/// With so many agents that have due runs, their queues are not looked at one by one.
const AGENTS: usize = 64;

impl Operation for ClaimOp {
    type Output = Vec<Claimed>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Claim { worker, max } = self.0;
        let is_alive: bool = txn
            .connection
            .prepare_cached("SELECT count(*) FROM worker WHERE id = ?1 AND until > ?2")?
            .query_row(params![worker.as_str(), txn.now.as_ms()], |row| row.get(0))?;
        if !is_alive {
            return Ok(Vec::new());
        }
        let mut claimed = Vec::new();
        // Agents without a free place are passed over inside the database, so that a long queue of one agent cannot
        // hide the runs of another.
        let mut full: BTreeSet<Agent> = BTreeSet::new();
        while claimed.len() < max {
            let candidates = candidates(txn, &full, max - claimed.len())?;
            let mut looks_again = false;
            for Candidate { id: run, agent, .. } in candidates {
                if full.contains(&agent) {
                    continue;
                }
                if !txn.load_or_set_aside(run)? {
                    looks_again = true;
                    continue;
                }
                let origin = &txn.head(run).origin;
                let place = (origin.tenant.clone(), origin.agent.clone());
                let n_held = txn.state.held.get(&place).copied().unwrap_or(0);
                if origin.spec.concurrency.is_some_and(|max| n_held >= max) {
                    full.insert(agent);
                    looks_again = true;
                    continue;
                }
                let driver = origin.spec.driver;
                if txn.decide(run, Command::Claim { driver })?.is_ok() {
                    txn.hold(run, &worker);
                    // At once, so that the next look does not find it again and counts its place.
                    txn.save(run)?;
                    let run = txn.head(run).record();
                    claimed.push(Claimed {
                        fence: run.control.fence,
                        run,
                    });
                }
            }
            // Else every candidate was taken.
            if !looks_again {
                break;
            }
        }
        Ok(claimed)
    }
}

/// Due runs, oldest first, without those of full agents.
fn candidates(txn: &Txn<'_>, full: &BTreeSet<Agent>, max: usize) -> Result<Vec<Candidate>, Fault> {
    // The long queue of a full agent would be read to its end at each claim, so the queues of the others are read
    // instead, unless there are so many that one of them is soon found.
    let others = if full.is_empty() { None } else { agents(txn)? };
    let Some(agents) = others else {
        return in_order(txn, full, max);
    };
    let mut candidates = Vec::new();
    for agent in agents.iter().filter(|agent| !full.contains(*agent)) {
        let mut statement = txn.connection.prepare_cached(
            "SELECT due_at, key, id, tenant, agent FROM run
             WHERE tenant = ?1 AND agent = ?2 AND due_at IS NOT NULL AND due_at <= ?3 ORDER BY due_at, key LIMIT ?4",
        )?;
        let due = statement.query_map(params![agent.0, agent.1, txn.now.as_ms(), max], read)?;
        for candidate in due {
            candidates.push(candidate?);
        }
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.due_at, candidate.key));
    candidates.truncate(max);
    Ok(candidates)
}

/// The agents that have runs which are or will be due; `None` when they are many.
fn agents(txn: &Txn<'_>) -> Result<Option<Vec<Agent>>, Fault> {
    let mut agents: Vec<Agent> = Vec::new();
    // One step in the index for each, however long their queues are.
    let mut next = txn.connection.prepare_cached(
        "SELECT tenant, agent FROM run WHERE due_at IS NOT NULL AND (tenant, agent) > (?1, ?2)
         ORDER BY tenant, agent LIMIT 1",
    )?;
    let mut last = (String::new(), String::new());
    while let Some(agent) = next
        .query_row(params![last.0, last.1], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?
    {
        if agents.len() == AGENTS {
            return Ok(None);
        }
        last.clone_from(&agent);
        agents.push(agent);
    }
    Ok(Some(agents))
}

fn in_order(txn: &Txn<'_>, full: &BTreeSet<Agent>, max: usize) -> Result<Vec<Candidate>, Fault> {
    let full = serde_json::to_string(full).expect("strings print as JSON");
    let mut statement = txn.connection.prepare_cached(
        "SELECT due_at, key, id, tenant, agent FROM run WHERE due_at IS NOT NULL AND due_at <= ?1
            AND (tenant, agent) NOT IN (SELECT value ->> 0, value ->> 1 FROM json_each(?2))
         ORDER BY due_at, key LIMIT ?3",
    )?;
    let due = statement.query_map(params![txn.now.as_ms(), full, max], read)?;
    Ok(due.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        due_at: row.get(0)?,
        key: row.get(1)?,
        id: RunId::from_bytes(row.get(2)?),
        agent: (row.get(3)?, row.get(4)?),
    })
}
