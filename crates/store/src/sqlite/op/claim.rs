//! Giving due runs to a worker.

use std::collections::BTreeSet;
use std::sync::Arc;

use run::{Command, RunId};
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use crate::{Claim, Claimed};

/// Gives due runs to a worker, oldest first, within the concurrency of their agents.
pub struct ClaimOp(pub Claim);

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
        let mut full = BTreeSet::new();
        while claimed.len() < max {
            let candidates = candidates(txn, &full, max - claimed.len())?;
            if candidates.is_empty() {
                break;
            }
            let mut looks_again = false;
            for run in candidates {
                if !txn.load_or_set_aside(run)? {
                    looks_again = true;
                    continue;
                }
                let origin = Arc::clone(&txn.head(run).origin);
                let n_held = txn
                    .state
                    .held
                    .get(&(origin.tenant.clone(), origin.agent.clone()));
                if origin
                    .spec
                    .concurrency
                    .is_some_and(|max| n_held.is_some_and(|n| *n >= max))
                {
                    full.insert((origin.tenant.to_string(), origin.agent.clone()));
                    looks_again = true;
                    continue;
                }
                if txn
                    .decide(
                        run,
                        Command::Claim {
                            driver: origin.spec.driver,
                        },
                    )?
                    .is_ok()
                {
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

/// The ids of due runs, oldest first, without those of full agents.
fn candidates(
    txn: &Txn<'_>,
    full: &BTreeSet<(String, String)>,
    max: usize,
) -> Result<Vec<RunId>, Fault> {
    let full = serde_json::to_string(full).expect("strings print as JSON");
    let ids: Vec<[u8; 16]> = txn
        .connection
        .prepare_cached(
            "SELECT id FROM run WHERE due_at IS NOT NULL AND due_at <= ?1
                AND NOT EXISTS (SELECT 1 FROM json_each(?2) AS full
                    WHERE full.value ->> 0 = run.tenant AND full.value ->> 1 = run.agent)
             ORDER BY due_at, key LIMIT ?3",
        )?
        .query_map(params![txn.now.as_ms(), full, max], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(ids.into_iter().map(RunId::from_bytes).collect())
}
